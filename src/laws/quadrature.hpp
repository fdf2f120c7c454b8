#pragma once
/// Quadrature shared by the laws.
#include <vector>

#include "fortet/laws/law.hpp"

namespace fortet::laws {

/// Nodes and weights on [0, 1].
struct QuadratureRule {
  std::vector<double> nodes, weights;
};

/// Gauss-Legendre rule with n nodes, exact for polynomials of degree 2n - 1 (Newton iteration on the Legendre
/// recurrence).
QuadratureRule gauss_legendre(int n);

/// Throws UsageError unless `edges` describe a grid of `cells` cells in `dimension` dimensions.
void check_edges(const std::vector<std::vector<double>>& edges, int dimension, std::size_t cells);

/// Integral of the density of a law over one box (sides may be infinite) by adaptive Gauss-Legendre quadrature.
double integrate_density(const Law& law, const std::vector<double>& lower, const std::vector<double>& upper);

/// Calls visit(cell, lower, upper) for each cell of a tensor grid, axis 0 fastest.
template <class Visit>
void for_cells(const std::vector<std::vector<double>>& edges, std::size_t cells, Visit visit) {
  std::vector<double> lower(edges.size()), upper(edges.size());
  for (std::size_t cell = 0; cell < cells; ++cell) {
    std::size_t rest = cell;
    for (std::size_t k = 0; k < edges.size(); ++k) {
      const std::size_t i = rest % (edges[k].size() - 1);
      rest /= edges[k].size() - 1;
      lower[k] = edges[k][i], upper[k] = edges[k][i + 1];
    }
    visit(cell, lower, upper);
  }
}

/// Probability that a standard normal variable lies in [a, b], accurate relative to itself in both tails.
double normal_interval(double a, double b);

}  // namespace fortet::laws
