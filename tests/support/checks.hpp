#pragma once
// Short ways to set up checks in tests.
#include <gtest/gtest.h>

#include <boost/math/distributions/binomial.hpp>
#include <cstdio>

#include "fortet/comparisons/check.hpp"
#include "support/world.hpp"

namespace fortet::test {

/// Particles at one time, shared over the ranks as an ensemble's are; `fill` writes the positions of the particles
/// first, first + 1, ...
template <class Fill>
ensembles::EnsemblePath particles(const std::string& name, int dimension, std::int64_t total, Fill&& fill,
                                  double time = 1) {
  const parallel::Range own = world().share(total);
  ensembles::EnsemblePath path;
  path.name = name;
  ensembles::Snapshot snapshot;
  snapshot.time = time;
  snapshot.first = own.begin;
  snapshot.total = total;
  snapshot.positions = PointArray(own.size(), dimension);
  fill(own.begin, Points(snapshot.positions));
  path.snapshots.push_back(std::move(snapshot));
  return path;
}

inline ensembles::EnsemblePath samples(const laws::Law& law, std::int64_t total, std::uint64_t seed,
                                       const std::string& name = "particles", double time = 1) {
  const parallel::Stream stream(seed, parallel::Purpose::initial_law, name);
  return particles(
      name, law.dimension(), total, [&](std::int64_t first, Points out) { law.sample(stream, first, out); }, time);
}

inline comparisons::Side side(const ensembles::EnsemblePath& path, const ensembles::EnsemblePath* coarser = nullptr) {
  comparisons::Side result;
  result.name = "ensembles." + path.name;
  result.ensemble = &path;
  result.coarser = coarser;
  return result;
}
inline comparisons::Side side(const densities::DensityPath& path) {
  comparisons::Side result;
  result.name = "densities." + path.name;
  result.density = &path;
  return result;
}
inline comparisons::Side side(laws::LawPtr law, const std::string& name = "law") {
  comparisons::Side result;
  result.name = "laws." + name;
  result.law = std::move(law);
  return result;
}

/// `by`: names of statistics without parameters.
inline comparisons::CheckSettings check_settings(comparisons::Side first, comparisons::Side second,
                                                 const std::vector<std::string>& by, std::uint64_t seed,
                                                 Json values = Json::object(), double time = 1) {
  Json kinds = Json::array();
  for (const std::string& kind : by) kinds.push_back(Parameters::make("statistics", kind, {{"kind", kind}}).json());
  values["by"] = kinds;
  comparisons::CheckSettings settings;
  settings.name = "check";
  settings.parameters = Parameters("check", "", std::move(values));
  settings.first = std::move(first);
  settings.second = std::move(second);
  settings.times = {time};
  settings.seed = seed;
  return settings;
}

inline std::vector<comparisons::Result> compare(comparisons::Side first, comparisons::Side second,
                                                const std::vector<std::string>& by, std::uint64_t seed,
                                                Json values = Json::object(), double time = 1) {
  return comparisons::run_check(check_settings(std::move(first), std::move(second), by, seed, std::move(values), time),
                                world());
}

/// Two-sided binomial band that holds a number of events with probability 0.999.
struct Band {
  double low, high;
  Band(double count, double rate) {
    const boost::math::binomial law(count, rate);
    low = quantile(law, 0.0005);
    high = quantile(complement(law, 0.0005));
  }
};

/// p-values of many repetitions of a check, by statistic.
class Repetitions {
 public:
  void add(const std::vector<comparisons::Result>& results) {
    for (const comparisons::Result& result : results)
      all_[result.statistic].push_back({*result.p_value, result.value < result.expected});
  }
  double rejections(const std::string& statistic, double level) const {
    double count = 0;
    for (const Outcome& outcome : all_.at(statistic)) count += outcome.p < level;
    return count;
  }
  double below(const std::string& statistic, double level) const {
    double count = 0;
    for (const Outcome& outcome : all_.at(statistic)) count += outcome.p < level && outcome.low;
    return count;
  }
  double count(const std::string& statistic) const { return static_cast<double>(all_.at(statistic).size()); }

  /// The rejections at levels 0.01 and 0.05, and the shares of both tails in the latter, lie in their binomial bands.
  void expect_calibrated(const char* what) const {
    for (const auto& [statistic, outcomes] : all_) {
      const double n = static_cast<double>(outcomes.size()), low = below(statistic, 0.05),
                   both = rejections(statistic, 0.05);
      if (world().is_root()) {
        std::printf(
            "%-24s %-10s %4.0f repetitions: rejected %3.0f at 0.01 (below %2.0f), %3.0f at 0.05 (below %2.0f)\n", what,
            statistic.c_str(), n, rejections(statistic, 0.01), below(statistic, 0.01), both, low);
      }
      expect_in(rejections(statistic, 0.01), Band(n, 0.01), what, statistic, "at level 0.01");
      expect_in(both, Band(n, 0.05), what, statistic, "at level 0.05");
      expect_in(low, Band(n, 0.025), what, statistic, "of the lower tail");
      expect_in(both - low, Band(n, 0.025), what, statistic, "of the upper tail");
    }
  }
  /// Not more rejections than the level allows.
  void expect_not_above_level(const char* what) const {
    for (const auto& [statistic, outcomes] : all_) {
      const double n = static_cast<double>(outcomes.size());
      if (world().is_root()) {
        std::printf("%-24s %-10s %4.0f repetitions: rejected %3.0f at 0.01, %3.0f at 0.05\n", what, statistic.c_str(),
                    n, rejections(statistic, 0.01), rejections(statistic, 0.05));
      }
      EXPECT_LE(rejections(statistic, 0.01), Band(n, 0.01).high) << what << ": " << statistic;
      EXPECT_LE(rejections(statistic, 0.05), Band(n, 0.05).high) << what << ": " << statistic;
    }
  }

 private:
  struct Outcome {
    double p;
    bool low;
  };
  static void expect_in(double count, const Band& band, const char* what, const std::string& statistic,
                        const char* tail) {
    EXPECT_GE(count, band.low) << what << ": " << statistic << ' ' << tail;
    EXPECT_LE(count, band.high) << what << ": " << statistic << ' ' << tail;
  }
  std::map<std::string, std::vector<Outcome>> all_;
};

}  // namespace fortet::test
