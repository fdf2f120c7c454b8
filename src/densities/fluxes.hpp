#pragma once
/// Currents of a density: from the same rates that move it.
#include <span>

#include "fortet/densities/propagator.hpp"

namespace fortet::densities {

struct Fluxes {
  PointArray current;  ///< J at the cell centres of the slab, d columns: the mean of the fluxes through opposite faces
  Sides exits;         ///< rate of mass leaving through each side
};

/// `masses` of the slab at time t. Collective.
Fluxes fluxes(const processes::Process& process, const Grid& grid, double t, std::span<const double> masses);
/// int p |v|^2 = sum |J|^2 / p over cells of positive mass. Collective.
double kinetic_energy(const Grid& grid, const Fluxes& fluxes, std::span<const double> masses);

}  // namespace fortet::densities
