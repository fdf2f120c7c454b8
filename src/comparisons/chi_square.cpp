#include "chi_square.hpp"

#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/non_central_chi_squared.hpp>

namespace fortet::comparisons {

MergedBins::MergedBins(std::span<const double> reference, const Sampling& sampling)
    : group_(reference.size() - (sampling.variance_ratio.empty() ? 0 : 1)) {
  const double least = 10 * sampling.inverse_size;
  double sum = 0;
  std::size_t last_closed = 0;
  for (std::size_t b = 0; b < group_.size(); ++b) {
    group_[b] = count_;
    sum += reference[b];
    if (sum >= least && sum > 0) {
      ++count_;
      sum = 0;
      last_closed = b + 1;
    }
  }
  for (std::size_t b = 0; b < group_.size(); ++b) impossible_.push_back(reference[b] <= 1e-9 * sampling.inverse_size);
  // What is left over at the end joins the last group.
  for (std::size_t b = last_closed; b < group_.size(); ++b) group_[b] = count_ > 0 ? count_ - 1 : 0;
  count_ = std::max<std::size_t>(1, count_);
  if (!sampling.variance_ratio.empty()) {
    std::vector<double> weighted(reference.size());
    for (std::size_t b = 0; b < reference.size(); ++b) weighted[b] = reference[b] * sampling.variance_ratio[b];
    const std::vector<double> variance = merge(weighted), mean = merge(reference);
    for (std::size_t g = 0; g < count_; ++g) variance_ratio_.push_back(mean[g] > 0 ? variance[g] / mean[g] : 1);
  }
}

std::vector<double> MergedBins::merge(std::span<const double> values) const {
  std::vector<double> result(count_, 0.0);
  for (std::size_t b = 0; b < group_.size(); ++b) result[group_[b]] += values[b];
  return result;
}

double MergedBins::impossible(std::span<const double> values) const {
  double sum = 0;
  for (std::size_t b = 0; b < group_.size(); ++b) sum += impossible_[b] ? values[b] : 0;
  return sum;
}

namespace {
using Central = boost::math::chi_squared;
using Noncentral = boost::math::non_central_chi_squared;

constexpr double negligible = 1e-9;  // noncentrality below which the central law is used

/// P(X >= x) is below the smallest number, by Chernoff's bound at its best place: inf_u -(1 - u) x/2 + n (1 - u)/(2 u)
/// - k/2 log u. Tail functions fail there for many degrees of freedom (they divide by Gamma(k/2), which overflows).
bool is_beyond_the_tail(double x, double degrees, double noncentrality) {
  if (x <= degrees + noncentrality) return false;
  const double u = (degrees + std::sqrt(degrees * degrees + 4 * x * noncentrality)) / (2 * x);
  const double bound = -(1 - u) * x / 2 + noncentrality * (1 - u) / (2 * u) - degrees / 2 * std::log(u);
  return bound < std::log(std::numeric_limits<double>::denorm_min());
}

double upper_tail(double x, double degrees, double noncentrality) {
  if (is_beyond_the_tail(x, degrees, noncentrality)) return 0;
  if (noncentrality < negligible) return cdf(complement(Central(degrees), x));
  return cdf(complement(Noncentral(degrees, noncentrality), x));
}

double critical(double degrees, double noncentrality, double level) {
  if (noncentrality < negligible) return quantile(complement(Central(degrees), level));
  return quantile(complement(Noncentral(degrees, noncentrality), level));
}
}  // namespace

Null chi_square_null(double statistic, double degrees, double noncentrality, double inverse_size) {
  constexpr double level = 0.01, power = 0.9;
  Null null;
  if (degrees <= 0) {
    null.upper = statistic > 0 ? 0 : 1;
    null.smallest_visible_defect = std::numeric_limits<double>::infinity();
    return null;
  }
  null.mean = degrees + noncentrality;
  null.deviation = std::sqrt(2 * (degrees + 2 * noncentrality));
  null.upper = upper_tail(statistic, degrees, noncentrality);
  null.lower = is_beyond_the_tail(statistic, degrees, 0) ? 1 : cdf(Central(degrees), statistic);
  // Noncentrality N eps^2 that an alternating relative defect eps adds, seen with the given power.
  const double threshold = critical(degrees, noncentrality, level / 2);
  double low = noncentrality, high = noncentrality + 10 + 10 * null.deviation;
  while (upper_tail(threshold, degrees, high) < power) high += high - noncentrality;
  for (int i = 0; i < 60 && high - low > 1e-9 * high; ++i) {
    const double middle = (low + high) / 2;
    (upper_tail(threshold, degrees, middle) < power ? low : high) = middle;
  }
  null.smallest_visible_defect = std::sqrt((high - noncentrality) * inverse_size);
  return null;
}

}  // namespace fortet::comparisons
