#pragma once
/// The laws at the ends of a bridge on the cells of its grid.
#include "fortet/densities/grid.hpp"
#include "fortet/laws/law.hpp"

namespace fortet::bridges {

struct EndpointMasses {
  std::vector<double> masses;  ///< of this rank's cells, scaled to the sum one over all ranks
  double outside_grid = 0;     ///< mass that was left out
};

/// Collective. Throws DivergedError for a law without mass on the grid; `which`: "source" or "target".
EndpointMasses endpoint_masses(const densities::Grid& grid, const laws::Law& law, const std::string& which);

/// Throws ParameterError for a law of which more than a hundredth lies outside of the grid, as densities do: what is
/// left would be scaled up to a law of its own. Collective.
void require_laws_on_grid(const densities::Grid& grid, const laws::Law& law, const std::string& which);

}  // namespace fortet::bridges
