#include "coupling.hpp"

#include "fortet/base/error.hpp"

namespace fortet::bridges {

std::vector<Index> coupling_boxes(const Parameters& parameters, const densities::Grid& grid) {
  const std::vector<long> given = parameters.integers("coupling");
  if (static_cast<int>(given.size()) != grid.dimension()) {
    throw ParameterError("coupling",
                         fmt::format("has {} numbers of boxes, the grid {} axes", given.size(), grid.dimension()));
  }
  for (int k = 0; k < grid.dimension(); ++k) {
    if (given[k] > grid.cells(k)) {
      throw ParameterError("coupling", fmt::format("{} boxes along an axis of {} cells", given[k], grid.cells(k)));
    }
  }
  return {given.begin(), given.end()};
}

Coupling joint_law(const densities::Grid& grid, Carrier& carrier, double horizon, const std::vector<double>& log_hat0,
                   const std::vector<double>& log_phi1, const std::vector<Index>& boxes) {
  Coupling coupling{boxes, {}};
  // Box j of n along an axis of N cells holds the cells c with j <= c n / N < j + 1.
  std::vector<Index> box(log_hat0.size());
  const Index first = grid.slab().begin * grid.layer_size();
  for (std::size_t i = 0; i < box.size(); ++i) {
    Index cell = first + static_cast<Index>(i), stride = 1;
    for (int k = 0; k < grid.dimension(); ++k) {
      box[i] += stride * (cell % grid.cells(k) * boxes[k] / grid.cells(k));
      cell /= grid.cells(k);
      stride *= boxes[k];
    }
  }
  Index count = 1;
  for (const Index n : boxes) count *= n;
  std::vector<double> part(log_hat0.size());
  for (Index b = 0; b < count; ++b) {
    double greatest = -std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < part.size(); ++i) {
      part[i] = box[i] == b ? log_hat0[i] : -std::numeric_limits<double>::infinity();
      greatest = std::max(greatest, part[i]);
    }
    coupling.masses.emplace_back(part.size(), 0.0);
    if (std::isinf(grid.communicator().max(greatest))) continue;  // nothing starts here
    carrier.forward(0, horizon, part);
    for (std::size_t i = 0; i < part.size(); ++i) part[i] += log_phi1[i];
    exponentiate(part, 0, coupling.masses.back());
  }
  return coupling;
}

}  // namespace fortet::bridges
