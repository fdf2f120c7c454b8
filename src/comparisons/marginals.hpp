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

/// Centres of the bins, one after the other: count() x dimension().
inline std::vector<double> centres(const Bins& bins) {
  std::vector<double> result;
  for (Index b = 0; b < bins.count(); ++b) {
    const std::vector<double> centre = bins.centre(b);
    result.insert(result.end(), centre.begin(), centre.end());
  }
  return result;
}

}  // namespace fortet::comparisons
