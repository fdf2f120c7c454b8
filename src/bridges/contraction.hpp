#pragma once
/// The rate of Fortet's iteration at its solution.
#include "carrier.hpp"
#include "fortet/densities/grid.hpp"

namespace fortet::bridges {

struct ContractionRate {
  double value = 0;
  double error = 0;  ///< an eigenvalue lies within this distance of the value
};

/// Linearised at the solution a plain iteration takes f(X_0) to E[E[f(X_0) | X_1] | X_0], which is symmetric in the
/// law of X_0 (`source`); the rate is its largest eigenvalue below that of the constants, found by Lanczos' method from
/// the coordinates, which are eigenvectors between normal laws. Two solves for each of at most `steps`. Collective.
ContractionRate contraction_rate(const densities::Grid& grid, Carrier& carrier, double horizon,
                                 const std::vector<double>& source, const std::vector<double>& target,
                                 const std::vector<double>& log_hat0, const std::vector<double>& log_phi1,
                                 int steps = 12);

}  // namespace fortet::bridges
