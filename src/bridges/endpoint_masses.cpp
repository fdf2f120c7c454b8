#include "endpoint_masses.hpp"

#include "fortet/base/error.hpp"
#include "grid_sum.hpp"

namespace fortet::bridges {

EndpointMasses endpoint_masses(const densities::Grid& grid, const laws::Law& law, const std::string& which) {
  EndpointMasses result;
  result.masses.resize(grid.local_count());
  parallel::together(grid.communicator(), [&] { law.cell_masses(grid.local_edges(), result.masses); });
  const double total = grid_sum(grid, result.masses);
  if (!(total > 0))
    throw DivergedError(fmt::format("the {} law has no mass on the grid. Take a grid that holds it", which));
  for (double& mass : result.masses) mass /= total;
  result.outside_grid = std::max(0.0, 1 - total);
  return result;
}

}  // namespace fortet::bridges
