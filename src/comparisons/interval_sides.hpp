#pragma once
/// The two sides of a statistic of what happened between two times: an ensemble and a density.
#include "fortet/comparisons/interval_statistic.hpp"

namespace fortet::comparisons {

inline const densities::DensityPath& density_of(const CheckSettings& settings) {
  return *(settings.first.density ? settings.first.density : settings.second.density);
}
inline const Side& particles_of(const CheckSettings& settings) {
  return settings.first.ensemble ? settings.first : settings.second;
}
/// Throws ParameterError for other sides; `what` it needs is a sentence's beginning.
inline void require_both(const CheckSettings& settings, const std::string& what) {
  const bool one_each =
      (settings.first.density && settings.second.ensemble) || (settings.first.ensemble && settings.second.density);
  if (!one_each) {
    throw ParameterError("compare",
                         fmt::format("{}, found {} and {}", what, settings.first.name, settings.second.name));
  }
}
inline std::size_t diagnostic_at(const densities::DensityPath& path, double time) {
  for (std::size_t i = 0; i < path.diagnostics.size(); ++i) {
    if (std::abs(path.diagnostics[i].time - time) <= 1e-12 * std::max(1.0, std::abs(time))) return i;
  }
  throw UsageError(fmt::format("densities.{} has no record at t = {}", path.name, time));
}

/// Mean over all particles of a number of each. Collective.
struct Mean {
  double value = 0, variance = 0;  ///< of the mean: sum c^2 / N^2 - (sum c)^2 / N^3
};
inline Mean mean_of(const std::vector<double>& values, double count, const parallel::Communicator& communicator) {
  std::vector<parallel::ExactSum> sums(2);
  for (const double value : values) {
    sums[0].add(value);
    sums[1].add(value * value);
  }
  const std::vector<double> totals = communicator.sum(sums);
  return {totals[0] / count, std::max(0.0, totals[1] / count - totals[0] * totals[0] / (count * count)) / count};
}

}  // namespace fortet::comparisons
