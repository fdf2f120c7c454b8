// Bins, histograms, transport costs and statistics against closed values.
#include <gtest/gtest.h>

#include "../../src/comparisons/binomial.hpp"
#include "fortet/comparisons/statistic.hpp"
#include "fortet/couplings/transport.hpp"
#include "support/checks.hpp"
#include "support/densities.hpp"

namespace {
using namespace fortet;
using namespace fortet::comparisons;
using Masses = std::vector<double>;
constexpr double infinity = std::numeric_limits<double>::infinity();

std::vector<double> equal(double lower, double upper, int cells) {
  std::vector<double> edges;
  for (int i = 0; i <= cells; ++i) edges.push_back(lower + (upper - lower) * i / cells);
  return edges;
}

/// The statistic between two laws, without particles unless `inverse_size` is given.
double value(const char* kind, const Bins& bins, const Masses& reference, const Masses& observed,
             double inverse_size = 0, Json parameters = Json::object()) {
  Sampling sampling;
  sampling.inverse_size = inverse_size;
  return Registry<StatisticFactory>::instance()
      .find("statistics", kind)
      .make(Parameters::make("statistics", kind, std::move(parameters)), {bins, reference, sampling, 1})
      ->value(reference, observed);
}

TEST(Bins, LocateOnStretchedAndInfiniteEdges) {
  const Bins bins({{-infinity, -1, 0, 0.1, 5, infinity}, {0, 1, 10}});
  EXPECT_EQ(bins.count(), 10);
  const double x[] = {-7, -1, -0.5, 0, 0.0999, 0.1, 4.99, 5, 80, 0.5, 0.5, 0.5, 0.5, std::nan("")};
  const double y[] = {0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1, 10, 10.1, -0.1, 0.5};
  const Index expected[] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 8, 8, 10, 10, 10};
  std::vector<double> points(x, x + 14);
  points.insert(points.end(), y, y + 14);
  std::vector<Index> found(14);
  bins.locate(ConstPoints(points.data(), 14, 2), found.data());
  EXPECT_EQ(found, std::vector<Index>(expected, expected + 14));
  EXPECT_EQ(bins.centre(0), (std::vector<double>{-1.5, 0.5}));
  EXPECT_EQ(bins.centre(9), (std::vector<double>{5 + 4.9 / 2, 5.5}));
}

TEST(Bins, MergingKeepsTheEndsAndEvenSizes) {
  const auto grid = test::grid({{"lower", {0, 0}}, {"upper", {7, 5}}, {"cells", {7, 50}}});
  const Bins bins = Bins::from_grid(*grid, 16);  // 4 per axis
  EXPECT_EQ(bins.edges()[0], (std::vector<double>{0, 1, 3, 5, 7}));
  EXPECT_EQ(bins.cells(1), 4);
  EXPECT_EQ(bins.edges()[1].front(), 0);
  EXPECT_EQ(bins.edges()[1].back(), 5);
  for (int i = 0; i < 4; ++i)
    EXPECT_NEAR(bins.edges()[1][i + 1] - bins.edges()[1][i], 1.25, 0.051);  // to within half a cell of 0.1
  EXPECT_EQ(Bins::from_grid(*grid, 100000).count(), 350);
}

