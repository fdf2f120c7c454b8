// Richardson estimates of the errors in space and time, as signed defects of the cell masses.
#include "density_parameters.hpp"

namespace fortet::densities {

namespace {

std::vector<double> masses_of(const Grid& grid, const Snapshot& snapshot) {
  std::vector<double> masses = grid.local_volumes();
  for (std::size_t i = 0; i < masses.size(); ++i) masses[i] *= snapshot.values[i];
  return masses;
}

/// Masses of the cells of a grid with half as many cells along each axis, all of them, on every rank.
std::vector<double> merge_pairs(const Grid& fine, const std::vector<double>& masses, const Grid& coarse) {
  const int d = fine.dimension();
  const Index nx = fine.cells(0), ny = d > 2 ? fine.cells(1) : 1, cx = coarse.cells(0),
              cy = d > 2 ? coarse.cells(1) : 1;
  std::vector<double> merged(coarse.cell_count(), 0.0);
  const Index layer = coarse.layer_size();
  for (Index z = 0; z < fine.slab().size(); ++z) {
    const Index target = (fine.slab().begin + z) / 2;
    if (d == 1) {
      merged[target] += masses[z];
      continue;
    }
    // A layer is summed by itself first: then two layers on different ranks add up to the same bits as on one.
    std::vector<double> sums(layer, 0.0);
    for (Index y = 0; y < ny; ++y) {
      for (Index x = 0; x < nx; ++x) sums[y / 2 % cy * cx + x / 2] += masses[(z * ny + y) * nx + x];
    }
    for (Index i = 0; i < layer; ++i) merged[target * layer + i] += sums[i];
  }
  MPI_Allreduce(MPI_IN_PLACE, merged.data(), static_cast<int>(merged.size()), MPI_DOUBLE, MPI_SUM,
                fine.communicator().handle());
  return merged;
}

/// Splits each value into two along an axis of length n, conservatively and linearly: e/2 -+ (e_{j+1} - e_{j-1})/16.
std::vector<double> split(const std::vector<double>& values, Index inner, Index n, bool periodic) {
  std::vector<double> halves(2 * values.size());
  const Index outer = static_cast<Index>(values.size()) / (inner * n);
  for (Index o = 0; o < outer; ++o) {
    for (Index j = 0; j < n; ++j) {
      const Index below = j > 0 ? j - 1 : periodic ? n - 1 : j, above = j + 1 < n ? j + 1 : periodic ? 0 : j;
      for (Index i = 0; i < inner; ++i) {
        const auto at = [&](Index k) { return values[(o * n + k) * inner + i]; };
        const double slope = (at(above) - at(below)) / 16.0;
        halves[(o * 2 * n + 2 * j) * inner + i] = 0.5 * at(j) - slope;
        halves[(o * 2 * n + 2 * j + 1) * inner + i] = 0.5 * at(j) + slope;
      }
    }
  }
  return halves;
}

double total_size(const Grid& grid, const std::vector<double>& defect) {
  parallel::ExactSum sum;
  for (double value : defect) sum.add(std::abs(value));
  return grid.communicator().sum(sum);
}

/// What a companion solve is made of.
struct CompanionSolve {
  DensitySettings settings;
  DensityOptions options;
};

bool refines(const Grid& grid) { return grid.dimension() == 1 || !grid.can_be_coarsened(); }

CompanionSolve companion_solve(Companion which, const DensitySettings& settings, const DensityPath& path) {
  CompanionSolve solve{settings, density_options(settings)};
  if (!path.is_law) throw UsageError("errors are estimated for laws only, not for functions of the starting point");
  solve.options.action = false;
  solve.options.spectral_gap = false;
  solve.settings.reference = nullptr;
  Json without_boxes = settings.parameters.json();
  without_boxes.erase("boxes");
  solve.settings.parameters = Parameters(settings.parameters.name(), settings.parameters.kind(), without_boxes);
  const Grid& grid = *settings.grid;
  if (which == Companion::space) {  // the same steps on the other grid: what differs is space alone
    if (path.work.at("order_in_time") > 0) solve.options.step_times = path.step_times;
    solve.settings.grid = refines(grid) ? grid.refined() : grid.coarsened();
  } else if (path.work.at("chooses_steps") > 0) {
    Json values = solve.options.propagator.json();
    for (const char* key : {"relative_tolerance", "absolute_tolerance"})
      values[key] = 0.1 * solve.options.propagator.real(key);
    solve.options.propagator = Parameters(solve.options.propagator.name(), solve.options.propagator.kind(), values);
  } else {
    for (std::size_t i = 0; i < path.step_times.size(); ++i) {
      if (i > 0) solve.options.step_times.push_back(0.5 * (path.step_times[i - 1] + path.step_times[i]));
      solve.options.step_times.push_back(path.step_times[i]);
    }
  }
  return solve;
}

void add_errors_in_space(DensityPath& path, const DensityPath& other) {
  const Grid& grid = *path.grid;
  const Index first = grid.slab().begin * grid.layer_size(), count = grid.local_count();
  for (std::size_t s = 0; s < path.snapshots.size(); ++s) {
    const std::vector<double> here = masses_of(grid, path.snapshots[s]),
                              there = masses_of(*other.grid, other.snapshots[s]);
    std::vector<double>& defect = path.errors[s].defect;
    if (refines(grid)) {
      const std::vector<double> merged = merge_pairs(*other.grid, there, grid);
      defect.resize(count);
      for (Index i = 0; i < count; ++i) defect[i] = (here[i] - merged[first + i]) * (4.0 / 3);
    } else {
      const std::vector<double> merged = merge_pairs(grid, here, *other.grid),
                                coarse = grid.communicator().gather_all(there);
      std::vector<double> spread(coarse.size());
      for (std::size_t i = 0; i < spread.size(); ++i) spread[i] = (coarse[i] - merged[i]) / 3;
      Index inner = 1;
      for (int k = 0; k < grid.dimension(); ++k) {
        spread = split(spread, inner, other.grid->cells(k), grid.is_periodic(k));
        inner *= grid.cells(k);
      }
      defect.assign(spread.begin() + first, spread.begin() + first + count);
    }
    path.errors[s].space = total_size(grid, defect);
  }
}

void add_errors_in_time(DensityPath& path, const DensityPath& halved) {
  const Grid& grid = *path.grid;
  const double power = std::pow(2.0, path.work.at("order_in_time"));
  const double weight = path.work.at("chooses_steps") > 0 ? 1 : power / (power - 1);
  for (std::size_t s = 0; s < path.snapshots.size(); ++s) {
    std::vector<double> difference = masses_of(grid, path.snapshots[s]);
    const std::vector<double> there = masses_of(grid, halved.snapshots[s]);
    for (std::size_t i = 0; i < difference.size(); ++i) difference[i] = (difference[i] - there[i]) * weight;
    path.errors[s].time = total_size(grid, difference);
    for (std::size_t i = 0; i < difference.size(); ++i) path.errors[s].defect[i] += difference[i];
  }
}

}  // namespace

bool has_companion(Companion which, const DensityPath& path) {
  return which == Companion::space || path.work.at("order_in_time") > 0;
}

DensityPath unsolved_companion(Companion which, const DensitySettings& settings, const DensityPath& path) {
  return unsolved(companion_solve(which, settings, path).settings);
}

DensityPath solve_companion(Companion which, const DensitySettings& settings, const DensityPath& path) {
  const CompanionSolve solve = companion_solve(which, settings, path);
  return solve_with(solve.settings, solve.options);
}

void estimate_errors(const DensitySettings& settings, DensityPath& path, const DensityPath& space,
                     const DensityPath* time) {
  path.errors.assign(path.snapshots.size(), {});
  add_errors_in_space(path, space);
  if (time) add_errors_in_time(path, *time);
  const bool is_truncated = density_options(settings).boundary_mass_limit >= 0;
  const double outside = std::max(0.0, 1 - path.diagnostics.front().mass);
  for (std::size_t s = 0; s < path.snapshots.size(); ++s) {
    path.errors[s].boundary = outside;
    if (!is_truncated) continue;
    for (const Diagnostics& numbers : path.diagnostics) {
      if (numbers.time == path.snapshots[s].time) path.errors[s].boundary += numbers.boundary_mass;
    }
  }
}

void estimate_errors(const DensitySettings& settings, DensityPath& path) {
  const DensityPath space = solve_companion(Companion::space, settings, path);
  if (!has_companion(Companion::time, path)) return estimate_errors(settings, path, space, nullptr);
  const DensityPath time = solve_companion(Companion::time, settings, path);
  estimate_errors(settings, path, space, &time);
}

}  // namespace fortet::densities
