#include "quadrature.hpp"

#include <numbers>

namespace fortet::laws {

QuadratureRule gauss_legendre(int n) {
  QuadratureRule rule{std::vector<double>(n), std::vector<double>(n)};
  for (int i = 0; i < n; ++i) {
    double x = std::cos(std::numbers::pi * (i + 0.75) / (n + 0.5)), slope = 1;
    for (int iteration = 0; iteration < 8; ++iteration) {
      double previous = 1, value = x;
      for (int k = 2; k <= n; ++k) {
        const double next = ((2 * k - 1) * x * value - (k - 1) * previous) / k;
        previous = value, value = next;
      }
      slope = n * (x * value - previous) / (x * x - 1);
      x -= value / slope;
    }
    rule.nodes[n - 1 - i] = (1 + x) / 2;
    rule.weights[n - 1 - i] = 1 / ((1 - x * x) * slope * slope);
  }
  return rule;
}

double normal_interval(double a, double b) {
  if (a > 0) return normal_interval(-b, -a);  // then both tails are lower ones, where erfc is accurate
  return (std::erfc(-b * std::numbers::sqrt2 / 2) - std::erfc(-a * std::numbers::sqrt2 / 2)) / 2;
}

}  // namespace fortet::laws
