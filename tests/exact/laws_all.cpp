// Every law: its samples, density, score, cell masses and moments describe one law.
#include <gtest/gtest.h>

#include <boost/math/distributions/chi_squared.hpp>
#include <set>

#include "fortet/laws/gaussian_mixture.hpp"

using fortet::ConstPoints;
using fortet::Index;
using fortet::Json;
using fortet::Parameters;
using fortet::PointArray;
using namespace fortet::laws;

namespace {
struct Case {
  std::string kind;
  Json parameters;
  std::vector<double> lower, upper;  ///< box of the inner cells
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.kind << " " << c.parameters.dump(); }

LawContext context() {
  LawContext result;
  result.law = [](const std::string& name) -> LawPtr {
    return make_law(name == "wide" ? Parameters::make("laws", "gaussian", {{"dimension", 1}, {"deviation", 2}})
                                   : Parameters::make("laws", "uniform", {{"lower", {-1}}, {"upper", {3}}}));
  };
  result.directory = std::string(FORTET_SOURCE_DIR) + "/inputs/data";
  return result;
}

std::vector<Case> cases() {
  std::vector<Case> all{
      {"gaussian", {{"mean", {1, -1}}, {"covariance", {{2, 0.9}, {0.9, 0.6}}}}, {-4, -4}, {5, 2}},
      {"gaussian", {{"dimension", 3}, {"deviation", {0.5, 1, 2}}}, {-1.5, -3, -6}, {1.5, 3, 6}},
      {"gaussian",
       {{"mean", {0, 0, 0}}, {"covariance", {{1, 0.5, 0.2}, {0.5, 2, 0.3}, {0.2, 0.3, 0.5}}}},
       {-3, -4, -2},
       {3, 4, 2}},
      {"gaussian_mixture",
       {{"weights", {0.3, 0.7}}, {"means", {{-2, 0}, {2, 1}}}, {"deviations", {0.4, 0.6}}},
       {-4, -2},
       {4, 3}},
      {"gaussian_mixture", {{"means", {-1, 2}}, {"deviations", {0.5, 1}}}, {-3}, {5}},
      {"gaussian_mixture",
       {{"means", {{0, 0}, {1, 1}}}, {"covariances", {{1, 0.5}, {0.5, 1}, {0.5, -0.3}, {-0.3, 0.5}}}},
       {-3, -3},
       {3, 3}},
      {"uniform", {{"lower", {0, -1}}, {"upper", {2, 3}}}, {-1, -2}, {3, 4}},
      {"product", {{"of", {"wide", "box"}}}, {-6, -2}, {6, 4}},
      {"product",
       {{"of", Json::array({{{"kind", "lognormal"}, {"mean", {0}}, {"deviation", {0.5}}},
                            {{"kind", "gaussian"}, {"mean", {1}}}})}},
       {0, -3},
       {5, 5}},
      {"gibbs", {{"potential", "5*(x^2-1)^2"}, {"lower", {-2.5}}, {"upper", {2.5}}}, {-2}, {2}},
      {"gibbs",
       {{"potential", "(x^2-1)^2 + a*x*y + y^2/2"},
        {"temperature", 0.3},
        {"parameters", {{"a", 0.5}}},
        {"lower", {-3, -3}},
        {"upper", {3, 3}}},
       {-2, -2},
       {2, 2}},
      {"empirical", {{"file", "old_faithful.csv"}, {"bandwidth", {0.2, 3}}}, {1, 35}, {6, 105}},
      {"empirical", {{"of", "wide"}, {"points", 50}, {"bandwidth", {0.5}}}, {-4}, {4}},
      {"lognormal", {{"mean", {0.2}}, {"deviation", {0.7}}}, {0}, {8}},
      {"noncentral_chi_squared", {{"scale", 0.3}, {"degrees", 2.5}, {"noncentrality", 3}}, {0}, {8}},
      {"noncentral_chi_squared", {{"degrees", 5}}, {0}, {20}},
      {"checkerboard", Json::object(), {-4.5, -4.5}, {4.5, 4.5}},
      {"swiss_roll", Json::object(), {-4, -4}, {4, 4}},
      {"circles", Json::object(), {-4, -4}, {4, 4}},
      {"pinwheel", Json::object(), {-4, -4}, {4, 4}},
      {"scurve", Json::object(), {-2, -4}, {2, 4}},
  };
  for (const char* variant : {"runner", "tutorial", "dsb"}) {
    const double size = variant == std::string("dsb") ? 14 : 6;
    all.push_back({"moons", {{"variant", variant}}, {-size, -size}, {size, size}});
    all.push_back({"eight_gaussians", {{"variant", variant}}, {-1.3 * size, -1.3 * size}, {1.3 * size, 1.3 * size}});
  }
  return all;
}

class EveryLaw : public testing::TestWithParam<Case> {
 protected:
  LawPtr law() const { return make_law(Parameters::make("laws", GetParam().kind, GetParam().parameters), context()); }
};

/// n cells between the corners and one on each side out to infinity, along each axis.
std::vector<std::vector<double>> cells_of(const Case& c, int n) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  std::vector<std::vector<double>> edges;
  for (std::size_t k = 0; k < c.lower.size(); ++k) {
    edges.push_back({-infinity});
    for (int i = 0; i <= n; ++i) edges.back().push_back(c.lower[k] + (c.upper[k] - c.lower[k]) * i / n);
    edges.back().push_back(infinity);
  }
  return edges;
}

