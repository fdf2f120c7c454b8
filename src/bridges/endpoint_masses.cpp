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

void require_laws_on_grid(const densities::Grid& grid, const laws::Law& law, const std::string& which) {
  constexpr double limit = 0.01;
  std::vector<double> masses(grid.local_count());
  parallel::together(grid.communicator(), [&] { law.cell_masses(grid.local_edges(), masses); });
  const double outside = 1 - grid_sum(grid, masses);
  if (outside <= limit) return;
  throw ParameterError("grid", fmt::format("the grid is too small for the {} law: a mass of {:.3g} of it lies outside, "
                                           "and at most {:g} may be left out. Take a grid that holds it",
                                           which, outside, limit));
}

}  // namespace fortet::bridges
