#include "bootstrap.hpp"

#include <Random123/conventional/Engine.hpp>
#include <Random123/philox.h>
#include <boost/math/distributions/gamma.hpp>
#include <boost/math/distributions/normal.hpp>
#include <random>

namespace fortet::comparisons {

namespace {

using Engine = r123::Engine<r123::Philox4x32>;

/// Shares of `size` draws from `law` that fall into each bin: conditional binomials.
void multinomial(Engine& engine, double size, std::span<const double> law, std::vector<double>& shares) {
  double mass_left = 0;
  for (const double mass : law) mass_left += std::max(0.0, mass);
  auto left = static_cast<std::int64_t>(size);
  for (std::size_t b = 0; b < law.size(); ++b) {
    const double mass = std::max(0.0, law[b]);
    std::int64_t drawn = 0;
    if (left > 0 && mass > 0) {
      drawn = mass >= mass_left ? left : std::binomial_distribution<std::int64_t>(left, mass / mass_left)(engine);
    }
    shares[b] = static_cast<double>(drawn) / size;
    left -= drawn;
    mass_left -= mass;
  }
}

/// Weighted counts: sums of `mass size / ratio` Poisson arrivals of weight `ratio`, which have the mean and variance of the weighted ones.
void weighted_counts(Engine& engine, const Replication& replication, std::vector<double>& shares) {
  for (std::size_t b = 0; b < shares.size(); ++b) {
    const double ratio = std::max(1e-6, replication.variance_ratio[b]);
    const double mean = std::max(0.0, replication.observed_law[b]) * replication.observed_size / ratio;
    shares[b] = mean > 0 ? static_cast<double>(std::poisson_distribution<std::int64_t>(mean)(engine)) * ratio / replication.observed_size : 0;
  }
}

/// Mean, standard deviation and skewness of a sample.
struct Shape {
  double mean = 0, deviation = 0, skewness = 0;
  explicit Shape(std::span<const double> values) {
    const double count = static_cast<double>(values.size());
    mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
    double second = 0, third = 0;
    for (const double v : values) {
      second += std::pow(v - mean, 2);
      third += std::pow(v - mean, 3);
    }
    deviation = std::sqrt(second / (count - 1));
    if (deviation > 0) skewness = third / count / std::pow(deviation, 3);
  }
};

/// P(X >= value) for the Pearson type III law (a shifted gamma law) of this shape.
double pearson_upper(double value, const Shape& shape) {
  const double z = (value - shape.mean) / shape.deviation, skewness = std::abs(shape.skewness);
  if (skewness < 1e-3) return cdf(complement(boost::math::normal(), z));
  const boost::math::gamma_distribution<double> law(4 / (skewness * skewness), skewness / 2);
  const double y = std::max(0.0, (shape.skewness > 0 ? z : -z) + 2 / skewness);
  return shape.skewness > 0 ? cdf(complement(law, y)) : cdf(law, y);
}

/// P(X <= value). Statistics are positive and skewed to the right, so that a shifted gamma law ends above zero: their logarithms are fitted.
double pearson_lower(double value, std::span<const double> values) {
  std::vector<double> logarithms;
  for (const double v : values) logarithms.push_back(-std::log(std::max(v, 1e-300)));
  const Shape shape(logarithms);
  return shape.deviation > 0 ? pearson_upper(-std::log(std::max(value, 1e-300)), shape) : 1;
}

}  // namespace

Null bootstrap(const Statistic& statistic, double value, std::span<const double> reference, const Replication& replication,
               std::uint64_t seed, const parallel::Communicator& communicator) {
  const parallel::Range own = communicator.share(statistic.replicates());
  std::vector<double> local, observed(reference.size()), other(reference.begin(), reference.end());
  for (std::int64_t r = own.begin; r < own.end; ++r) {
    const r123::Philox4x32::ukey_type key{{static_cast<std::uint32_t>(seed),
                                           static_cast<std::uint32_t>(parallel::Purpose::bootstrap) << 24 | static_cast<std::uint32_t>(r)}};
    Engine engine(key);
    if (replication.variance_ratio.empty()) {
      multinomial(engine, replication.observed_size, replication.observed_law, observed);
    } else {
      weighted_counts(engine, replication, observed);
    }
    if (replication.reference_size > 0) multinomial(engine, replication.reference_size, replication.reference_law, other);
    local.push_back(statistic.value(other, observed));
  }
  std::vector<double> values = communicator.gather_all(local);
  std::sort(values.begin(), values.end());
  const double count = static_cast<double>(values.size());
  const Shape shape(values);
  Null null;
  null.mean = shape.mean;
  null.deviation = shape.deviation;
  if (null.deviation == 0) {
    null.upper = value > null.mean ? 0 : 1;
    null.lower = value < null.mean ? 0 : 1;
    return null;
  }
  // Ranks among the replicates where there are enough of them, the fitted law beyond.
  constexpr double enough = 10;
  const auto tail = [&](double beyond, double fitted) { return beyond >= enough ? (1 + beyond) / (count + 1) : std::min(fitted, (1 + enough) / (count + 1)); };
  null.upper = tail(static_cast<double>(values.end() - std::lower_bound(values.begin(), values.end(), value)), pearson_upper(value, shape));
  null.lower = tail(static_cast<double>(std::upper_bound(values.begin(), values.end(), value) - values.begin()), pearson_lower(value, values));
  // A shift of the statistic from its mean to beyond the critical value is seen with power 0.9.
  const double critical = values[static_cast<std::size_t>(0.995 * (count - 1))];
  null.smallest_visible_defect = critical - null.mean + 1.2816 * null.deviation;
  return null;
}

}  // namespace fortet::comparisons