TEST(Bins, MassesOfADensityAreConservedAndSharedByOverlap) {
  const auto grid = test::grid({{"lower", {-4, -4}}, {"upper", {4, 4}}, {"cells", {37, 41}}});
  const auto law = test::law("gaussian", {{"mean", {0.5, -0.5}}, {"covariance", {{0.5, 0.2}, {0.2, 0.4}}}});
  densities::DensityPath path;
  path.grid = grid;
  Masses cells(grid->local_count());
  law->cell_masses(grid->local_edges(), cells);
  const double total = std::accumulate(cells.begin(), cells.end(), 0.0);
  // Merged in odd groups: the masses of the law on the same bins, exactly.
  const Bins merged = Bins::from_grid(*grid, 81);
  const Masses ours = merged.masses(path, cells, test::world()), exact = merged.masses(*law);
  ASSERT_EQ(ours.size(), exact.size());
  for (std::size_t b = 0; b < ours.size(); ++b) EXPECT_NEAR(ours[b], exact[b], 2e-10);
  EXPECT_NEAR(std::accumulate(ours.begin(), ours.end(), 0.0), 1, 1e-12);
  // Bins that do not line up with the cells, infinite outside: nothing is lost, and a bin has the share of the overlap.
  const Bins other({{-infinity, -1, -0.3, 0.77, infinity}, equal(-4, 4, 7)});
  const Masses shared = other.masses(path, cells, test::world());
  EXPECT_NEAR(std::accumulate(shared.begin(), shared.end() - 1, 0.0), total, 1e-12);
  const auto line = test::grid({{"lower", 0.0}, {"upper", 3.0}, {"cells", 3}});
  path.grid = line;
  const Masses thirds = Bins({{0.5, 1, 2.25, 2.5}}).masses(path, Masses{0.2, 0.3, 0.4}, test::world());
  const Masses by_hand{0.1, 0.3 + 0.1, 0.1, 0.4};
  for (int b = 0; b < 4; ++b) EXPECT_NEAR(thirds[b], by_hand[b], 1e-15);
}

TEST(Bins, HistogramOfWeightedParticles) {
  auto path = test::particles("a", 1, 4, [](std::int64_t, Points x) {
    for (int i = 0; i < 4; ++i) x(i, 0) = i < 2 ? 0.5 : i + 0.5;  // bins 0, 0, 2, outside
  });
  const Bins bins({equal(0, 3, 3)});
  Histogram plain = count(bins, path.snapshots[0], test::world());
  EXPECT_EQ(plain.weight, (Masses{2, 0, 1, 1}));
  EXPECT_TRUE(plain.squared_weight.empty());
  path.snapshots[0].weights = {1, 0.5, 0.25, 1};
  const Histogram weighted = count(bins, path.snapshots[0], test::world());
  EXPECT_EQ(weighted.weight, (Masses{1.5, 0, 0.25, 2.25}));  // outside holds what is absorbed, too
  EXPECT_EQ((Masses{weighted.squared_weight.begin(), weighted.squared_weight.end() - 1}), (Masses{1.25, 0, 0.0625}));
  auto other = path.snapshots[0];
  other.positions(0, 0) = 2.5;
  EXPECT_EQ(moved(bins, path.snapshots[0], other, test::world()), (Masses{1, 0, 1, 0}));
}

TEST(Transport, NetworkSimplexAgreesWithQuantilesOnTheLine) {
  const parallel::Stream stream(3, parallel::Purpose::subsample);
  const int n = 23;
  PointArray numbers(n, 3);
  stream.uniforms(0, 0, numbers);
  Masses points(n), p(n), q(n);
  for (int i = 0; i < n; ++i)
    points[i] = numbers(i, 0), p[i] = i % 5 ? numbers(i, 1) : 0, q[i] = i % 3 ? numbers(i, 2) : 0;
  std::sort(points.begin(), points.end());
  for (const int order : {1, 2}) {
    Masses cost(n * n);
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < n; ++j) cost[i * n + j] = std::pow(std::abs(points[i] - points[j]), order);
    }
    EXPECT_NEAR(couplings::exact_cost(p, q, cost), couplings::line_cost(points, p, q, order),
                1e-10);  // masses are resolved to 2^-40
  }
  // Both orders by hand: one half moves from 0 to 1, one half stays at 3.
  EXPECT_DOUBLE_EQ(couplings::line_cost(Masses{0, 1, 3}, Masses{1, 0, 1}, Masses{0, 2, 2}, 2), 0.5);
  EXPECT_DOUBLE_EQ(couplings::line_cost(Masses{0, 1, 3}, Masses{1, 0, 0}, Masses{0, 0, 1}, 1), 3);
  // A square: the corners (0,0), (1,1) to (1,0), (0,1): both at distance one.
  EXPECT_NEAR(couplings::exact_cost(Masses{1, 1}, Masses{1, 1}, Masses{1, 1, 1, 1}), 1, 1e-12);
  EXPECT_NEAR(couplings::exact_cost(Masses{1, 3}, Masses{2, 2}, Masses{0, 5, 7, 1}), (1 * 0 + 1 * 7 + 2 * 1) / 4.0,
              1e-11);
  EXPECT_THROW(couplings::exact_cost(Masses{0, 0}, Masses{1, 1}, Masses{0, 1, 1, 0}), DivergedError);
}

