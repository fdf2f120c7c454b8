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

/// Upper tail of the Pearson type III law (a shifted gamma law) with the given moments.
double pearson_upper(double value, double mean, double deviation, double skewness) {
  const double z = (value - mean) / deviation;
  if (std::abs(skewness) < 1e-3) return cdf(complement(boost::math::normal(), z));
  const double shape = 4 / (skewness * skewness), scale = std::abs(skewness) / 2;
  const double y = (skewness > 0 ? z : -z) + 2 / std::abs(skewness);
  const boost::math::gamma_distribution<double> law(shape, scale);
  if (y <= 0) return skewness > 0 ? 1 : 0;
  return skewness > 0 ? cdf(complement(law, y)) : cdf(law, y);
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
  Null null;
  null.mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double second = 0, third = 0;
  for (const double v : values) {
    second += std::pow(v - null.mean, 2);
    third += std::pow(v - null.mean, 3);
  }
  null.deviation = std::sqrt(second / (count - 1));
  if (null.deviation == 0) {
    null.upper = value > null.mean ? 0 : 1;
    null.lower = value < null.mean ? 0 : 1;
    return null;
  }
  const double skewness = third / count / std::pow(null.deviation, 3);
  // Ranks among the replicates where there are enough of them, the fitted law beyond.
  constexpr double enough = 10;
  const auto tail = [&](double beyond, double fitted) { return beyond >= enough ? (1 + beyond) / (count + 1) : std::min(fitted, (1 + enough) / (count + 1)); };
  const double upper = pearson_upper(value, null.mean, null.deviation, skewness);
  null.upper = tail(static_cast<double>(values.end() - std::lower_bound(values.begin(), values.end(), value)), upper);
  null.lower = tail(static_cast<double>(std::upper_bound(values.begin(), values.end(), value) - values.begin()), 1 - upper);
  // A shift of the statistic from its mean to beyond the critical value is seen with power 0.9.
  const double critical = values[static_cast<std::size_t>(0.995 * (count - 1))];
  null.smallest_visible_defect = critical - null.mean + 1.2816 * null.deviation;
  return null;
}

}  // namespace fortet::comparisons
