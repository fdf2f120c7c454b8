#pragma once
#include "fortet/densities/grid.hpp"

namespace fortet::bridges {

/// Sum over the cells of all ranks, the same bits for any number of them. Collective.
inline double grid_sum(const densities::Grid& grid, std::span<const double> terms) {
  parallel::ExactSum sum;
  sum.add(terms);
  return grid.communicator().sum(sum);
}

}  // namespace fortet::bridges
