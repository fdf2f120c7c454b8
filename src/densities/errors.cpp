// Richardson estimates of the errors in space and time, as signed defects of the cell masses.
#include "density_parameters.hpp"
#include "rows.hpp"

namespace fortet::densities {

namespace {

std::vector<double> masses_of(const Grid& grid, const Snapshot& snapshot) {
  std::vector<double> masses = grid.local_volumes();
  for (std::size_t i = 0; i < masses.size(); ++i) masses[i] *= snapshot.values[i];
  return masses;
}

/// Masses of the rows [wanted.begin, wanted.end) of a grid with half as many cells along each axis. Collective.
std::vector<double> merged_rows(const Grid& fine, const std::vector<double>& slab, const Grid& coarse,
                                parallel::Range wanted) {
  const int d = fine.dimension();
  const Index nx = d > 1 ? fine.cells(0) : 1, ny = d > 2 ? fine.cells(1) : 1, cx = d > 1 ? coarse.cells(0) : 1;
  const std::vector<double> masses = rows_of(fine, slab, {2 * wanted.begin, 2 * wanted.end});
  const Index layer = coarse.layer_size();
  std::vector<double> merged(wanted.size() * layer, 0.0), sums(layer);
  for (Index z = 0; z < 2 * wanted.size(); ++z) {
    std::fill(sums.begin(), sums.end(), 0.0);  // a row is summed by itself first
    for (Index y = 0; y < ny; ++y) {
      for (Index x = 0; x < nx; ++x) sums[y / 2 * cx + x / 2] += masses[(z * ny + y) * nx + x];
    }
    for (Index i = 0; i < layer; ++i) merged[z / 2 * layer + i] += sums[i];
  }
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

/// Coarse rows that hold this rank's rows of the fine grid.
parallel::Range covering_rows(const Grid& fine) { return {fine.slab().begin / 2, (fine.slab().end + 1) / 2}; }

/// Estimated errors of the merged cells in the rows around this rank's, one more on each side: rows [begin - 1, end +
/// 1) of covering_rows(), those beyond the sides being the rows across (periodic) or the outermost again. Collective.
std::vector<double> errors_around(const Grid& fine, const std::vector<double>& here, const Grid& coarse,
                                  const std::vector<double>& there) {
  const parallel::Range own = covering_rows(fine);
  const int last = coarse.dimension() - 1;
  const Index rows = coarse.cells(last), layer = coarse.layer_size();
  const auto errors = [&](parallel::Range wanted) {
    std::vector<double> found = rows_of(coarse, there, wanted);
    const std::vector<double> merged = merged_rows(fine, here, coarse, wanted);
    for (std::size_t i = 0; i < found.size(); ++i) found[i] = (found[i] - merged[i]) / 3;
    return found;
  };
  const parallel::Range inside{std::max<std::int64_t>(own.begin - 1, 0), std::min(own.end + 1, rows)};
  std::vector<double> result = errors(inside);
  const bool at_begin = own.begin == 0, at_end = own.end == rows, wraps = fine.is_periodic(last);
  const std::vector<double> across_begin =
                                errors(at_begin && wraps ? parallel::Range{rows - 1, rows} : parallel::Range{}),
                            across_end = errors(at_end && wraps ? parallel::Range{0, 1} : parallel::Range{});
  const std::vector<double> first(result.begin(), result.begin() + layer), final(result.end() - layer, result.end());
  if (at_begin)
    result.insert(result.begin(), (wraps ? across_begin : first).begin(), (wraps ? across_begin : first).end());
  if (at_end) result.insert(result.end(), (wraps ? across_end : final).begin(), (wraps ? across_end : final).end());
  return result;
}

/// Signed errors of this rank's masses from those of the merged cells, split linearly. Collective.
std::vector<double> spread_errors(const Grid& fine, const std::vector<double>& here, const Grid& coarse,
                                  const std::vector<double>& there) {
  std::vector<double> spread = errors_around(fine, here, coarse, there);
  const int last = fine.dimension() - 1;
  Index inner = 1;
  for (int k = 0; k < last; ++k) {
    spread = split(spread, inner, coarse.cells(k), fine.is_periodic(k));
    inner *= fine.cells(k);
  }
  const parallel::Range own = covering_rows(fine);
  spread = split(spread, inner, own.size() + 2, false);  // the rows on both sides are only for the slopes
  const auto begin = spread.begin() + (fine.slab().begin - 2 * (own.begin - 1)) * inner;
  return {begin, begin + fine.local_count()};
}

void add_errors_in_space(DensityPath& path, const DensityPath& other) {
  const Grid& grid = *path.grid;
  for (std::size_t s = 0; s < path.snapshots.size(); ++s) {
    const std::vector<double> here = masses_of(grid, path.snapshots[s]),
                              there = masses_of(*other.grid, other.snapshots[s]);
    std::vector<double>& defect = path.errors[s].defect;
    if (refines(grid)) {
      defect = merged_rows(*other.grid, there, grid, grid.slab());
      for (std::size_t i = 0; i < defect.size(); ++i) defect[i] = (here[i] - defect[i]) * (4.0 / 3);
    } else {
      defect = spread_errors(grid, here, *other.grid, there);
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

/// What left through each side, on the other grid and with other steps.
void add_errors_of_sides(DensityPath& path, const DensityPath& space, const DensityPath* time) {
  const double power = std::pow(2.0, path.work.at("order_in_time"));
  const double in_space = refines(*path.grid) ? 4.0 / 3 : -1.0 / 3,
               in_time = path.work.at("chooses_steps") > 0 ? 1 : power / (power - 1);
  for (std::size_t i = 0; i < path.diagnostics.size(); ++i) {
    Diagnostics& here = path.diagnostics[i];
    here.absorbed_error.assign(here.absorbed.size(), {});
    for (std::size_t s = 0; s < 2 * here.absorbed.size(); ++s) {
      const double value = here.absorbed[s / 2][s % 2];
      double& error = here.absorbed_error[s / 2][s % 2];
      error = in_space * (value - space.diagnostics.at(i).absorbed[s / 2][s % 2]);
      if (time) error += in_time * (value - time->diagnostics.at(i).absorbed[s / 2][s % 2]);
    }
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
  add_errors_of_sides(path, space, time);
  const bool is_truncated = density_options(settings).boundary_mass_limit >= 0;
  double inside = path.diagnostics.front().mass;
  for (const auto& axis : path.diagnostics.front().absorbed) inside += axis[0] + axis[1];
  const double outside = std::max(0.0, 1 - inside);
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
