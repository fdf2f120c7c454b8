#pragma once
/// How far a density is from solving the equation of a process.
#include "fortet/densities/density.hpp"

namespace fortet::densities {

struct Residual {
  double residual = 0;  ///< sqrt(int r^2 / p), r = dp/dt + div(b p - g^2/2 grad p)
  double rate = 0;      ///< sqrt(int (dp/dt)^2 / p): what the residual would be of a process that does nothing
};

/// Between two snapshots: dp/dt by their difference, p by their mean, the process at the time midway; fluxes through
/// the faces by central differences. Of second order in the widths of cells and in the time between the snapshots. The
/// outermost cells of axes that are not periodic are left out: their fluxes are the boundary condition's.
/// Throws UsageError for a process whose noise depends on the point. Collective; same bits for any number of ranks.
Residual residual(const processes::Process& process, const Grid& grid, const Snapshot& first, const Snapshot& second);

}  // namespace fortet::densities
