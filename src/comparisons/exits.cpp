// First passages side by side: what left through each absorbing side of a grid, and what particles lost at the same
// wall.
#include <boost/math/special_functions/gamma.hpp>

#include "interval_sides.hpp"
#include "side_masses.hpp"

namespace fortet::comparisons {
namespace {

using ensembles::ExitSide;

std::string name_of(const ExitSide& side) {
  return fmt::format("{}_{}", side.axis, side.side == 0 ? "lower" : "upper");
}

std::vector<ExitSide> absorbing_sides(const densities::Grid& grid) {
  std::vector<ExitSide> sides;
  for (int axis = 0; axis < grid.dimension(); ++axis) {
    for (const int side : {0, 1}) {
      if (grid.boundary(axis, side) == densities::Boundary::absorbing) sides.push_back({axis, side});
    }
  }
  return sides;
}

void check_exits(const CheckSettings& settings, const Parameters&) {
  require_both(settings, "exits needs an ensemble and a density");
  const densities::Grid& grid = *density_of(settings).grid;
  const ensembles::Walls& walls = particles_of(settings).ensemble->walls;
  const std::vector<ExitSide> sides = absorbing_sides(grid);
  if (sides.empty()) throw ParameterError("by", "exits needs a grid with an absorbing side");
  if (sides != ensembles::absorbing_sides(walls)) {
    throw ParameterError("by", fmt::format("exits needs walls that absorb at the same sides as the grid of {}",
                                           density_of(settings).name));
  }
  for (const auto& [axis, side] : sides) {
    const double on_grid = side == 0 ? grid.edges(axis).front() : grid.edges(axis).back();
    const double wall = side == 0 ? walls.lower[axis] : walls.upper[axis];
    if (std::abs(on_grid - wall) > 1e-9 * (grid.edges(axis).back() - grid.edges(axis).front())) {
      throw ParameterError("by",
                           fmt::format("exits: the {} side of axis {} lies at {:g} on the grid and at {:g} for the "
                                       "particles",
                                       side == 0 ? "lower" : "upper", axis, on_grid, wall));
    }
  }
}

/// What a side took of each particle in (from, to]; from the start where `from` is 0.
std::vector<double> taken(const ensembles::EnsemblePath& path, int column, double from, double to) {
  const ensembles::Snapshot& after = snapshot_at(path, to);
  const ConstPoints exits = after.exits;
  std::vector<double> result(exits.coordinate(column), exits.coordinate(column) + exits.size());
  if (from == 0) return result;
  const ConstPoints before = snapshot_at(path, from).exits;
  for (std::size_t i = 0; i < result.size(); ++i) result[i] -= before(static_cast<Index>(i), column);
  return result;
}

/// Two-sided, for a sum of `number` that is Poisson's with this mean; a number that is no integer is interpolated.
double poisson_p_value(double number, double mean) {
  if (mean <= 0) return number > 0 ? 0.0 : 1.0;
  const double below = boost::math::gamma_q(number + 1, mean);
  const double above = number > 0 ? boost::math::gamma_p(number, mean) : 1.0;
  return std::min(1.0, 2 * std::min(below, above));
}

std::vector<Result> evaluate_exits(const CheckSettings& settings, const Parameters&, double from, double to,
                                   const parallel::Communicator& communicator) {
  const densities::DensityPath& density = density_of(settings);
  const Side& particles = particles_of(settings);
  const auto count = static_cast<double>(particles.ensemble->snapshots.front().total);
  const densities::Diagnostics& after = density.diagnostics[diagnostic_at(density, to)];
  const densities::Diagnostics* before = from == 0 ? nullptr : &density.diagnostics[diagnostic_at(density, from)];
  std::vector<Result> results;
  const std::vector<ExitSide> sides = absorbing_sides(*density.grid);
  for (std::size_t s = 0; s < sides.size(); ++s) {
    const auto [axis, side] = sides[s];
    const auto difference = [&, axis = axis, side = side](const densities::Sides& now, const densities::Sides* then) {
      if (now.empty()) return 0.0;
      return now[axis][side] - (then && !then->empty() ? (*then)[axis][side] : 0.0);
    };
    const double on_grid = difference(after.absorbed, before ? &before->absorbed : nullptr);
    const double defect = difference(after.absorbed_error, before ? &before->absorbed_error : nullptr);
    const int column = static_cast<int>(s);
    const std::vector<double> values = taken(*particles.ensemble, column, from, to);
    const Mean seen = mean_of(values, count, communicator);
    // The time step's error is about what a step twice as long adds; what of that is noise is taken off.
    double step = 0, noise = 0;
    std::vector<double> corrected = values;
    if (particles.coarser) {
      std::vector<double> longer = taken(*particles.coarser, column, from, to);
      for (std::size_t i = 0; i < longer.size(); ++i) longer[i] -= values[i];
      const Mean added = mean_of(longer, count, communicator);
      noise = std::sqrt(added.variance);
      const double signal = added.value != 0 ? std::max(0.0, 1 - added.variance / (added.value * added.value)) : 0;
      step = signal * added.value;
      for (std::size_t i = 0; i < longer.size(); ++i) corrected[i] -= signal * longer[i];
    }
    Result result;
    result.statistic = "exits " + name_of(sides[s]);
    result.value = seen.value;
    result.expected = on_grid - defect + step;
    constexpr double few = 30;  // passages, below which their law is not normal and their variance not known from them
    const double passages = count * (on_grid - defect);
    if (passages < few) {
      // A particle that leaves in parts varies less than one that leaves at once. The step's error is as uncertain as
      // the rest: within it the mean that fits best is taken.
      const double room = std::abs(step) + 2 * noise, right = std::max(0.0, on_grid - defect);
      const double mean = std::clamp(seen.value, std::max(0.0, right - room), right + room);
      result.p_value = mean == seen.value ? 1.0 : poisson_p_value(count * seen.value, count * mean);
      result.deviation = std::sqrt(right / count);
    } else {
      result.deviation = std::sqrt(mean_of(corrected, count, communicator).variance);
      const double distance = std::abs(result.value - result.expected);
      result.p_value = result.deviation > 0 ? std::erfc(distance / result.deviation / std::sqrt(2.0))
                                            : (distance > round_off ? 0.0 : 1.0);
    }
    // Seen with power 0.9 at a two-sided level of 0.01; of few passages about seven more than none.
    result.smallest_visible_defect = std::max((2.576 + 1.282) * result.deviation, 7 / count);
    result.defect_unit = "probability of leaving through the side";
    result.budget = {{"grid", std::abs(defect)},
                     {"particle_step", std::abs(step)},
                     {"sampling", result.deviation * std::sqrt(2 / M_PI)}};
    result.dominating = std::max_element(result.budget.begin(), result.budget.end(), [](const auto& a, const auto& b) {
                          return a.second < b.second;
                        })->first;
    results.push_back(std::move(result));
  }
  return results;
}

const Registered<IntervalStatistic> registered_exits{
    Schema{
        "statistics",
        "exits",
        "What left through each absorbing side between consecutive times of the check (from the start to the first): "
        "the grid's flux against the particles' survival weights, one row a side (z-test, Poisson's law for few).",
        "Gobet 2000",
        {}},
    IntervalStatistic{check_exits, evaluate_exits, true}};

}  // namespace
}  // namespace fortet::comparisons
