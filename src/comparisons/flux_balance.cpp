// Mass change of a named box against the flux through its sides, on the grid and by counting particles.
#include "interval_sides.hpp"
#include "side_masses.hpp"

namespace fortet::comparisons {
namespace {

const densities::BoxBalance& box_of(const CheckSettings& settings, const Parameters& statistic) {
  const densities::DensityPath& density = density_of(settings);
  for (const densities::BoxBalance& balance : density.boxes) {
    if (balance.box.name == statistic.text("box")) return balance;
  }
  std::vector<std::string> names;
  for (const densities::BoxBalance& balance : density.boxes) names.push_back(balance.box.name);
  throw ParameterError("by",
                       fmt::format("densities.{} has no box '{}'; its boxes: {}", density.name, statistic.text("box"),
                                   names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
}

void check(const CheckSettings& settings, const Parameters& statistic) {
  require_both(settings, "flux_balance needs an ensemble and a density with boxes");
  box_of(settings, statistic);
}

/// Which particles are inside, as their survival weights.
std::vector<double> inside(const ensembles::Snapshot& snapshot, const densities::Grid& grid,
                           const densities::Box& box) {
  const ConstPoints x = snapshot.positions;
  std::vector<double> result(static_cast<std::size_t>(x.size()));
  std::vector<std::int64_t> cell(block_size);
  for (Index begin = 0; begin < x.size(); begin += block_size) {
    const Index size = std::min(block_size, x.size() - begin);
    grid.locate(x.slice(begin, size), cell.data());
    for (Index i = 0; i < size; ++i) {
      bool is_inside = cell[i] >= 0;
      for (int k = 0; k < grid.dimension(); ++k) {
        is_inside = is_inside && box.contains(k, static_cast<Index>(cell[i] % grid.cells(k)));
        cell[i] /= grid.cells(k);
      }
      result[begin + i] = !is_inside ? 0 : snapshot.weights.empty() ? 1 : snapshot.weights[begin + i];
    }
  }
  return result;
}

/// Change of each particle's share in the box.
std::vector<double> changes(const ensembles::EnsemblePath& path, const densities::Grid& grid, const densities::Box& box,
                            double from, double to) {
  const std::vector<double> before = inside(snapshot_at(path, from), grid, box);
  std::vector<double> change = inside(snapshot_at(path, to), grid, box);
  for (std::size_t i = 0; i < change.size(); ++i) change[i] -= before[i];
  return change;
}

/// Estimated error of a box's mass on the grid, signed; the time part alone as a bound.
struct GridError {
  double defect = 0, time = 0;
};
GridError error_of(const densities::DensityPath& path, const densities::Box& box, double time,
                   const parallel::Communicator& communicator) {
  const std::size_t index = static_cast<std::size_t>(&path.at(time) - path.snapshots.data());
  if (index >= path.errors.size()) return {};
  const densities::Grid& grid = *path.grid;
  std::vector<parallel::ExactSum> sum(1);
  for (std::size_t i = 0; i < path.errors[index].defect.size(); ++i) {
    Index cell = grid.slab().begin * grid.layer_size() + static_cast<Index>(i);
    bool is_inside = true;
    for (int k = 0; k < grid.dimension(); ++k) {
      is_inside = is_inside && box.contains(k, cell % grid.cells(k));
      cell /= grid.cells(k);
    }
    if (is_inside) sum[0].add(path.errors[index].defect[i]);
  }
  return {communicator.sum(sum)[0], path.errors[index].time};
}

void find_dominating(Result& result) {
  double largest = 0;
  for (const auto& [source, error] : result.budget) {
    if (error > largest) {
      largest = error;
      result.dominating = source;
    }
  }
}

std::vector<Result> evaluate(const CheckSettings& settings, const Parameters& statistic, double from, double to,
                             const parallel::Communicator& communicator) {
  const densities::DensityPath& density = density_of(settings);
  const densities::BoxBalance& balance = box_of(settings, statistic);
  const Side& particles = particles_of(settings);
  const std::size_t a = diagnostic_at(density, from), b = diagnostic_at(density, to);
  const double outflow = balance.outflow[b] - balance.outflow[a];
  const double quadrature = balance.outflow_error[b] - balance.outflow_error[a];
  const GridError before = error_of(density, balance.box, from, communicator),
                  after = error_of(density, balance.box, to, communicator);

  Result grid;
  grid.value = std::abs(balance.mass[b] - balance.mass[a] + outflow);
  grid.expected = quadrature;
  grid.tolerance = 2 * (quadrature + before.time + after.time) + round_off;
  grid.agree = grid.value <= *grid.tolerance;
  grid.smallest_visible_defect = std::max(0.0, *grid.tolerance - grid.value);
  grid.defect_unit = "mass";
  grid.budget = {{"time", quadrature + before.time + after.time}};
  find_dominating(grid);
  grid.note = fmt::format("box '{}' on the grid: mass change {:.6g}, outflow {:.6g}; ", balance.box.name,
                          balance.mass[b] - balance.mass[a], outflow);

  const std::vector<double> change = changes(*particles.ensemble, *density.grid, balance.box, from, to);
  const double count = static_cast<double>(particles.ensemble->snapshots.front().total);
  const Mean mean = mean_of(change, count, communicator);
  // The exact outflow differs from the computed one by the change of the grid's defect; the particles' by their time
  // step.
  const double defect = after.defect - before.defect;
  double step = 0;
  if (particles.coarser) {
    std::vector<double> difference = changes(*particles.coarser, *density.grid, balance.box, from, to);
    for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= change[i];
    const Mean coarse = mean_of(difference, count, communicator);
    if (coarse.value != 0) step = coarse.value * std::max(0.0, 1 - coarse.variance / (coarse.value * coarse.value));
  }
  Result counted;
  counted.value = mean.value + outflow;
  counted.expected = step - defect;
  counted.deviation = std::sqrt(mean.variance);
  const double distance = std::max(0.0, std::abs(counted.value - counted.expected) - quadrature);
  counted.p_value = counted.deviation > 0  ? std::erfc(distance / counted.deviation / std::sqrt(2.0))
                    : distance > round_off ? 0.0
                                           : 1.0;
  // Seen with power 0.9 at a two-sided level of 0.01.
  counted.smallest_visible_defect = (2.576 + 1.282) * counted.deviation + quadrature + std::abs(counted.expected);
  counted.defect_unit = "mass";
  counted.budget = {{"space", std::abs(defect)},
                    {"time", quadrature},
                    {"particle_step", std::abs(step)},
                    {"sampling", counted.deviation * std::sqrt(2 / M_PI)}};
  find_dominating(counted);
  counted.note = fmt::format("box '{}' by counting: mass change {:.6g} +- {:.2g} against outflow {:.6g}; ",
                             balance.box.name, mean.value, counted.deviation, outflow);
  return {std::move(grid), std::move(counted)};
}

const Registered<IntervalStatistic> registered_flux_balance{
    Schema{"statistics",
           "flux_balance",
           "Mass change of a named box of the density between consecutive times of the check plus the outward flux "
           "through its sides: on the "
           "grid (zero within the error in time), and for the particles that entered or left against the grid's flux "
           "(z-test).",
           "",
           {required("box", {Type::text}, "name of a box of the density")}},
    IntervalStatistic{check, evaluate}};

}  // namespace
}  // namespace fortet::comparisons