/// Fourth-order central difference of f along coordinate k.
template <class Function>
double slope(Function f, const PointArray& x, int k, double h) {
  const double weights[4] = {1, -8, 8, -1}, shifts[4] = {-2, -1, 1, 2};
  double sum = 0;
  for (int j = 0; j < 4; ++j) {
    PointArray moved = x;
    moved(0, k) += shifts[j] * h;
    sum += weights[j] * f(moved);
  }
  return sum / (12 * h);
}
}  // namespace

TEST_P(EveryLaw, SamplesFollowTheCellMasses) {
  const LawPtr p = law();
  const int d = p->dimension(), n = d == 1 ? 60 : d == 2 ? 14 : 6;
  const auto edges = cells_of(GetParam(), n);
  std::vector<double> masses(static_cast<std::size_t>(std::pow(n + 2, d) + 0.5));
  p->cell_masses(edges, masses);
  double total = 0;
  for (double mass : masses) {
    EXPECT_GE(mass, 0);
    total += mass;
  }
  // Ruled laws integrate by a midpoint rule with an error of order 1e-8; all others are exact to 1e-10.
  EXPECT_NEAR(total, 1, p->capabilities().log_density ? 1e-10 : 1e-7);

  const Index count = 200000;
  const fortet::parallel::Stream stream(11, fortet::parallel::Purpose::law_sample, "test");
  PointArray x(count, d);
  p->sample(stream, 0, x);
  std::vector<double> found(masses.size());
  for (Index i = 0; i < count; ++i) {
    std::size_t cell = 0, stride = 1;
    for (int k = 0; k < d; ++k) {
      ASSERT_TRUE(std::isfinite(x(i, k)));
      cell += stride * (std::upper_bound(edges[k].begin(), edges[k].end(), x(i, k)) - edges[k].begin() - 1);
      stride *= edges[k].size() - 1;
    }
    found[cell] += 1;
  }
  double statistic = 0, rest_expected = 0, rest_found = 0;
  int bins = 0;
  for (std::size_t i = 0; i < masses.size(); ++i) {
    const double expected = masses[i] * count;
    if (expected < 10) {
      rest_expected += expected, rest_found += found[i];
      continue;
    }
    statistic += (found[i] - expected) * (found[i] - expected) / expected;
    ++bins;
  }
  EXPECT_LE(rest_found, rest_expected + 5 * std::sqrt(rest_expected) + 5);
  ASSERT_GT(bins, 5);
  const double tail = boost::math::cdf(boost::math::complement(boost::math::chi_squared(bins), statistic));
  EXPECT_GT(tail, 1e-4);
  if (GetParam().kind !=
      "eight_gaussians") {  // whose stratified samples may lie closer to the expectation than independent ones
    EXPECT_LT(tail, 1 - 1e-4);
  }

  // The same numbers for any partition, and the moments of the law.
  PointArray again(70, d);
  p->sample(stream, 1000, again);
  for (Index i = 0; i < 70; ++i) {
    for (int k = 0; k < d; ++k) EXPECT_EQ(again(i, k), x(1000 + i, k));
  }
  const Moments moments = p->moments();
  for (int k = 0; k < d; ++k) {
    for (int j = 0; j <= k; ++j) {
      double mean = 0, product = 0, square = 0;
      for (Index i = 0; i < count; ++i) {
        const double a = x(i, k) - moments.mean[k], b = x(i, j) - moments.mean[j];
        mean += a / count, product += a * b / count, square += a * a * b * b / count;
      }
      EXPECT_NEAR(mean, 0, 4.5 * std::sqrt(moments.covariance(k, k) / count));
      EXPECT_NEAR(product, moments.covariance(j, k), 4.5 * std::sqrt(square / count));
    }
  }
}

