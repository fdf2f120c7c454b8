#include "assumptions.hpp"

#include "flux_coefficients.hpp"
#include "fortet/base/error.hpp"

namespace fortet::densities {

namespace {

/// Points on a few lines along an axis, line by line: both sides of the domain first, then points inside.
struct Sample {
  static constexpr Index inside = 16;
  PointArray points;
  Index lines = 0;
  static constexpr Index per_line() { return inside + 2; }
};

Sample sample_lines(const Grid& grid, int axis) {
  const int d = grid.dimension();
  constexpr Index most = 5;
  std::vector<std::vector<double>> across(d);
  Index lines = 1;
  for (int k = 0; k < d; ++k) {
    if (k == axis) continue;
    const Index cells = grid.cells(k), count = std::min(most, cells);
    for (Index i = 0; i < count; ++i)
      across[k].push_back(grid.centres(k)[count > 1 ? i * (cells - 1) / (count - 1) : 0]);
    lines *= count;
  }
  Sample sample{PointArray(lines * Sample::per_line(), d), lines};
  const std::vector<double>& edges = grid.edges(axis);
  for (Index line = 0; line < lines; ++line) {
    for (Index p = 0; p < Sample::per_line(); ++p) {
      const Index i = line * Sample::per_line() + p;
      Index rest = line;
      for (int k = 0; k < d; ++k) {
        if (k == axis) {
          sample.points(i, k) = p == 0   ? edges.front()
                                : p == 1 ? edges.back()
                                         : grid.centres(k)[(p - 2) * (grid.cells(k) - 1) / (Sample::inside - 1)];
        } else {
          sample.points(i, k) = across[k][rest % static_cast<Index>(across[k].size())];
          rest /= static_cast<Index>(across[k].size());
        }
      }
    }
  }
  return sample;
}

/// Calls body(lower, upper, largest inside) for the values of each line.
template <class Body>
void visit_lines(const Sample& sample, const double* values, Body body) {
  for (Index line = 0; line < sample.lines; ++line) {
    const double* v = values + line * Sample::per_line();
    double largest = 0;
    for (Index p = 2; p < Sample::per_line(); ++p) largest = std::max(largest, std::abs(v[p]));
    body(v[0], v[1], largest);
  }
}

double middle_time(const processes::Process& process) { return 0.5 * process.horizon(); }

/// Twice D_kk at the points.
std::vector<double> diffusion_along(const processes::Process& process, const Sample& sample, int axis) {
  const int d = process.dimension();
  PointArray triangle(sample.points.size(), d * (d + 1) / 2);
  process.diffusion(middle_time(process), sample.points, triangle);
  const double* diagonal = triangle.view().coordinate(diagonal_column(d, axis));
  return {diagonal, diagonal + sample.points.size()};
}

/// Largest difference between the two ends of an axis, as a part of the largest value inside.
double seam_jump(const Sample& sample, const double* values) {
  double jump = 0, scale = 0;
  visit_lines(sample, values, [&](double lower, double upper, double largest) {
    scale = std::max({scale, largest, std::abs(lower), std::abs(upper)});
    const double difference = std::abs(upper - lower);
    jump = std::isfinite(difference) ? std::max(jump, difference) : std::numeric_limits<double>::infinity();
  });
  return scale > 0 ? jump / scale : 0;
}

constexpr double seam_tolerance = 1e-9;  // of the largest value: ends of an axis such as 2 pi are rounded

bool jumps_in_potential(const processes::Process& process, const Grid& grid, int axis) {
  if (!grid.is_periodic(axis) || !process.has_potential()) return false;
  const Sample sample = sample_lines(grid, axis);
  std::vector<double> potential(sample.points.size());
  process.potential(sample.points, potential.data());
  return seam_jump(sample, potential.data()) > seam_tolerance;
}

}  // namespace

bool has_equilibrium(const processes::Process& process, const Grid& grid) {
  if (!process.has_potential()) return false;
  for (int axis = 0; axis < grid.dimension(); ++axis) {
    if (jumps_in_potential(process, grid, axis)) return false;
  }
  return true;
}

bool is_degenerate(const processes::Process& process, const Grid& grid, int axis, int side) {
  if (process.noise_is_additive() || grid.is_periodic(axis)) return false;
  const Sample sample = sample_lines(grid, axis);
  const std::vector<double> diffusion = diffusion_along(process, sample, axis);
  bool vanishes = true, is_positive = false;
  for (Index line = 0; line < sample.lines; ++line) {
    const double* d = diffusion.data() + line * Sample::per_line();
    const double at_side = d[side], next = side == 0 ? d[2] : d[Sample::per_line() - 1];
    vanishes = vanishes && at_side <= 0.1 * next;
    is_positive = is_positive || next > 0;
  }
  return vanishes && is_positive;
}

bool needs_cell_rates(const processes::Process& process, const Grid& grid, int axis) {
  if (process.noise_shape() == processes::NoiseShape::none) return false;
  const processes::Regularity known = process.regularity();
  const bool is_sharp =
      known.noise != Smoothness::smooth || (known.drift == Smoothness::jumping && !has_equilibrium(process, grid));
  if (!is_sharp) {
    // Along the other axes, too: where their noise vanishes with this one's, only rates by cells move the mean exactly.
    bool any = false;
    for (int k = 0; k < grid.dimension(); ++k)
      any = any || is_degenerate(process, grid, k, 0) || is_degenerate(process, grid, k, 1);
    if (!any) return false;
  }
  const Sample sample = sample_lines(grid, axis);
  const std::vector<double> diffusion = diffusion_along(process, sample, axis);
  return std::any_of(diffusion.begin(), diffusion.end(), [](double value) { return value > 0; });
}

bool is_open(const Grid& grid, int axis, int side) {
  const Boundary boundary = grid.boundary(axis, side);
  return boundary == Boundary::absorbing || boundary == Boundary::outflow;
}

bool has_open_sides(const Grid& grid) {
  for (int axis = 0; axis < grid.dimension(); ++axis) {
    if (is_open(grid, axis, 0) || is_open(grid, axis, 1)) return true;
  }
  return false;
}

std::vector<std::string> remarks(const processes::Process& process, const Grid& grid) {
  std::vector<std::string> found;
  const int d = grid.dimension();
  for (int axis = 0; axis < d; ++axis) {
    if (!grid.is_periodic(axis)) continue;
    const double lower = grid.edges(axis).front(), upper = grid.edges(axis).back();
    if (jumps_in_potential(process, grid, axis)) {
      found.push_back(
          fmt::format("the potential differs at the two ends of periodic axis {} ({:g} and {:g}): its gradient is "
                      "taken as a force, "
                      "and e^-V is no equilibrium",
                      axis, lower, upper));
    }
    const Sample sample = sample_lines(grid, axis);
    PointArray drift(sample.points.size(), d), diffusion(sample.points.size(), d * (d + 1) / 2);
    process.drift(middle_time(process), sample.points, drift);
    process.diffusion(middle_time(process), sample.points, diffusion);
    double jump = 0;
    for (int k = 0; k < d; ++k) jump = std::max(jump, seam_jump(sample, drift.view().coordinate(k)));
    for (int k = 0; k < diffusion.dimension(); ++k)
      jump = std::max(jump, seam_jump(sample, diffusion.view().coordinate(k)));
    if (jump > seam_tolerance) {
      found.push_back(fmt::format(
          "the drift or the noise jumps at the seam of periodic axis {} (by {:.2g} of its size between {:g} "
          "and {:g}); the mean of both ends is taken there",
          axis, jump, lower, upper));
    }
  }
  return found;
}

}  // namespace fortet::densities
