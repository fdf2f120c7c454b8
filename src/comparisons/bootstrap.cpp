#include "bootstrap.hpp"

#include <boost/math/distributions/gamma.hpp>
#include <boost/math/distributions/normal.hpp>

#include "binomial.hpp"

namespace fortet::comparisons {

namespace {

/// Uniform numbers in (0, 1) of one replicate.
class Uniforms {
 public:
  Uniforms(std::uint64_t seed, std::int64_t replicate)
      : key_(parallel::Stream(seed, parallel::Purpose::bootstrap).key()), replicate_(replicate) {}
  double operator()() {
    if (used_ == 2) {
      words_ = parallel::philox({block_++, 0, static_cast<std::uint32_t>(replicate_), 0}, key_);
      used_ = 0;
    }
    const std::uint64_t bits = std::uint64_t{words_[2 * used_]} << 32 | words_[2 * used_ + 1];
    ++used_;
    return (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52;
  }

 private:
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> words_{};
  std::int64_t replicate_;
  std::uint32_t block_ = 0;
  int used_ = 2;
};

/// Draws the masses of one side anew: the counts of the bins are multinomial, by conditional binomials. Weighted
/// particles are replaced by particles of weight `ratio` that fall into a bin with probability mass / ratio, and else
/// into none: this gives the weighted masses their mean and their covariance (diag(ratio p) - p p^T) / N.
class Sampler {
 public:
  explicit Sampler(const Sampled& side) : size_(std::round(side.size)), fixed_(side.law.begin(), side.law.end()) {
    for (const double mass : side.law) probability_.push_back(std::max(0.0, mass));
    weight_.assign(probability_.size(), 1.0);
    if (side.variance_ratio.empty()) return;
    weighted_ = true;
    probability_.back() = 0;
    double total = 0;
    for (std::size_t b = 0; b + 1 < probability_.size(); ++b) {
      weight_[b] = side.variance_ratio[b];
      total += probability_[b] /= weight_[b];
    }
    if (total < 1) {
      probability_.back() = 1 - total;
    } else {  // by the rounding of nearly equal weights
      for (std::size_t b = 0; b + 1 < probability_.size(); ++b) weight_[b] *= total;
    }
    weight_.back() = 0;
  }

  void draw(Uniforms& uniforms, std::vector<double>& masses) const {
    if (size_ == 0) {
      masses = fixed_;
      return;
    }
    masses.resize(probability_.size());
    double mass_left = std::accumulate(probability_.begin(), probability_.end(), 0.0), inside = 0;
    auto left = static_cast<std::int64_t>(size_);
    for (std::size_t b = 0; b < probability_.size(); ++b) {
      const double mass = probability_[b];
      std::int64_t drawn = 0;
      if (left > 0 && mass > 0) {
        drawn = mass >= mass_left ? left : binomial(left, mass / mass_left, uniforms);
      }
      masses[b] = static_cast<double>(drawn) * weight_[b] / size_;
      inside += masses[b];
      left -= drawn;
      mass_left -= mass;
    }
    if (weighted_) masses.back() = 1 - inside;
  }

 private:
  double size_;
  bool weighted_ = false;
  std::vector<double> fixed_, probability_, weight_;
};

/// The statistic of replicates of both sides, sorted.
std::vector<double> replicate(const Statistic& statistic, const Sampled& observed, const Sampled& reference,
                              std::uint64_t seed, const parallel::Communicator& communicator) {
  const Sampler of_observed(observed), of_reference(reference);
  const parallel::Range own = communicator.share(statistic.replicates());
  std::vector<double> local, p, q;
  for (std::int64_t r = own.begin; r < own.end; ++r) {
    Uniforms uniforms(seed, r);
    of_observed.draw(uniforms, q);
    of_reference.draw(uniforms, p);
    local.push_back(statistic.value(p, q));
  }
  std::vector<double> values = communicator.gather_all(local);
  std::sort(values.begin(), values.end());
  return values;
}

/// Pearson type III law (a shifted gamma law) with the mean, standard deviation and skewness of a sample.
class PearsonThree {
 public:
  explicit PearsonThree(std::span<const double> values) {
    const double count = static_cast<double>(values.size());
    mean_ = std::accumulate(values.begin(), values.end(), 0.0) / count;
    double second = 0, third = 0;
    for (const double v : values) {
      second += std::pow(v - mean_, 2);
      third += std::pow(v - mean_, 3);
    }
    deviation_ = std::sqrt(second / (count - 1));
    if (deviation_ > 0) skewness_ = third / count / std::pow(deviation_, 3);
  }
  double mean() const { return mean_; }
  double deviation() const { return deviation_; }

