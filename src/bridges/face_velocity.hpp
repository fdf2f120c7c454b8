#pragma once
/// A velocity on the faces of a uniform grid in the middle of equal intervals of [0, 1], as a field.
#include "fortet/densities/grid.hpp"
#include "fortet/processes/field.hpp"

namespace fortet::bridges {

/// Component k is linear between the faces of axis k and vanishes on the boundary, so that nothing leaves the domain;
/// across it is linear between the centres of cells. Linear in time, continued at both ends. `values[k]`: at the upper
/// face of each cell of this rank along axis k, numbered (last axis, interval, other axes), axis 0 fastest. Each node
/// holds them once. Collective.
processes::FieldPtr face_velocity(densities::GridPtr grid, Index intervals,
                                  const std::vector<std::vector<double>>& values);

}  // namespace fortet::bridges
