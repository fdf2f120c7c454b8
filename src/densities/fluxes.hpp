#pragma once
/// Currents of a density: from the same rates that move it.
#include <span>

#include "fortet/densities/density.hpp"

namespace fortet::densities {

struct Fluxes {
  PointArray current;  ///< J at the cell centres of the slab, d columns: the mean of the fluxes through opposite faces
  Sides exits;         ///< rate of mass leaving through each side
  std::vector<double> boxes;  ///< rate of mass leaving each box
};

/// `masses` of the slab at time t. Collective.
Fluxes fluxes(const processes::Process& process, const Grid& grid, double t, std::span<const double> masses,
              const std::vector<Box>& boxes = {});
/// Multi-index of a cell by its global number.
std::array<Index, 3> cell_index(const Grid& grid, std::int64_t cell);
/// Is a cell in a box, all axes but one considered?
bool contains(const Box& box, const std::array<Index, 3>& cell, int but_axis = -1);
/// int p |v|^2 = sum |J|^2 / p over cells of positive mass. Collective.
double kinetic_energy(const Grid& grid, const Fluxes& fluxes, std::span<const double> masses);

}  // namespace fortet::densities
