#include "resolution.hpp"

#include <algorithm>
#include <cmath>

#include "grid_sum.hpp"

namespace fortet::bridges {

void Resolution::add(double t, double weight, const std::vector<double>& mass, const processes::Field& gradient) {
  const int d = grid_.dimension();
  const Index n = static_cast<Index>(mass.size());
  std::vector<std::vector<double>> terms(1 + 4 * static_cast<std::size_t>(d), std::vector<double>(mass.size(), 0.0));
  PointArray x(block_size, d), slope(block_size, d), drift(block_size, d), a(block_size, d * (d + 1) / 2);
  std::vector<double> steering(d);
  for (Index begin = 0; begin < n; begin += block_size) {
    const Index count = std::min(block_size, n - begin);
    grid_.local_centres(begin, x.view().slice(0, count));
    const ConstPoints at(x.view().slice(0, count));
    gradient.evaluate(t, at, slope.view().slice(0, count));
    reference_.drift(t, at, drift.view().slice(0, count));
    reference_.diffusion(t, at, a.view().slice(0, count));
    for (Index i = 0; i < count; ++i) {
      const double p = weight * mass[begin + i];
      if (!(p > 0)) continue;
      std::fill(steering.begin(), steering.end(), 0.0);
      for (int k = 0, column = 0; k < d; ++k) {
        for (int l = k; l < d; ++l, ++column) {
          steering[k] += a(i, column) * slope(i, l);
          if (l > k) steering[l] += a(i, column) * slope(i, k);
        }
      }
      Index position = begin + i + grid_.slab().begin * grid_.layer_size();
      for (int k = 0, column = 0; k < d; column += d - k, ++k) {
        const double h = grid_.width(k, position % grid_.cells(k)), own = a(i, column);
        position /= grid_.cells(k);
        const double power = p * slope(i, k) * steering[k];
        // asinh q is what the gradient shows of q; beyond e^300 the square would overflow.
        const double q = std::sinh(std::min(std::abs(h * slope(i, k)), 300.0));
        terms[0][begin + i] += 0.5 * power;
        terms[1 + k][begin + i] = std::abs(power) * q * q;
        terms[1 + d + k][begin + i] = std::abs(power);
        terms[1 + 2 * d + k][begin + i] = own > 0 ? p * std::pow(h * drift(i, k) / own, 2) : 0;
        terms[1 + 3 * d + k][begin + i] = p * own;
      }
    }
  }
  girsanov_ += grid_sum(grid_, terms[0]);
  for (int k = 0; k < d; ++k) {
    steered_[k] += grid_sum(grid_, terms[1 + k]);
    power_[k] += grid_sum(grid_, terms[1 + d + k]);
    drifted_[k] += grid_sum(grid_, terms[1 + 2 * d + k]);
    noise_[k] += grid_sum(grid_, terms[1 + 3 * d + k]);
  }
  duration_ += weight;
}

void Resolution::limit(double squared_distance) {
  constexpr double told_by_gradients = 10;
  limit_.clear();
  for (int k = 0; k < grid_.dimension(); ++k) {
    double width = 0;
    for (Index i = 0; i < grid_.cells(k); ++i) width = std::max(width, grid_.width(k, i));
    limit_.push_back(std::max(told_by_gradients, width * std::sqrt(std::max(0.0, squared_distance)) / noise_[k]));
  }
}

double Resolution::steering_number(int axis) const {
  const double number = power_[axis] > 0 ? std::sqrt(steered_[axis] / power_[axis]) : 0;
  return limit_.empty() ? number : std::min(number, limit_[axis]);
}

double Resolution::reference_number(int axis) const { return std::sqrt(drifted_[axis] / duration_); }

double Resolution::worst() const {
  double most = 0;
  for (int k = 0; k < grid_.dimension(); ++k) most = std::max({most, steering_number(k), reference_number(k)});
  return most;
}

double Resolution::noise_error() const {
  double most = 0;
  for (int k = 0; k < grid_.dimension(); ++k) {
    // Steered jumps have the variance h^2 (r_+ + r_-) = a sqrt(1 + q^2); the fitted rates of a drift a b coth b.
    const double q = steering_number(k), b = reference_number(k);
    most = std::max(most, std::sqrt(1 + q * q) - 1 + (b > 1e-4 ? b / std::tanh(b) - 1 : 0));
  }
  return most;
}

Index Resolution::cells_needed(int axis) const {
  const double number = std::max(steering_number(axis), reference_number(axis));
  return static_cast<Index>(std::ceil(static_cast<double>(grid_.cells(axis)) * std::max(1.0, number / largest)));
}

}  // namespace fortet::bridges