TEST(Statistics, DistancesOfAShiftedLaw) {
  // Shifted by exactly four bins, the binned law is the same masses four bins on: W1 = W2 = sliced W2 (on the line) =
  // the shift.
  const Bins bins({equal(-6, 6, 96)});
  const double shift = 4 * 12.0 / 96;
  const Masses p = bins.masses(*test::law("gaussian", {{"mean", {-shift / 2}}, {"deviation", {0.7}}})),
               q = bins.masses(*test::law("gaussian", {{"mean", {shift / 2}}, {"deviation", {0.7}}}));
  for (const char* kind : {"w1", "w2", "sliced_w2"}) EXPECT_NEAR(value(kind, bins, p, q), shift, 1e-9) << kind;
  const double z = shift / 2 / 0.7, middle = std::erf(z / std::sqrt(2.0));
  EXPECT_NEAR(value("ks", bins, p, q), middle, 1e-12);      // at the edge 0
  EXPECT_NEAR(value("l1", bins, p, q), 2 * middle, 1e-12);  // the densities cross at the edge 0
  // KL of normal laws: shift^2 / (2 variance), less what binning loses, of relative order width^2 / (12 variance).
  const double kl = shift * shift / (2 * 0.49), loss = 0.125 * 0.125 / (12 * 0.49);
  EXPECT_NEAR(value("kl", bins, p, q), kl, 1.5 * kl * loss);
}

TEST(Statistics, DistancesInThePlane) {
  const Bins bins({equal(-3, 3, 12), equal(-3, 3, 12)});
  const auto at = [](double x, double y) {
    return test::law("gaussian", {{"mean", {x, y}}, {"covariance", {{0.09, 0}, {0, 0.09}}}});
  };
  const Masses p = bins.masses(*at(-0.75, -0.25)), q = bins.masses(*at(0.75, 0.25));  // shifted by (3, 1) bins of 1/2
  const double shift = std::hypot(1.5, 0.5);
  for (const char* kind : {"w1", "w2"}) EXPECT_NEAR(value(kind, bins, p, q), shift, 1e-6) << kind;
  // Over random directions E (e . s)^2 = |s|^2 / 2, standard deviation of one |s|^2 / sqrt(8): four deviations for
  // 10000.
  const double sliced = value("sliced_w2", bins, p, q, 0, {{"projections", 10000}});
  EXPECT_NEAR(sliced * sliced, shift * shift / 2, 4 * shift * shift / std::sqrt(8.0 * 10000));
}

TEST(Statistics, QuadraticFormsAgainstDoubleSums) {
  const Bins bins({equal(-2, 2, 7), equal(-1, 3, 5)});
  const std::size_t n = static_cast<std::size_t>(bins.count());
  const parallel::Stream stream(5, parallel::Purpose::subsample);
  PointArray numbers(n, 2);
  stream.uniforms(0, 0, numbers);
  Masses p(n + 1, 0.0), q(n + 1, 0.0);
  double sum_p = 0, sum_q = 0;
  for (std::size_t i = 0; i < n; ++i) sum_p += numbers(i, 0), sum_q += numbers(i, 1);
  for (std::size_t i = 0; i < n; ++i) p[i] = numbers(i, 0) / sum_p, q[i] = numbers(i, 1) / sum_q;
  const auto distance = [&](std::size_t i, std::size_t j) {
    const auto a = bins.centre(i), b = bins.centre(j);
    return std::hypot(a[0] - b[0], a[1] - b[1]);
  };
  double energy = 0, mmd = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      energy += distance(i, j) * (2 * p[i] * q[j] - p[i] * p[j] - q[i] * q[j]);
      mmd += std::exp(-std::pow(distance(i, j), 2) / (2 * 0.7 * 0.7)) * (p[i] - q[i]) * (p[j] - q[j]);
    }
  }
  EXPECT_NEAR(value("energy", bins, p, q), energy, 1e-14);
  EXPECT_NEAR(value("mmd", bins, p, q, 0, {{"bandwidth", 0.7}}), mmd, 1e-14);
  // Mass that is missing counts as if it lay at the mean of the reference: all of q in one bin, half of it lost.
  Masses half(n + 1, 0.0), point(n + 1, 0.0);
  point[17] = 1;  // the middle bin of 7 x 5
  half[0] = 0.5;
  half[n] = 0.5;
  EXPECT_NEAR(value("energy", bins, point, half), 2 * 0.5 * distance(0, 17) - 2 * 0.25 * distance(0, 17), 1e-14);
}

