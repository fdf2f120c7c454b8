#include "contraction.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "grid_sum.hpp"

namespace fortet::bridges {

ContractionRate contraction_rate(const densities::Grid& grid, Carrier& carrier, double horizon,
                                 const std::vector<double>& source, const std::vector<double>& target,
                                 const std::vector<double>& log_hat0, const std::vector<double>& log_phi1, int steps) {
  constexpr double minus_infinity = -std::numeric_limits<double>::infinity();
  const std::size_t n = source.size();
  const double mass = grid_sum(grid, source);
  std::vector<double> terms(n);
  const auto product = [&](const std::vector<double>& f, const std::vector<double>& g) {
    for (std::size_t i = 0; i < n; ++i) terms[i] = source[i] > 0 ? source[i] * f[i] * g[i] : 0;
    return grid_sum(grid, terms);
  };
  const std::vector<double> ones(n, 1.0);
  const auto centre = [&](std::vector<double>& f) {
    const double mean = product(f, ones) / mass;
    for (std::size_t i = 0; i < n; ++i) f[i] = source[i] > 0 ? f[i] - mean : 0;
  };
  const auto conditional = [&](std::vector<double>& logarithms, const std::vector<double>& weight, bool forward) {
    std::vector<double> unit = weight;
    for (std::size_t i = 0; i < n; ++i) {
      logarithms[i] = weight[i] > minus_infinity ? weight[i] + logarithms[i] : minus_infinity;
    }
    const std::vector<double>& there = forward ? target : source;
    for (std::vector<double>* values : {&logarithms, &unit}) {
      forward ? carrier.forward(0, horizon, *values) : carrier.backward(0, horizon, *values);
    }
    for (std::size_t i = 0; i < n; ++i) logarithms[i] = there[i] > 0 ? logarithms[i] - unit[i] : 0;
  };
  // Logarithms need positive numbers: 1 + f / (2 max |f|) has the same image but for the constant.
  const auto apply = [&](const std::vector<double>& f) {
    double largest = 0;
    for (const double value : f) largest = std::max(largest, std::abs(value));
    const double scale = 2 * grid.communicator().max(largest);
    std::vector<double> values(n, 0.0);
    for (std::size_t i = 0; i < n; ++i) values[i] = source[i] > 0 ? std::log1p(f[i] / scale) : 0;
    conditional(values, log_hat0, true);
    conditional(values, log_phi1, false);
    for (std::size_t i = 0; i < n; ++i) values[i] = source[i] > 0 ? scale * std::expm1(values[i]) : 0;
    centre(values);
    return values;
  };

  std::vector<double> vector(n, 0.0);
  const PointArray centres = grid.local_centres();
  for (int k = 0; k < grid.dimension(); ++k) {
    const double* x = centres.view().coordinate(k);
    for (std::size_t i = 0; i < n; ++i) vector[i] += x[i] * (1 + 0.1 * k);  // axes may be alike
  }
  centre(vector);
  std::vector<std::vector<double>> basis;
  std::vector<double> diagonal, next_to;
  ContractionRate rate;
  double length = std::sqrt(product(vector, vector));
  if (!(length > 0)) return rate;  // one cell: the iteration is done at once
  for (int step = 0; step < steps; ++step) {
    for (double& value : vector) value /= length;
    basis.push_back(vector);
    vector = apply(vector);
    diagonal.push_back(product(vector, basis.back()));
    for (int twice = 0; twice < 2; ++twice) {
      for (const std::vector<double>& before : basis) {
        const double part = product(vector, before);
        for (std::size_t i = 0; i < n; ++i) vector[i] -= part * before[i];
      }
    }
    length = std::sqrt(product(vector, vector));
    const Eigen::Index count = static_cast<Eigen::Index>(diagonal.size());
    Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(count, count);
    for (Eigen::Index i = 0; i < count; ++i) {
      matrix(i, i) = diagonal[i];
      if (i + 1 < count) matrix(i, i + 1) = matrix(i + 1, i) = next_to[i];
    }
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> spectrum(matrix);
    rate.value = std::clamp(spectrum.eigenvalues()[count - 1], 0.0, 1.0);
    rate.error = length * std::abs(spectrum.eigenvectors()(count - 1, count - 1));
    if (rate.error < 1e-7 * std::max(rate.value, 1e-3) || length < 1e-12) break;
    next_to.push_back(length);
  }
  return rate;
}

}  // namespace fortet::bridges
