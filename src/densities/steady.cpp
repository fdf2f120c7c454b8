// Steady states as densities of a deck: stationary laws with their spectral gap, mean first passage times.
#include <chrono>

#include "assumptions.hpp"
#include "density_parameters.hpp"
#include "diagnostics.hpp"
#include "first_passage.hpp"
#include "fluxes.hpp"

namespace fortet::densities {

namespace {

/// Quantities of several times are told apart by them.
std::string suffix(const DensitySettings& settings, double t) {
  return settings.at.size() > 1 ? fmt::format("_at_{:g}", t) : "";
}

std::string name_of_side(int axis, int side) { return fmt::format("{}_{}", axis, side == 0 ? "lower" : "upper"); }

/// The flux of a stationary law in one dimension, the same through all faces: its mean over the length.
double mean_current(const DensityPath& path, const Snapshot& snapshot) {
  const Grid& grid = *path.grid;
  const PointArray flux = current(path, snapshot);
  const std::vector<double> widths = grid.local_volumes();
  parallel::ExactSum sum;
  for (std::size_t i = 0; i < widths.size(); ++i) sum.add(flux(static_cast<Index>(i), 0) * widths[i]);
  return grid.communicator().sum(sum) / (grid.edges(0).back() - grid.edges(0).front());
}

/// Means over the law that a process starts from.
void add_quantities(std::map<std::string, double>& quantities, const Grid& grid, const Source& source,
                    const FirstPassage& passage, const std::string& at) {
  const auto mean = [&](const std::vector<double>& values) {
    parallel::ExactSum sum;
    for (std::size_t i = 0; i < values.size(); ++i) sum.add(source.masses[i] * values[i]);
    return grid.communicator().sum(sum);
  };
  quantities["mean_first_passage_time" + at] = mean(passage.time);
  for (const FirstPassage::Side& side : passage.sides) {
    const std::string name = name_of_side(side.axis, side.side) + at;
    const double probability = mean(side.probability) + source.absorbed[side.axis][side.side];
    quantities["exit_probability_" + name] = probability;
    if (probability > 0) quantities["mean_exit_time_" + name] = mean(side.time) / probability;
  }
}

DensityPath solve_once(const DensitySettings& settings, const DensityOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const Grid& grid = *settings.grid;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  DensityPath path;
  path.name = settings.name;
  path.grid = settings.grid;
  path.process = settings.process;
  path.is_law = options.equation == Equation::stationary;
  std::vector<double> reference;
  if (settings.reference) reference = cell_masses(grid, *settings.reference);
  path.notes = remarks(*settings.process, grid);
  std::optional<Source> source;
  if (!path.is_law && settings.initial) source = initial_source(settings, options);
  for (const double t : settings.at) {
    if (path.is_law) {
      path.snapshots.push_back(stationary(*settings.process, settings.grid, t));
    } else {
      FirstPassage passage = first_passage(*settings.process, grid, t, source.has_value());
      if (source) add_quantities(path.quantities, grid, *source, passage, suffix(settings, t));
      path.snapshots.push_back({t, std::move(passage.time)});
    }
    const std::vector<double>& values = path.snapshots.back().values;
    if (path.is_law) {
      std::vector<double> masses = grid.local_volumes();
      for (std::size_t i = 0; i < masses.size(); ++i) masses[i] *= values[i];
      const Negative negative = check_masses(grid, t, masses, settings.name);
      if (-negative.mass > options.negative_mass_limit) {
        throw DivergedError(fmt::format(
            "density '{}': the stationary law has {} negative cells with mass {:.3g}, beyond negative_mass_limit {:g}; "
            "the process may have no stationary law on this grid, or several",
            settings.name, negative.count, negative.mass, options.negative_mass_limit));
      }
      path.diagnostics.push_back(diagnose(*settings.process, grid, t, masses, reference));
      if (grid.dimension() == 1)
        path.quantities["current" + suffix(settings, t)] = mean_current(path, path.snapshots.back());
    } else {
      Diagnostics numbers;
      numbers.time = t;
      numbers.mass = numbers.entropy = numbers.kinetic_energy = numbers.action = numbers.boundary_mass =
          numbers.reference_kl = nan;
      numbers.smallest = grid.communicator().min(*std::min_element(values.begin(), values.end()));
      path.diagnostics.push_back(numbers);
    }
  }
  if (options.spectral_gap) {
    path.quantities["spectral_gap"] = spectral_gap(*settings.process, settings.grid, settings.at.front());
  }
  path.work["seconds_solve"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  path.work["order_in_time"] = 0;  // no error in time
  path.work["chooses_steps"] = 0;
  return path;
}

/// Errors of the quantities by Richardson's extrapolation of order 2, from the same problem on half the cells, or twice
/// as many on a line; none where neither is cheap.
void estimate_quantities(DensityPath& path, const DensitySettings& settings, const DensityOptions& options) {
  const Grid& grid = *settings.grid;
  const bool refines = grid.dimension() == 1;
  if (path.quantities.empty() || (!refines && !grid.can_be_coarsened())) return;
  DensitySettings other = settings;
  other.grid = refines ? grid.refined() : grid.coarsened();
  other.reference = nullptr;
  const DensityPath companion = solve_once(other, options);
  for (const auto& [name, value] : path.quantities) {
    const auto there = companion.quantities.find(name);
    if (there != companion.quantities.end())
      path.quantity_errors[name] = std::abs(value - there->second) * (refines ? 4.0 / 3 : 1.0 / 3);
  }
}

}  // namespace

std::vector<std::string> steady_quantities(const DensitySettings& settings, const DensityOptions& options) {
  std::vector<std::string> names;
  const Grid& grid = *settings.grid;
  const bool is_law = options.equation == Equation::stationary;
  for (const double t : settings.at) {
    const std::string at = suffix(settings, t);
    if (is_law && grid.dimension() == 1) names.push_back("current" + at);
    if (is_law || !settings.initial) continue;
    names.push_back("mean_first_passage_time" + at);
    for (int axis = 0; axis < grid.dimension(); ++axis) {
      for (const int side : {0, 1}) {
        if (!is_open(grid, axis, side)) continue;
        names.push_back("exit_probability_" + name_of_side(axis, side) + at);
        names.push_back("mean_exit_time_" + name_of_side(axis, side) + at);
      }
    }
  }
  if (options.spectral_gap) names.emplace_back("spectral_gap");
  return names;
}

DensityPath solve_steady(const DensitySettings& settings, const DensityOptions& options) {
  DensityPath path = solve_once(settings, options);
  estimate_quantities(path, settings, options);
  return path;
}

}  // namespace fortet::densities
