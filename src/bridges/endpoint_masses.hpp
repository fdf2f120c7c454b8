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

}  // namespace fortet::bridges
