#pragma once
// Null laws of statistics by parametric bootstrap from cell masses.
#include "fortet/comparisons/statistic.hpp"

namespace fortet::comparisons {

/// How one side was sampled. `law` are the masses of the bins, outside last.
struct Sampled {
  std::span<const double> law;
  double size = 0;                         ///< particles; 0: the side is its law
  std::span<const double> variance_ratio;  ///< of weighted particles (Sampling); empty: unit weights
};

/// Sides under agreement: the observed one with and without the estimated bias of its law.
struct Replication {
  Sampled observed, reference;
  std::span<const double> biased_law;  ///< of the observed side; empty: no bias was estimated
};

/// Mean, deviation and tails of `value` among replicates; in the tails beyond the replicates by a Pearson type III law
/// with their first three moments. The upper tail is judged with bias, the lower tail without. Replicates are shared
/// between the ranks; the same result on every rank. Collective.
///
/// Smallest visible defect: the statistic between two laws that, by the triangle inequality, is told from agreement
/// with power 0.9: the critical value plus the 0.9 quantile of what sampling alone gives (of their roots, for squared
/// distances).
Null bootstrap(const Statistic& statistic, double value, const Replication& replication, std::uint64_t seed,
               const parallel::Communicator& communicator);

}  // namespace fortet::comparisons
