#pragma once
#include "fortet/comparisons/bins.hpp"

namespace fortet::comparisons {

/// Masses of the bins summed over all axes but one.
inline std::vector<double> marginal(const Bins& bins, int axis, std::span<const double> masses) {
  Index stride = 1;
  for (int k = 0; k < axis; ++k) stride *= bins.cells(k);
  std::vector<double> result(static_cast<std::size_t>(bins.cells(axis)), 0.0);
  for (Index b = 0; b < bins.count(); ++b) result[b / stride % bins.cells(axis)] += masses[b];
  return result;
}

/// Copies into memory that Eigen has aligned: the order of its vectorised sums depends on the alignment, and results
/// must not.
inline Eigen::VectorXd vector_of(std::span<const double> values, Index count) {
  Eigen::VectorXd result(count);
  std::copy_n(values.begin(), count, result.data());
  return result;
}

/// Centres of the bins, one after the other: count() x dimension().
inline std::vector<double> centres(const Bins& bins) {
  std::vector<double> result;
  for (Index b = 0; b < bins.count(); ++b) {
    const std::vector<double> centre = bins.centre(b);
    result.insert(result.end(), centre.begin(), centre.end());
  }
  return result;
}

/// Transport needs mass on both sides; a law that has none inside is as far away as the bins reach.
inline bool has_mass(const Bins& bins, std::span<const double> masses) {
  return std::any_of(masses.begin(), masses.begin() + bins.count(), [](double mass) { return mass > 0; });
}
inline double diameter(const Bins& bins) {
  const std::vector<double> first = bins.centre(0), last = bins.centre(bins.count() - 1);
  double squared = 0;
  for (std::size_t k = 0; k < first.size(); ++k) squared += (last[k] - first[k]) * (last[k] - first[k]);
  return std::sqrt(squared);
}

/// The same as rows of a matrix.
inline Eigen::MatrixXd centre_rows(const Bins& bins) {
  const std::vector<double> points = centres(bins);
  Eigen::MatrixXd result(bins.count(), bins.dimension());
  for (Index b = 0; b < bins.count(); ++b) {
    for (int k = 0; k < bins.dimension(); ++k) result(b, k) = points[b * bins.dimension() + k];
  }
  return result;
}

}  // namespace fortet::comparisons
