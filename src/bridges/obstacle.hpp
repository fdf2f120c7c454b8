#pragma once
/// Cells that transport cannot enter.
#include "fortet/densities/grid.hpp"

namespace fortet::bridges {

/// Mass that lies in closed cells. `open`, `masses`: of this rank's cells. Collective.
double mass_in_closed_cells(const densities::Grid& grid, const std::vector<char>& open,
                            const std::vector<double>& masses);

/// Largest difference between the masses of source and target in a part of the domain that closed cells cut off from
/// the rest (cells are connected through their faces): it cannot be transported. Collective.
double separated_mass(const densities::Grid& grid, const std::vector<char>& open, const std::vector<double>& source,
                      const std::vector<double>& target);

}  // namespace fortet::bridges
