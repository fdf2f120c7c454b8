#pragma once
/// Rows of a distributed field (cells with one index of the last axis) for ranks that do not own them.
#include <span>

#include "fortet/densities/grid.hpp"

namespace fortet::densities {

/// Values of the rows [wanted.begin, wanted.end) of a field given by its slabs, each rank asking for a range of its own
/// (it may be empty, and overlap those of others). Only these rows travel. Collective.
std::vector<double> rows_of(const Grid& grid, std::span<const double> slab, parallel::Range wanted);

}  // namespace fortet::densities
