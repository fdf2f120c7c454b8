#include "grid_coefficients.hpp"

#include "fortet/base/expression.hpp"
#include "fortet/processes/not_finite.hpp"
#include "line_operator.hpp"
#include "selling.hpp"

namespace fortet::densities {

namespace {
constexpr Index most_points = 4096;  ///< of one kind: enough to see a region, cheap for any process

/// Up to `most` of the numbers 0 .. n - 1, spread evenly, the first and the last among them.
std::vector<Index> spread(Index n, Index most) {
  std::vector<Index> chosen;
  const Index count = std::min(n, std::max<Index>(most, 2));
  for (Index i = 0; i < count; ++i) chosen.push_back(count == 1 ? 0 : i * (n - 1) / (count - 1));
  return chosen;
}

/// Points of a tensor product of some coordinates of each axis.
PointArray lattice(const std::vector<std::vector<double>>& axes) {
  Index count = 1;
  for (const auto& axis : axes) count *= static_cast<Index>(axis.size());
  PointArray x(count, static_cast<int>(axes.size()));
  for (Index i = 0; i < count; ++i) {
    Index rest = i;
    for (std::size_t k = 0; k < axes.size(); ++k) {
      x(i, static_cast<int>(k)) = axes[k][rest % axes[k].size()];
      rest /= static_cast<Index>(axes[k].size());
    }
  }
  return x;
}

std::vector<double> centres(const Grid& grid, int axis) {
  const Index most = static_cast<Index>(std::pow(most_points, 1.0 / grid.dimension()));
  std::vector<double> chosen;
  for (const Index i : spread(grid.cells(axis), most)) chosen.push_back(grid.centres(axis)[i]);
  return chosen;
}

/// The faces through which something may go: sides that reflect are none.
std::vector<double> faces(const Grid& grid, int axis) {
  const Index most = static_cast<Index>(std::pow(most_points, 1.0 / grid.dimension()));
  const Index first = grid.boundary(axis, 0) == Boundary::no_flux ? 1 : 0,
              last = grid.cells(axis) - (grid.boundary(axis, 1) == Boundary::no_flux ? 1 : 0);
  std::vector<double> chosen;
  if (last < first) return chosen;
  for (const Index i : spread(last - first + 1, most)) chosen.push_back(grid.edges(axis)[first + i]);
  return chosen;
}

/// Within the horizon, not at its ends: a process may be singular there, where no step evaluates it.
std::vector<double> times(const DensitySettings& settings, bool is_steady) {
  if (is_steady) return settings.at;
  const double horizon = settings.process->horizon();
  return {horizon / 64, horizon / 2, horizon * 63 / 64};
}
}  // namespace

PointArray sampled_centres(const Grid& grid) {
  std::vector<std::vector<double>> axes;
  for (int k = 0; k < grid.dimension(); ++k) axes.push_back(centres(grid, k));
  return lattice(axes);
}

void check_coefficients(const DensitySettings& settings, bool is_steady) {
  const Grid& grid = *settings.grid;
  const int d = grid.dimension();
  const auto require = [&](double t, ConstPoints x, int axis) {
    if (const auto found = processes::first_not_finite(*settings.process, t, x, axis)) {
      throw ParameterError("process", fmt::format("on the grid the process has a value that is not finite: {}. Choose "
                                                  "another grid, or a formula that holds on all of this one",
                                                  found->text()));
    }
  };
  std::vector<std::vector<double>> middle;
  for (int k = 0; k < d; ++k) middle.push_back(centres(grid, k));
  for (const double t : times(settings, is_steady)) {
    require(t, lattice(middle), -1);
    for (int axis = 0; axis < d; ++axis) {
      std::vector<std::vector<double>> axes = middle;
      axes[axis] = faces(grid, axis);
      require(t, lattice(axes), axis);
    }
  }
}

void check_cross_terms(const DensitySettings& settings, bool is_steady) {
  const Grid& grid = *settings.grid;
  const int d = grid.dimension();
  std::vector<double> width;
  for (int k = 0; k < d; ++k) {
    width.push_back(grid.width(k, 0));
    if (!grid.is_uniform(k)) {
      throw ParameterError(
          "grid", fmt::format("a diffusion tensor with cross terms needs a uniform grid; axis {} is stretched", k));
    }
  }
  const PointArray x = sampled_centres(grid);
  PointArray a(block_size, d * (d + 1) / 2);
  for (const double t : times(settings, is_steady)) {
    for (Index begin = 0; begin < x.size(); begin += block_size) {
      const Index count = std::min(block_size, x.size() - begin);
      try {
        settings.process->diffusion(t, x.view().slice(begin, count), a.view().slice(0, count));
      } catch (const NotComputedYet&) {
        return;
      }
      for (Index i = 0; i < count; ++i) {
        double scaled[6];
        for (int p = 0, column = 0; p < d; ++p) {
          for (int q = p; q < d; ++q, ++column) scaled[column] = 0.5 * a(i, column) / (width[p] * width[q]);
        }
        if (!selling_decomposition(d, scaled).empty()) continue;
        std::vector<double> point(d);
        for (int k = 0; k < d; ++k) point[k] = x(begin + i, k);
        throw ParameterError(
            "process", fmt::format("a diffusion tensor with cross terms must be positive definite on the whole grid; "
                                   "it is not, or too elongated for these cells, at ({:.6g}), t = {:.6g}",
                                   fmt::join(point, ", "), t));
      }
    }
  }
}

void throw_not_finite(const processes::Process& process, double t, ConstPoints x, int axis) {
  const auto found = processes::first_not_finite(process, t, x, axis);
  throw DivergedError(
      found ? found->text()
            : fmt::format("the coefficients of the process along axis {} overflow at t = {:.6g}", axis, t));
}

}  // namespace fortet::densities
