#pragma once
/// What the discretisation may take for granted of a process on a grid, found by samples of its coefficients. The same
/// on all ranks; not collective.
#include "fortet/densities/grid.hpp"
#include "fortet/processes/process.hpp"

namespace fortet::densities {

/// A potential that is single-valued on the domain: the same at both ends of every periodic axis. A gradient drift
/// whose potential is not (a tilted washboard on a circle) drives a current and has no equilibrium e^{-V}.
bool has_equilibrium(const processes::Process& process, const Grid& grid);

/// Rates along an axis are fitted to cells (cell_rates.hpp): coefficients may have jumps or kinks, or the diffusion of
/// some axis vanishes at a side of the domain.
bool needs_cell_rates(const processes::Process& process, const Grid& grid, int axis);

/// Whether D_kk vanishes at a side of the axis, or nearly so: it grows tenfold within half a cell.
bool is_degenerate(const processes::Process& process, const Grid& grid, int axis, int side);

/// Whether an absorbing or outflow side lets mass out.
bool is_open(const Grid& grid, int axis, int side);
bool has_open_sides(const Grid& grid);

/// What a user should know: coefficients that jump at the seam of a periodic axis, a potential that is not
/// single-valued and so taken as a force.
std::vector<std::string> remarks(const processes::Process& process, const Grid& grid);

}  // namespace fortet::densities
