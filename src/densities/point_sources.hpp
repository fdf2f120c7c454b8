#pragma once
/// Point masses on a grid.
#include <optional>

#include "fortet/densities/propagator.hpp"
#include "fortet/laws/law.hpp"

namespace fortet::densities {

/// Cell masses from which an equation starts, and what the sides have taken at once.
struct Source {
  std::vector<double> masses;  ///< of the slab
  Sides absorbed;
};

/// Masses of a law with few point masses (along one axis or more): each is shared between the two cells whose centres
/// lie around it, so that mass and mean are exact and whatever depends smoothly on the starting point is right to
/// second order. Between an absorbing side and the nearest centre the side takes its share at once, as a linear
/// function that vanishes there has it. Empty for other laws: with many points the places of single ones average out.
/// Local.
std::optional<Source> point_source(const laws::Law& law, const Grid& grid);

}  // namespace fortet::densities
