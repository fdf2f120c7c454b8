// Steady states as densities of a deck: stationary laws with their spectral gap, mean first passage times.
#include <chrono>

#include "density_parameters.hpp"
#include "diagnostics.hpp"
#include "fluxes.hpp"

namespace fortet::densities {

namespace {
/// Quantities of several times are told apart by them.
std::string suffix(const DensitySettings& settings, double t) {
  return settings.at.size() > 1 ? fmt::format("_at_{:g}", t) : "";
}

/// The flux of a stationary law in one dimension, the same through all faces: its mean over the length.
double mean_current(const DensityPath& path, const Snapshot& snapshot) {
  const Grid& grid = *path.grid;
  const PointArray flux = current(path, snapshot);
  const std::vector<double> widths = grid.local_volumes();
  parallel::ExactSum sum;
  for (std::size_t i = 0; i < widths.size(); ++i) sum.add(flux(static_cast<Index>(i), 0) * widths[i]);
  return grid.communicator().sum(sum) / (grid.edges(0).back() - grid.edges(0).front());
}
}  // namespace

std::vector<std::string> steady_quantities(const DensitySettings& settings, const DensityOptions& options) {
  std::vector<std::string> names;
  const bool is_law = options.equation == Equation::stationary;
  for (const double t : settings.at) {
    if (is_law && settings.grid->dimension() == 1) names.push_back("current" + suffix(settings, t));
    if (!is_law && settings.initial) names.push_back("mean_first_passage_time" + suffix(settings, t));
  }
  if (options.spectral_gap) names.emplace_back("spectral_gap");
  return names;
}

DensityPath solve_steady(const DensitySettings& settings, const DensityOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const Grid& grid = *settings.grid;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  DensityPath path;
  path.name = settings.name;
  path.grid = settings.grid;
  path.process = settings.process;
  path.is_law = options.equation == Equation::stationary;
  std::vector<double> reference;
  if (settings.reference) {
    reference.resize(grid.local_count());
    parallel::together(grid.communicator(), [&] { settings.reference->cell_masses(grid.local_edges(), reference); });
  }
  for (const double t : settings.at) {
    path.snapshots.push_back(path.is_law ? stationary(*settings.process, settings.grid, t)
                                         : mean_first_passage(*settings.process, settings.grid, t));
    const std::vector<double>& values = path.snapshots.back().values;
    if (path.is_law) {
      std::vector<double> masses = grid.local_volumes();
      for (std::size_t i = 0; i < masses.size(); ++i) masses[i] *= values[i];
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
  if (!path.is_law && settings.initial) {
    const std::vector<double> masses = initial_masses(settings, options);
    for (const Snapshot& snapshot : path.snapshots) {
      parallel::ExactSum sum;
      for (std::size_t i = 0; i < masses.size(); ++i) sum.add(masses[i] * snapshot.values[i]);
      path.quantities["mean_first_passage_time" + suffix(settings, snapshot.time)] = grid.communicator().sum(sum);
    }
  }
  path.work["seconds_solve"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  path.work["order_in_time"] = 0;  // no error in time
  path.work["chooses_steps"] = 0;
  return path;
}

}  // namespace fortet::densities
