#pragma once
/// Statistics: discrepancies of two laws on the same bins (category "statistics"), one per .cpp.
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "fortet/base/registry.hpp"
#include "fortet/comparisons/bins.hpp"

namespace fortet::comparisons {

/// What a statistic may know of the sampling.
struct Sampling {
  double inverse_size = 0;            ///< 1/N, or 1/N + 1/M for two ensembles; 0 without particles
  double reference_inverse_size = 0;  ///< the 1/M in it
  /// Per bin E[w^2] / E[w] of the weights w of the particles in it; empty: unit weights. With masses p (of the bins
  /// inside; absorbed weight is in none) the observed masses have the covariance (diag(ratio p) - p p^T) / N.
  std::vector<double> variance_ratio;
  double bias_signal = 1;  ///< share of the squared size of the estimated bias (in units of the masses) that is not
                           ///< noise of the estimate
};

/// Law of a statistic under agreement, when known in closed form.
struct Null {
  double mean = 0, deviation = 0;
  double upper = 1, lower = 1;         ///< P(statistic >= value), P(statistic <= value)
  double smallest_visible_defect = 0;  ///< infinite when nothing can be seen
};

/// Bound to bins and to the reference masses when made, so that bootstrap replicates reuse what can be prepared. Masses
/// have bins.count() + 1 entries, the last for outside.
class Statistic {
 public:
  virtual ~Statistic() = default;
  virtual double value(std::span<const double> reference, std::span<const double> observed) const = 0;
  /// `bias`: estimated error of (observed - reference) that comes from discretisation, same layout.
  virtual std::optional<Null> null(double value, std::span<const double> reference,
                                   std::span<const double> bias) const {
    (void)value;
    (void)reference;
    (void)bias;
    return std::nullopt;
  }
  virtual int replicates() const { return 999; }  ///< of the bootstrap
  /// The statistic's root of this order satisfies the triangle inequality: 1 for distances, 2 for their squares.
  virtual int order() const { return 1; }
  virtual const char* defect_unit() const = 0;
};

struct StatisticContext {
  const Bins& bins;
  std::span<const double> reference;  ///< null law
  const Sampling& sampling;
  std::uint64_t seed;
};

struct StatisticFactory {
  std::function<std::unique_ptr<const Statistic>(const Parameters&, const StatisticContext&)> make;
  Index bins_with_particles;  ///< at most so many bins per dimension-count when bootstrapped
  Index bins_deterministic;   ///< at most so many otherwise
  int highest_dimension = 3;
};

}  // namespace fortet::comparisons
