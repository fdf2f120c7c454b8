#pragma once
/// The parameters of a deck's density in the form in which the solver uses them.
#include "fortet/densities/density.hpp"
#include "point_sources.hpp"

namespace fortet::densities {

enum class Equation { forward, backward, stationary, mean_first_passage };

struct DensityOptions {
  Parameters propagator;
  Equation equation = Equation::forward;
  bool is_backward = false, action = false, spectral_gap = false;
  bool is_steady() const { return equation == Equation::stationary || equation == Equation::mean_first_passage; }
  long steps = 0;  ///< over the horizon; 0: by tolerance
  double tolerance = 0;
  double negative_mass_limit = 0;
  double boundary_mass_limit = -1;  ///< negative: none
  std::vector<double> step_times;   ///< forced by an error estimate; empty otherwise
};

/// Throws ParameterError.
DensityOptions density_options(const DensitySettings& settings);
/// Cell masses of the initial law as a source, point masses shared between cells (point_sources.hpp); refused when too
/// much of it lies outside of the grid. Collective.
Source initial_source(const DensitySettings& settings, const DensityOptions& options);
/// Masses of this rank's cells under a law. Collective.
std::vector<double> cell_masses(const Grid& grid, const laws::Law& law);
/// Solves with these options instead of those of the deck. Collective.
DensityPath solve_with(const DensitySettings& settings, const DensityOptions& options);
/// Steady states: the stationary law or the mean first passage time at each time of `at`. Collective.
DensityPath solve_steady(const DensitySettings& settings, const DensityOptions& options);
/// Names of what solve_steady puts into DensityPath::quantities.
std::vector<std::string> steady_quantities(const DensitySettings& settings, const DensityOptions& options);
/// Values at the cell centres of the function at the end of a backward equation. Collective.
std::vector<double> final_values(const DensitySettings& settings, const DensityOptions& options);

}  // namespace fortet::densities
