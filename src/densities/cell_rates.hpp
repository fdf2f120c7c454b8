#pragma once
/// Rates of leaving the cells of a line, fitted to what the coefficients do inside each cell: for coefficients that
/// jump or have kinks, and for diffusion that vanishes at a side (Feller 1952: scale and speed of a diffusion on a
/// line).
///
/// With J = b p - D^s grad(D^(1-s) p) (s: processes::Regularity::reading) the line has the stationary density
/// q = D^(s-1) exp(int b/D). A cell's rates are those of its share of q,
///   up = (D q)(upper face) / (distance * int_cell q),   down = (D q)(lower face) / (distance * int_cell q),
/// so that int_cell q is an exact equilibrium of a closed line, and the mean of a linear drift moves exactly: up and
/// down differ by the mean of b over q in the cell, divided by the width. No derivative of D is needed. Order 2; also
/// where D jumps or vanishes.
#include <vector>

#include "fortet/densities/grid.hpp"
#include "fortet/processes/process.hpp"

namespace fortet::densities {

/// Rates of the cells [begin - 1, begin + length] of a line, those of a periodic axis continued; of cells beyond the
/// domain they are zero. Nothing is lost through no_flux sides.
struct CellRates {
  std::vector<double> up, down;  ///< length + 2
};

/// `position`: the line in the other axes; its entry `axis` is overwritten. Local.
CellRates cell_rates(const processes::Process& process, const Grid& grid, double t, int axis, Index begin, Index length,
                     std::vector<double> position);

}  // namespace fortet::densities
