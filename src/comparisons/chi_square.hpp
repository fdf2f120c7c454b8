#pragma once
// Closed null laws of chi-square statistics, shared by `cells` and `kl`.
#include "fortet/comparisons/statistic.hpp"

namespace fortet::comparisons {

/// Bins merged in order until each group holds an expected count of at least 10 (MATHS section 6). The outside is one
/// more bin, except with weights, where absorbed weight is in no bin.
class MergedBins {
 public:
  MergedBins(std::span<const double> reference, const Sampling& sampling);
  std::size_t count() const { return count_; }
  /// Sums over the members of each group.
  std::vector<double> merge(std::span<const double> values) const;
  /// Where a single group leaves nothing to compare (a point, or hardly any particles): mass in bins that expect less
  /// than 1e-9 particles.
  double impossible(std::span<const double> values) const;
  const std::vector<double>& variance_ratio() const { return variance_ratio_; }  ///< of the groups; empty: unit weights

 private:
  std::vector<std::size_t> group_;
  std::vector<bool> impossible_;
  std::size_t count_ = 0;
  std::vector<double> variance_ratio_;
};

/// The noncentral chi-square null: upper tail at the noncentrality of the estimated bias, lower tail at none.
/// Smallest visible defect: alternating relative defect of the cell masses. No degrees of freedom: nothing
/// can be seen but a positive statistic, which is then mass in impossible places.
Null chi_square_null(double statistic, double degrees, double noncentrality, double inverse_size);

}  // namespace fortet::comparisons
