#pragma once
/// The joint law of start and end of a Schroedinger bridge: pi(x, y) = hat_0(x) k(x, y) phi_1(y).
#include "carrier.hpp"
#include "fortet/bridges/bridge.hpp"

namespace fortet::bridges {

/// Throws ParameterError("coupling", ..) for numbers of boxes that do not fit the grid.
std::vector<Index> coupling_boxes(const Parameters& parameters, const densities::Grid& grid);

/// One forward solve per box: hat_0 of the box is carried to the horizon and weighted with phi_1. Collective.
Coupling joint_law(const densities::Grid& grid, Carrier& carrier, double horizon, const std::vector<double>& log_hat0,
                   const std::vector<double>& log_phi1, const std::vector<Index>& boxes);

}  // namespace fortet::bridges