TEST_P(EveryLaw, ScoreIsTheGradientOfTheLogDensity) {
  const LawPtr p = law();
  const int d = p->dimension();
  PointArray x(1, d), score(1, d);
  if (!p->capabilities().score) {
    EXPECT_THROW(p->score(x, score), fortet::UsageError);
    return;
  }
  const Moments moments = p->moments();
  for (Index i = 0; i < 40; ++i) {
    p->sample(fortet::parallel::Stream(3, fortet::parallel::Purpose::law_sample), i, x);
    p->score(x, score);
    for (int k = 0; k < d; ++k) {
      const double scale = std::sqrt(moments.covariance(k, k));
      const double difference = slope(
          [&](const PointArray& y) {
            double value = 0;
            p->log_density(y, &value);
            return value;
          },
          x, k, 2e-4 * scale);
      // Rounding of log p over h: 1e-12/scale; truncation h^4 f^(5)/30, f of the scale of the finest structure, some
      // percent of `scale`.
      EXPECT_NEAR(score(0, k), difference, 1e-6 * (1 / scale + std::abs(difference)));
    }
  }
}

TEST_P(EveryLaw, CellMassesAreIntegralsOfTheDensity) {
  const LawPtr p = law();
  if (!p->capabilities().score || p->dimension() > 2)
    return;  // supports with edges have exact masses, checked by samples
  std::vector<std::vector<double>> edges;
  for (std::size_t k = 0; k < GetParam().lower.size(); ++k) {
    edges.push_back({});
    for (int i = 0; i <= 3; ++i)
      edges.back().push_back(GetParam().lower[k] + (GetParam().upper[k] - GetParam().lower[k]) * (0.31 + 0.12 * i));
  }
  std::vector<double> masses(p->dimension() == 1 ? 3 : 9), integrals(masses.size());
  p->cell_masses(edges, masses);
  p->Law::cell_masses(edges, integrals);
  for (std::size_t i = 0; i < masses.size(); ++i) EXPECT_NEAR(masses[i], integrals[i], 1e-10);
}

INSTANTIATE_TEST_SUITE_P(Laws, EveryLaw, testing::ValuesIn(cases()),
                         [](const auto& info) { return info.param.kind + std::to_string(info.index); });

namespace {
LawPtr gibbs(const std::string& potential, double lower, double upper) {
  return make_law(Parameters::make("laws", "gibbs", {{"potential", potential}, {"lower", {lower}}, {"upper", {upper}}}),
                  context());
}

double mass(const Law& law, double lower, double upper) {
  std::vector<double> masses(1);
  law.cell_masses({{lower, upper}}, masses);
  return masses[0];
}

double log_density(const Law& law, double x) {
  PointArray point(1, 1);
  point(0, 0) = x;
  double value = 0;
  law.log_density(point, &value);
  return value;
}

double normal_below(double x) { return std::erfc(-x / std::sqrt(2.0)) / 2; }
}  // namespace