TEST(Statistics, MomentsOfAShift) {
  const Bins bins({equal(-8, 8, 400)});
  const auto law = [](double mean, double variance) {
    return test::law("gaussian", {{"mean", {mean}}, {"covariance", Json::array({Json::array({variance})})}});
  };
  const Masses p = bins.masses(*law(0, 1));
  EXPECT_NEAR(value("moments", bins, p, bins.masses(*law(0.03, 1))), 0.03, 1e-4);
  EXPECT_NEAR(value("moments", bins, p, bins.masses(*law(0, 1.05))), 0.05, 1e-4);
  // Hotelling: independent mean (variance 1) and second moment (variance 2).
  EXPECT_NEAR(value("moments", bins, p, bins.masses(*law(0.03, 1.05)), 1e-4),
              1e4 * (0.03 * 0.03 + std::pow(0.05 + 0.0009, 2) / 2), 0.02);
}

/// Means under agreement of MATHS section 6: N = 2e4, 64 cells of a standard normal law.
TEST(Statistics, MeansUnderAgreement) {
  constexpr double n = 20000;
  constexpr int replicates = 400;
  const auto normal = test::law("gaussian", {{"dimension", 1}});
  const Bins bins({equal(-4, 4, 64)});
  const Masses p = bins.masses(*normal);
  double l1_mean = 0, l1_variance = 0, ks = std::sqrt(M_PI / 2) * std::log(2.0), w1 = 0, distance = 2 / std::sqrt(M_PI);
  for (const double mass : p) {
    l1_mean += std::sqrt(2 * mass * (1 - mass) / (M_PI * n));
    l1_variance += (1 - 2 / M_PI) * mass * (1 - mass) / n;
  }
  for (double x = -8; x < 8; x += 1e-3) {
    const double f = 0.5 * std::erfc(-x / std::sqrt(2.0));
    w1 += 1e-3 * std::sqrt(2 * f * (1 - f) / M_PI);
  }
  EXPECT_NEAR(l1_mean, 0.03508, 2e-4);  // the formulas' numbers in MATHS
  EXPECT_NEAR(std::sqrt(l1_variance), 0.00419, 5e-5);
  EXPECT_NEAR(w1, 1.288, 1e-3);
  std::map<std::string, double> sum, square;
  for (int r = 0; r < replicates; ++r) {
    const auto path = test::samples(*normal, static_cast<std::int64_t>(n), r);
    const Histogram histogram = count(bins, path.snapshots[0], test::world());
    Masses q;
    for (const double weight : histogram.weight) q.push_back(weight / n);
    for (const auto& [kind, factor] : std::map<std::string, double>{
             {"l1", 1}, {"ks", std::sqrt(n)}, {"w1", std::sqrt(n)}, {"energy", n}, {"kl", n}, {"cells", 1}}) {
      const double x = factor * value(kind.c_str(), bins, p, q, 1 / n);
      sum[kind] += x / replicates;
      square[kind] += x * x / replicates;
    }
  }
  const auto error = [&](const char* kind) { return std::sqrt((square[kind] - sum[kind] * sum[kind]) / replicates); };
  for (const auto& [kind, mean] : sum)
    std::printf("%-7s mean %.5f standard deviation %.5f\n", kind.c_str(), mean, error(kind.c_str()) * 20);
  EXPECT_NEAR(sum["l1"], l1_mean, 4 * error("l1") + 0.01 * l1_mean);  // cells of a few particles are not normal: 1 %
  EXPECT_NEAR(error("l1") * 20, std::sqrt(l1_variance), std::sqrt(l1_variance) * 4 / std::sqrt(2.0 * replicates));
  // The largest difference is taken at edges only: a Brownian bridge watched at steps of probability s stays lower by
  // 0.5826 sqrt(s) (Chernoff 1965), here with the s of the middle cells, at which it is mostly met.
  EXPECT_NEAR(sum["ks"], ks - 0.5826 * std::sqrt(*std::max_element(p.begin(), p.end())), 4 * error("ks"));
  EXPECT_NEAR(sum["w1"], w1, 4 * error("w1"));
  EXPECT_NEAR(sum["energy"], distance, 4 * error("energy") + 0.02);
  // 63 degrees of freedom unless tails are merged.
  const double merged_cells = [&] {
    double left = 0;
    int groups = 0;
    for (const double mass : p) {
      left += mass;
      if (left >= 10 / n) ++groups, left = 0;
    }
    return groups;
  }();
  EXPECT_NEAR(sum["kl"], (merged_cells - 1) / 2, 4 * error("kl") + 0.1);
  EXPECT_NEAR(sum["cells"], merged_cells - 1, 4 * error("cells"));
}