  /// P(X >= value).
  double upper(double value) const {
    const double z = (value - mean_) / deviation_, skewness = std::abs(skewness_);
    // No law of this family has 1e-20 there, and the incomplete gamma function overflows on the way to zero.
    constexpr double nothing_beyond = 60;
    if (z > nothing_beyond) return 0;
    if (skewness < normal_below) return cdf(complement(boost::math::normal(), z));
    const double y = std::max(0.0, (skewness_ > 0 ? z : -z) + 2 / skewness);
    return skewness_ > 0 ? cdf(complement(law(), y)) : cdf(law(), y);
  }
  /// The value with upper(value) = tail.
  double critical(double tail) const {
    const double skewness = std::abs(skewness_);
    if (skewness < normal_below) return mean_ + deviation_ * quantile(complement(boost::math::normal(), tail));
    const double y = skewness_ > 0 ? quantile(complement(law(), tail)) : quantile(law(), tail), z = y - 2 / skewness;
    return mean_ + deviation_ * (skewness_ > 0 ? z : -z);
  }

 private:
  static constexpr double normal_below = 1e-3;
  boost::math::gamma_distribution<double> law() const { return {4 / (skewness_ * skewness_), std::abs(skewness_) / 2}; }
  double mean_ = 0, deviation_ = 0, skewness_ = 0;
};

/// Of `beyond` replicates among `count`: their share where there are enough of them, the fitted tail where there are
/// not.
double tail(double beyond, double count, double fitted) {
  constexpr double enough = 10;
  return beyond >= enough ? (1 + beyond) / (count + 1) : std::min(fitted, (1 + enough) / (count + 1));
}

/// P(X <= value). Statistics are positive and skewed to the right, so that a shifted gamma law ends above zero: their
/// logarithms are fitted.
double lower_tail(double value, std::span<const double> values) {
  constexpr double smallest = 1e-300;
  std::vector<double> logarithms;
  for (const double v : values) logarithms.push_back(-std::log(std::max(v, smallest)));
  const PearsonThree law(logarithms);
  if (law.deviation() == 0) return value < values.front() ? 0 : 1;
  const double beyond = static_cast<double>(std::upper_bound(values.begin(), values.end(), value) - values.begin());
  return tail(beyond, static_cast<double>(values.size()), law.upper(-std::log(std::max(value, smallest))));
}

}  // namespace

Null bootstrap(const Statistic& statistic, double value, const Replication& replication, std::uint64_t seed,
               const parallel::Communicator& communicator) {
  constexpr double level = 0.01, power = 0.9;
  Sampled observed = replication.observed;
  if (!replication.biased_law.empty()) observed.law = replication.biased_law;
  const std::vector<double> values = replicate(statistic, observed, replication.reference, seed, communicator);
  const double count = static_cast<double>(values.size());
  const PearsonThree law(values);
  Null null;
  null.mean = law.mean();
  null.deviation = law.deviation();
  if (null.deviation > 0) {
    const double beyond = static_cast<double>(values.end() - std::lower_bound(values.begin(), values.end(), value));
    null.upper = tail(beyond, count, law.upper(value));
    const double root = 1.0 / statistic.order(), critical = law.critical(level / 2);
    const double noise = values[static_cast<std::size_t>(power * (count - 1))];
    null.smallest_visible_defect = std::pow(std::pow(critical, root) + std::pow(noise, root), statistic.order());
  } else {
    null.upper = value > null.mean ? 0 : 1;
    null.smallest_visible_defect = 2 * null.mean;
  }
  if (replication.biased_law.empty()) {
    null.lower = lower_tail(value, values);
  } else if (value < values[values.size() / 2]) {  // a value above the median with bias is above that without
    null.lower =
        lower_tail(value, replicate(statistic, replication.observed, replication.reference, seed, communicator));
  }
  return null;
}

}  // namespace fortet::comparisons
