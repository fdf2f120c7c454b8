// Steady states as densities of a deck: stationary laws with their spectral gap, mean first passage times.
#include <chrono>

#include "density_parameters.hpp"
#include "diagnostics.hpp"

namespace fortet::densities {

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
  if (settings.reference) reference = cell_masses(grid, *settings.reference);
  for (const double t : settings.at) {
    path.snapshots.push_back(path.is_law ? stationary(*settings.process, settings.grid, t)
                                         : mean_first_passage(*settings.process, settings.grid, t));
    const std::vector<double>& values = path.snapshots.back().values;
    if (path.is_law) {
      std::vector<double> masses = grid.local_volumes();
      for (std::size_t i = 0; i < masses.size(); ++i) masses[i] *= values[i];
      path.diagnostics.push_back(diagnose(*settings.process, grid, t, masses, reference));
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
    const std::vector<double> masses = initial_source(settings, options).masses;
    for (const Snapshot& snapshot : path.snapshots) {
      parallel::ExactSum sum;
      for (std::size_t i = 0; i < masses.size(); ++i) sum.add(masses[i] * snapshot.values[i]);
      const std::string suffix = path.snapshots.size() > 1 ? fmt::format("_at_{:g}", snapshot.time) : "";
      path.quantities["mean_first_passage_time" + suffix] = grid.communicator().sum(sum);
    }
  }
  path.work["seconds_solve"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  path.work["order_in_time"] = 0;  // no error in time
  path.work["chooses_steps"] = 0;
  return path;
}

}  // namespace fortet::densities
