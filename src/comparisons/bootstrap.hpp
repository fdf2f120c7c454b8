#pragma once
// Null laws of statistics by parametric bootstrap from cell masses.
#include "fortet/comparisons/statistic.hpp"

namespace fortet::comparisons {

/// How the observed and, for two ensembles, the reference masses were sampled.
struct Replication {
  std::span<const double> observed_law;   ///< reference + bias: law of the observed particles under agreement
  std::span<const double> reference_law;  ///< law of the reference particles; used when reference_size > 0
  double observed_size = 0, reference_size = 0;
  std::span<const double> variance_ratio;  ///< of the observed counts; empty: multinomial
};

/// Mean, deviation and tails of `value` among replicates; in the tails beyond the replicates by a Pearson type III law with their
/// first three moments. Replicates are shared between the ranks; the same result on every rank. Collective.
Null bootstrap(const Statistic& statistic, double value, std::span<const double> reference, const Replication& replication,
               std::uint64_t seed, const parallel::Communicator& communicator);

}  // namespace fortet::comparisons
