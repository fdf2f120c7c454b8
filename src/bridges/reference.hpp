#pragma once
/// What a bridge asks of its reference process on a grid. All collective.
#include "fortet/densities/grid.hpp"
#include "fortet/processes/process.hpp"

namespace fortet::bridges {

/// Refuses a reference with a coefficient that is not finite in a cell of the grid. Collective. Throws
/// ParameterError("process").
void require_finite(const processes::Process& reference, const densities::Grid& grid);

/// A coordinate without noise has no transpose to carry back, and most laws are out of reach: throws
/// ParameterError("process").
void require_noise_everywhere(const processes::Process& reference, const densities::Grid& grid);

/// int g^2 dt of a reference dX = g(t) dW; 0 for any other.
double free_variance(const processes::Process& reference, const densities::Grid& grid);

/// How often the noise is doubled until it is half as wide as the laws are wide and apart, given their cell masses.
int annealing_levels(const processes::Process& reference, const densities::Grid& grid,
                     const std::vector<double>& source, const std::vector<double>& target);

}  // namespace fortet::bridges
