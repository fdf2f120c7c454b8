#pragma once
/// Quadrature shared by the laws.
#include <vector>

#include "fortet/laws/law.hpp"

namespace fortet::laws {

/// Nodes and weights on [0, 1].
struct QuadratureRule {
  std::vector<double> nodes, weights;
};

/// Gauss-Legendre rule with n nodes, exact for polynomials of degree 2n - 1 (Newton iteration on the Legendre recurrence).
QuadratureRule gauss_legendre(int n);

/// Throws UsageError unless `edges` describe a grid of `cells` cells in `dimension` dimensions.
void check_edges(const std::vector<std::vector<double>>& edges, int dimension, std::size_t cells);

/// Probability that a standard normal variable lies in [a, b], accurate relative to itself in both tails.
double normal_interval(double a, double b);

}  // namespace fortet::laws