// Potentials whose integral is known, on boxes far larger than where they have mass: the quadrature is right to 1e-10.
TEST(Gibbs, PeaksTailsAndOpenEndsAsInClosedForm) {
  const LawPtr narrow = gibbs("(x-0.3)^2/0.02", -100, 100), tiny = gibbs("(x-0.3)^2/2e-12", -1000, 1000);
  for (const auto& [law, deviation] : {std::pair{narrow, 0.1}, std::pair{tiny, 1e-6}}) {
    EXPECT_NEAR(log_density(*law, 0.3), -std::log(deviation * std::sqrt(2 * M_PI)), 1e-10);
    EXPECT_NEAR(mass(*law, -50, 0.3 + deviation), normal_below(1), 1e-10);
    EXPECT_NEAR(law->moments().mean[0], 0.3, 1e-9 * deviation + 1e-15);
    EXPECT_NEAR(law->moments().covariance(0, 0) / (deviation * deviation), 1, deviation < 1e-3 ? 1e-3 : 1e-9);
  }
  const double w = 1e4;  // the law of density (1 + x^2)^-2: its integral is (x/(1 + x^2) + atan x)/2
  const auto integral = [](double x) { return (x / (1 + x * x) + std::atan(x)) / 2; };
  const LawPtr tails = gibbs("2*log(1+x^2)", -w, w);
  EXPECT_NEAR(log_density(*tails, 0), -std::log(2 * integral(w)), 1e-10);
  EXPECT_NEAR(mass(*tails, -3, 7), (integral(7) - integral(-3)) / (2 * integral(w)), 1e-10);
  const LawPtr open = gibbs("tan(x)^2/2 + 2*log(cos(x))", -1.57, 1.57);  // tan X is standard normal
  EXPECT_NEAR(log_density(*open, 0), -0.5 * std::log(2 * M_PI), 1e-10);
  EXPECT_NEAR(mass(*open, -2, std::atan(0.5)), normal_below(0.5), 1e-10);
  const LawPtr smooth_end = gibbs("-2*log(x)", 0, 3);  // density x^2/9
  EXPECT_NEAR(mass(*smooth_end, 0, 1), 1.0 / 27, 1e-10);
  // A pole that can be integrated: density |x|^-1/2 / 4.
  const LawPtr pole = gibbs("log(abs(x))/2", -1, 1);
  EXPECT_NEAR(mass(*pole, -1, 0.25), 0.75, 1e-9);
}

TEST(Gibbs, SamplesOfAPeakAndOfAPoleInWideBoxes) {
  const Index count = 100000;
  const fortet::parallel::Stream stream(5, fortet::parallel::Purpose::law_sample, "test");
  PointArray x(count, 1);
  gibbs("(x-0.3)^2/2e-12", -1000, 1000)->sample(stream, 0, x);
  double mean = 0, square = 0;
  for (Index i = 0; i < count; ++i) {
    const double z = (x(i, 0) - 0.3) / 1e-6;
    mean += z / count, square += z * z / count;
  }
  EXPECT_NEAR(mean, 0, 4.5 / std::sqrt(count));
  EXPECT_NEAR(square, 1, 4.5 * std::sqrt(2.0 / count));
  gibbs("log(abs(x))/2", -1, 1)->sample(stream, 0, x);
  double within = 0;
  for (Index i = 0; i < count; ++i) within += std::abs(x(i, 0)) < 0.01;  // a tenth of the mass
  EXPECT_NEAR(within / count, 0.1, 4.5 * std::sqrt(0.09 / count));
}

TEST(GaussianMixture, AgreesWithTheFormulaForAFullCovariance) {
  const auto p = GaussianMixture::normal(Eigen::Vector2d(1, 2), (Eigen::Matrix2d() << 2, 1, 1, 3).finished());
  PointArray x(3, 2), s(3, 2);
  for (Index i = 0; i < 3; ++i) x(i, 0) = 0.5 * static_cast<double>(i), x(i, 1) = 1 - static_cast<double>(i);
  std::vector<double> log_p(3), divergence(3);
  p->log_density(x, log_p.data());
  p->score(x, s);
  p->score_divergence(x, divergence.data());
  for (Index i = 0; i < 3; ++i) {
    const double a = x(i, 0) - 1, b = x(i, 1) - 2, u = (3 * a - b) / 5, v = (2 * b - a) / 5;
    EXPECT_NEAR(log_p[i], -0.5 * (a * u + b * v) - std::log(2 * M_PI) - 0.5 * std::log(5), 1e-14);
    EXPECT_NEAR(s(i, 0), -u, 1e-14);
    EXPECT_NEAR(s(i, 1), -v, 1e-14);
    EXPECT_NEAR(divergence[i], -1, 1e-14);  // -(3 + 2)/5
  }
}

TEST(GaussianMixture, DivergenceOfTheScore) {
  for (const bool full : {false, true}) {
    Eigen::Matrix2d c1 = Eigen::Matrix2d::Identity() * 0.3, c2 = Eigen::Matrix2d::Identity() * 0.8;
    if (full) c1(0, 1) = c1(1, 0) = 0.2;
    const GaussianMixture p({0.4, 0.6}, {Eigen::Vector2d(-1, 0), Eigen::Vector2d(1, 0.5)}, {c1, c2});
    PointArray x(1, 2);
    for (double a : {-0.7, 0.1, 1.3}) {
      x(0, 0) = a, x(0, 1) = 0.3;
      double exact = 0, difference = 0;
      p.score_divergence(x, &exact);
      for (int k = 0; k < 2; ++k) {
        difference += slope(
            [&](const PointArray& y) {
              PointArray s(1, 2);
              p.score(y, s);
              return s(0, k);
            },
            x, k, 1e-3);
      }
      EXPECT_NEAR(exact, difference, 1e-9);
    }
  }
}

