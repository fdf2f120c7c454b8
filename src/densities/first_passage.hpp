#pragma once
/// When and through which side a process leaves a grid.
#include "fortet/densities/density.hpp"

namespace fortet::densities {

/// Functions of the starting point, values of this rank's cells.
struct FirstPassage {
  struct Side {
    int axis, side;
    std::vector<double> probability;  ///< h: of leaving through this side
    std::vector<double> time;         ///< g = E[exit time; this side]: g / h is the mean time of those that leave here
  };
  std::vector<double> time;  ///< tau = E[exit time]
  std::vector<Side> sides;   ///< open sides
};

/// With the coefficients of time t. Throws UsageError without an open side, DivergedError when a solution is negative
/// or not finite. Collective.
FirstPassage first_passage(const processes::Process& process, const Grid& grid, double t, bool by_side);

}  // namespace fortet::densities