TEST(Statistics, BinomialNumbers) {
  const parallel::Stream stream(1, parallel::Purpose::subsample);
  std::int64_t id = 0;
  const auto uniform = [&] { return stream.uniform(id++, 0); };
  for (const auto& [trials, p] : std::vector<std::pair<std::int64_t, double>>{
           {1, 0.3}, {30, 0.1}, {25, 0.45}, {90, 0.8}, {3000, 0.04}, {1000000, 0.3}}) {
    constexpr int count = 100000;
    const double mean = trials * p, deviation = std::sqrt(mean * (1 - p));
    double first = 0, second = 0;
    std::vector<double> histogram(static_cast<std::size_t>(std::min<std::int64_t>(trials, 100)) + 1, 0.0);
    for (int i = 0; i < count; ++i) {
      const std::int64_t k = binomial(trials, p, uniform);
      first += (k - mean) / deviation / count;
      second += std::pow((k - mean) / deviation, 2) / count;
      if (trials <= 100) ++histogram[k];
    }
    EXPECT_NEAR(first, 0, 4 / std::sqrt(count)) << trials << ' ' << p;
    const double excess = (1 - 6 * p * (1 - p)) / (deviation * deviation);
    EXPECT_NEAR(second, 1, 4 * std::sqrt((2 + excess) / count)) << trials << ' ' << p;
    if (trials > 100) continue;
    double chi_square = 0, degrees = -1;
    for (std::int64_t k = 0; k <= trials; ++k) {
      const double expected =
          count * pdf(boost::math::binomial(static_cast<double>(trials), p), static_cast<double>(k));
      if (expected < 10) continue;
      chi_square += std::pow(histogram[k] - expected, 2) / expected;
      ++degrees;
    }
    EXPECT_LT(chi_square, degrees + 4 * std::sqrt(2 * degrees) + 4) << trials << ' ' << p;
  }
}

TEST(Judge, HolmByHand) {
  // p = 0.01, 0.04, 0.03, 0.005 of four: sorted 0.005 x 4, 0.01 x 3, 0.03 x 2, 0.04 x 1 -> 0.02, 0.03, 0.06, 0.06.
  std::vector<Result> results(5);
  const double p[] = {0.01, 0.04, 0.03, 0.005};
  for (int i = 0; i < 4; ++i) results[i].p_value = p[i];
  results[4].agree = true;  // deterministic: left alone
  judge(results, 0.05);
  const double adjusted[] = {0.03, 0.06, 0.06, 0.02};
  for (int i = 0; i < 4; ++i) {
    EXPECT_NEAR(*results[i].adjusted_p, adjusted[i], 1e-15);
    EXPECT_EQ(results[i].agree, adjusted[i] >= 0.05);
  }
  EXPECT_FALSE(results[4].adjusted_p);
  EXPECT_TRUE(results[4].agree);
}

}  // namespace