TEST(GaussianMixture, TheSameBitsWhereverAPointStands) {
  const LawPtr p = make_law(Parameters::make("laws", "eight_gaussians", Json::object()));
  PointArray x(300, 2), s(300, 2), part(299, 2);
  p->sample(fortet::parallel::Stream(5, fortet::parallel::Purpose::law_sample), 0, x);
  p->score(x, s);
  p->score(ConstPoints(x).slice(1, 299), part);
  for (Index i = 0; i < 299; ++i) EXPECT_EQ(part(i, 1), s(i + 1, 1));
}

TEST(GaussianMixture, PointMassesHaveNoDensity) {
  const LawPtr p = make_law(Parameters::make("laws", "dirac", {{"at", {1, 2}}}));
  EXPECT_FALSE(p->capabilities().log_density);
  PointArray x(2, 2);
  p->sample(fortet::parallel::Stream(1, fortet::parallel::Purpose::law_sample), 0, x);
  EXPECT_EQ(x(1, 0), 1);
  EXPECT_THROW(p->score(x, x), fortet::UsageError);
  std::vector<double> masses(4);
  p->cell_masses({{0, 1, 2}, {0, 1, 3}}, masses);
  EXPECT_EQ(masses, (std::vector<double>{0, 0, 0, 1}));
}

TEST(Empirical, FixedSamplesOfALaw) {
  const Index n = 4000;
  const auto points = [n](std::uint64_t seed) {
    LawContext of_seed = context();
    of_seed.seed = seed;
    const LawPtr law = make_law(Parameters::make("laws", "empirical", {{"of", "wide"}, {"points", n}}), of_seed);
    const auto mixture = law->as_mixture();
    std::vector<double> all;
    for (std::size_t k = 0; k < mixture->means().size(); ++k) all.push_back(mixture->means()[k][0]);
    return all;
  };
  const std::vector<double> x = points(1);
  ASSERT_EQ(static_cast<Index>(x.size()), n);
  EXPECT_EQ(x, points(1));
  EXPECT_NE(x, points(2));
  double mean = 0, square = 0;
  for (const double value : x) {
    mean += value / static_cast<double>(n);
    square += value * value / static_cast<double>(n);
  }
  EXPECT_NEAR(mean, 0, 5 * 2 / std::sqrt(4000.0));        // N(0, 4)
  EXPECT_NEAR(square, 4, 5 * 4 * std::sqrt(2.0 / 4000));  // the variance of x^2 is 2 * 4^2
  EXPECT_EQ(std::set(x.begin(), x.end()).size(), x.size());
}

TEST(CurveLaw, QuadratureIsConverged) {
  // A circle with normal noise has the density exp(-(r^2 + R^2)/2v) I_0(r R/v) / (2 pi v).
  const LawPtr p = make_law(Parameters::make("laws", "circles", Json::object()));
  const auto ring = [](double r, double radius) {
    const double v = 0.24 * 0.24, z = r * radius / v;
    return std::exp(-(r - radius) * (r - radius) / (2 * v)) * std::cyl_bessel_i(0.0, z) * std::exp(-z) / (2 * M_PI * v);
  };
  const double largest = ring(3, 3) / 2;
  for (double r : {0.0, 1.5, 2.2, 3.0, 3.7}) {
    PointArray x(1, 2);
    x(0, 0) = r * std::cos(1.0), x(0, 1) = r * std::sin(1.0);
    double log_p = 0;
    p->log_density(x, &log_p);
    EXPECT_NEAR(std::exp(log_p), (ring(r, 3) + ring(r, 1.5)) / 2, 1e-12 * largest);
  }
}

TEST(EightGaussians, RunnerFillsEveryModeAlike) {
  const LawPtr p = make_law(Parameters::make("laws", "eight_gaussians", {{"variant", "runner"}}));
  PointArray x(8, 2);
  p->sample(fortet::parallel::Stream(9, fortet::parallel::Purpose::initial_law), 16, x);
  for (Index i = 0; i < 8; ++i) {
    const double angle = static_cast<double>(i) * M_PI / 4;
    EXPECT_LT(std::hypot(x(i, 0) - 5 * std::cos(angle), x(i, 1) - 5 * std::sin(angle)), 5);
  }
}
