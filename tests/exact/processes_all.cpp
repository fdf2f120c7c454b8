// Processes against their equations: Fokker-Planck, moment equations, exact transitions, time reversal (MATHS section
// 5).
#include <gtest/gtest.h>

#include "fortet/laws/gaussian_mixture.hpp"
#include "fortet/processes/process.hpp"

using fortet::Index;
using fortet::Json;
using fortet::Parameters;
using fortet::PointArray;
using namespace fortet::processes;
namespace laws = fortet::laws;

namespace {
laws::LawPtr law(const std::string& kind, Json values) {
  return laws::make_law(Parameters::make("laws", kind, std::move(values)));
}
laws::LawPtr mixture() {
  return law("gaussian_mixture", {{"weights", {0.3, 0.7}}, {"means", {-1, 1.5}}, {"deviations", {0.5, 0.3}}});
}
laws::LawPtr dirac(double x) { return law("dirac", {{"at", {x}}}); }
ProcessPtr process(const std::string& kind, Json values, const ProcessContext& context = {}) {
  return make_process(Parameters::make("processes", kind, std::move(values)), context);
}

double drift_at(const Process& p, double t, double x) {
  PointArray point(1, 1), out(1, 1);
  point(0, 0) = x;
  p.drift(t, point, out);
  return out(0, 0);
}
double diffusion_at(const Process& p, double t, double x) {
  PointArray point(1, 1), out(1, 1);
  point(0, 0) = x;
  p.diffusion(t, point, out);
  return out(0, 0);
}
double density(const laws::Law& p, double x) {
  PointArray point(1, 1);
  point(0, 0) = x;
  double value = 0;
  p.log_density(point, &value);
  return std::exp(value);
}
template <class Function>
double first_derivative(Function f, double x, double h) {
  return (f(x - 2 * h) - 8 * f(x - h) + 8 * f(x + h) - f(x + 2 * h)) / (12 * h);
}
template <class Function>
double second_derivative(Function f, double x, double h) {
  return (-f(x - 2 * h) + 16 * f(x - h) - 30 * f(x) + 16 * f(x + h) - f(x + 2 * h)) / (12 * h * h);
}
double cumulative(const laws::Law& p, double x) {
  double mass = 0;
  p.cell_masses({{-std::numeric_limits<double>::infinity(), x}}, {&mass, 1});
  return mass;
}

/// The reversal of `forward` whose score is the closed form started from `initial`.
ProcessPtr reversal(const ProcessPtr& forward, const laws::LawPtr& initial, Json stochasticity) {
  ProcessContext context;
  context.process = [&](const std::string&) { return forward; };
  context.law = [&](const std::string&) { return initial; };
  return process("time_reversal", {{"of", "forward"}, {"score", {{"law", "data"}}}, {"stochasticity", stochasticity}},
                 context);
}
}  // namespace

TEST(Marginals, SatisfyTheFokkerPlanckEquation) {
  struct Case {
    const char* name;
    ProcessPtr process;
    laws::LawPtr initial;
    double t;
    std::vector<double> points;
  };
  const Json cosine{{"kind", "cosine"}};
  const std::vector<double> centre{-1.2, 0.1, 0.9}, positive{0.4, 1.0, 1.9};
  const std::vector<Case> all{
      {"brownian", process("brownian", {{"dimension", 1}, {"sigma", 0.7}}), mixture(), 0.4, centre},
      {"ornstein_uhlenbeck",
       process("ornstein_uhlenbeck", {{"dimension", 1}, {"rate", 1.5}, {"sigma", 0.8}, {"mean", {0.4}}}), mixture(),
       0.4, centre},
      {"vp linear", process("vp", {{"dimension", 1}, {"beta", {{"kind", "linear"}, {"from", 0.1}, {"to", 12}}}}),
       mixture(), 0.35, centre},
      {"vp cosine", process("vp", {{"dimension", 1}, {"beta", cosine}}), mixture(), 0.6, centre},
      {"vp cosine capped", process("vp", {{"dimension", 1}, {"beta", {{"kind", "cosine"}, {"to", 3}}}}), mixture(), 0.9,
       centre},
      {"sub_vp", process("sub_vp", {{"dimension", 1}, {"beta", 3}}), mixture(), 0.4, centre},
      {"ve", process("ve", {{"dimension", 1}, {"sigma_min", 0.1}, {"sigma_max", 2}}), mixture(), 0.6, centre},
      {"ve schedule",
       process("ve", {{"dimension", 1}, {"squared_noise", {{"kind", "linear"}, {"from", 1}, {"to", 3}}}}), mixture(),
       0.6, centre},
      {"linear", process("linear", {{"drift", {{-0.7}}}, {"noise", {{0.6, 0.3}}}, {"offset", {0.5}}}), mixture(), 0.4,
       centre},
      {"geometric_brownian", process("geometric_brownian", {{"mu", 0.3}, {"sigma", 0.5}}), dirac(1.1), 0.7, positive},
      {"cir", process("cir", {{"rate", 1.2}, {"mean", 1.0}, {"sigma", 0.8}}), dirac(0.8), 0.7, positive},
      {"benes", process("benes", Json::object()), dirac(0.3), 0.7, centre},
      {"ddpm", process("ddpm", {{"dimension", 1}, {"steps", 50}}), mixture(), 0.73, centre},
  };
  for (const Case& c : all) {
    constexpr double h = 2e-3;
    const auto p = c.process->marginal(c.initial, c.t);
    ASSERT_TRUE(p) << c.name;
    for (double x : c.points) {
      const double rate =
          first_derivative([&](double t) { return density(*c.process->marginal(c.initial, t), x); }, c.t, h);
      const double transport =
          first_derivative([&](double y) { return drift_at(*c.process, c.t, y) * density(*p, y); }, x, h);
      const double spreading =
          0.5 * second_derivative([&](double y) { return diffusion_at(*c.process, c.t, y) * density(*p, y); }, x, h);
      // Truncation h^4 times fifth and sixth derivatives of structures not narrower than 0.3: below 1e-11 (0.3)^-6 ~
      // 1e-8 of the terms.
      const double scale = std::abs(rate) + std::abs(transport) + std::abs(spreading) + 1e-3;
      EXPECT_NEAR(rate, spreading - transport, 2e-7 * scale) << c.name << " at " << x;
    }
    double total = cumulative(*p, std::numeric_limits<double>::infinity());
    EXPECT_NEAR(total, 1, 1e-12) << c.name;
  }
}

TEST(Linear, OscillatorFollowsTheMomentEquations) {
  const double w = 1.3, friction = 0.4, temperature = 0.8;
  const Eigen::Matrix2d a = (Eigen::Matrix2d() << 0, 1, -w * w, -friction).finished();
  const Eigen::Matrix2d noise = Eigen::Vector2d(0, 2 * friction * temperature).asDiagonal();
  const auto p = process("linear", {{"horizon", 100},
                                    {"drift", {{0, 1}, {-w * w, -friction}}},
                                    {"noise", {{0}, {std::sqrt(2 * friction * temperature)}}},
                                    {"offset", {0.1, 0.2}}});
  const auto start = law("gaussian", {{"mean", {1, -1}}, {"covariance", {{0.5, 0.1}, {0.1, 0.3}}}});
  Eigen::Vector2d mean(1, -1);
  Eigen::Matrix2d covariance = start->moments().covariance;
  const Eigen::Vector2d offset(0.1, 0.2);
  const int steps = 4000;
  const double end = 2, h = end / steps;
  const auto covariance_rate = [&](const Eigen::Matrix2d& s) -> Eigen::Matrix2d {
    return a * s + s * a.transpose() + noise;
  };
  const auto mean_rate = [&](const Eigen::Vector2d& m) -> Eigen::Vector2d { return a * m + offset; };
  for (int i = 0; i < steps; ++i) {
    const Eigen::Matrix2d s1 = covariance_rate(covariance), s2 = covariance_rate(covariance + h / 2 * s1),
                          s3 = covariance_rate(covariance + h / 2 * s2), s4 = covariance_rate(covariance + h * s3);
    const Eigen::Vector2d m1 = mean_rate(mean), m2 = mean_rate(mean + h / 2 * m1), m3 = mean_rate(mean + h / 2 * m2),
                          m4 = mean_rate(mean + h * m3);
    covariance += h / 6 * (s1 + 2 * s2 + 2 * s3 + s4);
    mean += h / 6 * (m1 + 2 * m2 + 2 * m3 + m4);
  }
  const auto moments = p->marginal(start, end)->moments();
  EXPECT_LT((moments.mean - mean).norm(), 1e-12);  // Runge-Kutta error h^4 ~ 6e-14
  EXPECT_LT((moments.covariance - covariance).norm(), 1e-12);
  const auto late = p->marginal(start, 100)->moments();
  const Eigen::Matrix2d stationary = Eigen::Vector2d(temperature / w / w, temperature).asDiagonal();
  EXPECT_LT((late.covariance - stationary).norm(), 1e-12);
}

TEST(Transitions, Compose) {
  const std::vector<ProcessPtr> all{
      process("ornstein_uhlenbeck", {{"dimension", 2}, {"mean", {1, 2}}}),
      process("sub_vp", {{"dimension", 2}, {"beta", {{"kind", "linear"}}}}),
      process("vp", {{"dimension", 2}, {"beta", {{"kind", "cosine"}}}}),
      process("ve", {{"dimension", 2}}),
      process("linear", {{"drift", {{0, 1}, {-2, -0.5}}}, {"noise", {{0}, {1}}}}),
  };
  for (const ProcessPtr& p : all) {
    // Mean and covariance of a step, read off its action on the origin, the unit points and unit normals.
    const auto step = [&](double t0, double t1) {
      PointArray x(5, 2), z(5, 2);
      x(1, 0) = x(2, 1) = z(3, 0) = z(4, 1) = 1;
      p->transition(t0, t1)->apply(z, x);
      Eigen::Vector2d shift(x(0, 0), x(0, 1));
      Eigen::Matrix2d a, r;
      for (int k = 0; k < 2; ++k)
        a(k, 0) = x(1, k) - shift[k], a(k, 1) = x(2, k) - shift[k], r(k, 0) = x(3, k) - shift[k],
             r(k, 1) = x(4, k) - shift[k];
      return std::tuple<Eigen::Vector2d, Eigen::Matrix2d, Eigen::Matrix2d>(shift, a, r * r.transpose());
    };
    const auto [c1, a1, q1] = step(0.1, 0.3);
    const auto [c2, a2, q2] = step(0.3, 0.8);
    const auto [c, a, q] = step(0.1, 0.8);
    EXPECT_LT((c - a2 * c1 - c2).norm(), 1e-13);
    EXPECT_LT((a - a2 * a1).norm(), 1e-13);
    EXPECT_LT((q - a2 * q1 * a2.transpose() - q2).norm(), 1e-12 * q.norm());
    const auto [c0, a0, q0] = step(0, 0.8);
    const auto moments = p->marginal(law("dirac", {{"at", {1, 0}}}), 0.8)->moments();
    EXPECT_LT((moments.covariance - q0).norm(), 1e-12 * q0.norm());
    EXPECT_LT((moments.mean - c0 - a0.col(0)).norm(), 1e-13);
  }
}

TEST(Transitions, SampleTheMarginalsThatAreNotNormal) {
  for (const auto& [p, x0] : {std::pair(process("benes", Json::object()), 0.4),
                              std::pair(process("geometric_brownian", {{"mu", 0.2}, {"sigma", 0.4}}), 1.3)}) {
    const Index n = 200000;
    const auto step = p->transition(0.1, 0.6);
    PointArray x(n, 1), z(n, step->draws());
    std::fill_n(x.view().coordinate(0), n, x0);
    fortet::parallel::Stream(2, fortet::parallel::Purpose::increment).normals(0, 0, z);
    step->apply(z, x);
    std::vector<double> sorted(x.view().coordinate(0), x.view().coordinate(0) + n);
    std::sort(sorted.begin(), sorted.end());
    const auto expected = p->marginal(dirac(x0), 0.5);
    double distance = 0;
    for (Index i = 0; i < n; i += 100)
      distance = std::max(distance, std::abs(cumulative(*expected, sorted[i]) - (i + 0.5) / static_cast<double>(n)));
    EXPECT_LT(distance * std::sqrt(static_cast<double>(n)), 2.23);  // Kolmogorov's law at level 1e-4
  }
}

TEST(Ddpm, MarginalsAtTheGridTimesAreThoseOfTheChain) {
  const int steps = 1000;
  const auto p = process("ddpm", {{"dimension", 1}, {"steps", steps}});
  double survival = 1;
  for (int k = 1; k <= steps; ++k) {
    const double beta = 1e-4 + (0.02 - 1e-4) * (k - 1) / (steps - 1);
    survival *= 1 - beta;
    if (k % 100 != 0) continue;
    const auto moments = p->marginal(dirac(2), static_cast<double>(k) / steps)->moments();
    EXPECT_NEAR(moments.mean[0], 2 * std::sqrt(survival), 1e-13);
    EXPECT_NEAR(moments.covariance(0, 0), 1 - survival, 1e-13);
    PointArray x(1, 1), z(1, 1);
    x(0, 0) = 1;
    p->transition((k - 1.0) / steps, static_cast<double>(k) / steps)->apply(z, x);
    EXPECT_NEAR(x(0, 0), std::sqrt(1 - beta), 1e-14);
  }
}

TEST(TimeReversal, DriftOfANormalLaw) {
  const double beta = 1.3, mean = 0.7, variance = 0.4;
  const auto forward = process("vp", {{"dimension", 1}, {"beta", beta}});
  const auto initial = law("gaussian", {{"mean", {mean}}, {"deviation", std::sqrt(variance)}});
  for (double c : {0.0, 1.0, 2.5}) {
    const auto p = reversal(forward, initial, c == 2.5 ? Json("2 + t*2") : Json(c));
    for (double s : {0.0, 0.25, 0.9}) {
      const double level = c == 2.5 ? 2 + 2 * s : c, t = 1 - s, alpha = std::exp(-beta * t / 2),
                   v = alpha * alpha * variance + 1 - alpha * alpha;
      for (double x : {-1.0, 0.3, 2.0}) {
        const double score = -(x - alpha * mean) / v;
        EXPECT_NEAR(drift_at(*p, s, x), beta / 2 * x + (level + 1) / 2 * beta * score, 1e-13);
        PointArray point(1, 1);
        point(0, 0) = x;
        double divergence = 0;
        p->drift_divergence(s, point, &divergence);
        EXPECT_NEAR(divergence, beta / 2 - (level + 1) / 2 * beta / v, 1e-13);
      }
      EXPECT_NEAR(p->noise_level(s), std::sqrt(level * beta), 1e-14);
    }
    EXPECT_EQ(p->noise_shape(), c == 0 ? NoiseShape::none : NoiseShape::uniform);
  }
}

TEST(TimeReversal, StateDependentNoiseBringsItsDivergence) {
  // dX = mu X dt + sigma X dW: reversed drift -mu x + 2 sigma^2 x + sigma^2 x^2 score, score of a lognormal law.
  const double mu = 0.3, sigma = 0.5;
  const auto forward = process("geometric_brownian", {{"mu", mu}, {"sigma", sigma}});
  const auto initial = law("lognormal", {{"mean", {0.1}}, {"deviation", {0.3}}});
  const auto p = reversal(forward, initial, 1);
  const double s = 0.4, t = 0.6, m = 0.1 + (mu - sigma * sigma / 2) * t, v = 0.09 + sigma * sigma * t;
  for (double x : {0.5, 1.0, 2.0}) {
    const double score = -(1 + (std::log(x) - m) / v) / x;
    EXPECT_NEAR(drift_at(*p, s, x), -mu * x + 2 * sigma * sigma * x + sigma * sigma * x * x * score, 1e-13);
  }
}

TEST(TimeReversal, ProbabilityFlowKeepsQuantiles) {
  for (const ProcessPtr& forward :
       {process("vp", {{"dimension", 1}, {"beta", 2}}), process("sub_vp", {{"dimension", 1}, {"beta", 2}}),
        process("ve", {{"dimension", 1}, {"sigma_min", 0.2}, {"sigma_max", 2}})}) {
    const auto p = reversal(forward, mixture(), 0);
    const auto last = forward->marginal(mixture(), 1);
    for (double start : {-2.0, -0.3, 0.4, 1.7}) {
      double x = start;
      const int steps = 2000;
      const double h = 1.0 / steps;
      for (int i = 0; i < steps; ++i) {
        const double s = i * h;
        const double k1 = drift_at(*p, s, x), k2 = drift_at(*p, s + h / 2, x + h / 2 * k1),
                     k3 = drift_at(*p, s + h / 2, x + h / 2 * k2), k4 = drift_at(*p, s + h, x + h * k3);
        x += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
      }
      EXPECT_NEAR(cumulative(*mixture(), x), cumulative(*last, start), 1e-9);  // Runge-Kutta error (5 h)^4
    }
  }
}

TEST(Potentials, BalanceTheDrift) {
  const std::vector<ProcessPtr> all{
      process("ornstein_uhlenbeck", {{"dimension", 1}, {"rate", 0.7}, {"sigma", 1.3}, {"mean", {0.4}}}),
      process("vp", {{"dimension", 1}, {"beta", 2}}),
      process("langevin", {{"dimension", 1}, {"potential", "2*(x^2-1)^2"}, {"temperature", 0.6}}),
      process("benes", Json::object()),
      process("langevin", {{"dimension", 1}, {"potential", "x^4"}, {"preconditioner", {{2.5}}}}),
      process("linear", {{"drift", {{-2}}}, {"noise", {{1, 0.5}}}, {"offset", {0.3}}})};
  for (const ProcessPtr& p : all) {
    ASSERT_TRUE(p->has_potential());
    for (double x : {-0.8, 0.2, 1.1}) {
      const double slope = first_derivative(
          [&](double y) {
            PointArray point(1, 1);
            point(0, 0) = y;
            double value = 0;
            p->potential(point, &value);
            return value;
          },
          x, 1e-3);
      EXPECT_NEAR(drift_at(*p, 0, x), -diffusion_at(*p, 0, x) / 2 * slope, 1e-9);
    }
  }
}

TEST(ExpressionProcess, DivergencesAreExact) {
  const auto p = process("expression",
                         {{"drift", {"a*y - x^3", "sin(x)*y"}},
                          {"noise", Json::array({Json::array({"1 + x^2", "y"}), Json::array({"x*y", "2 + cos(y)"})})},
                          {"parameters", {{"a", 1.5}}}});
  EXPECT_EQ(p->noise_shape(), NoiseShape::full);
  PointArray x(1, 2), out(1, 2), a(1, 3);
  x(0, 0) = 0.4, x(0, 1) = -0.6;
  double divergence = 0;
  p->drift_divergence(0, x, &divergence);
  EXPECT_NEAR(divergence, -3 * 0.16 + std::sin(0.4), 1e-14);
  p->diffusion_divergence(0, x, out);
  const int columns[2][2] = {{0, 1}, {1, 2}};
  for (int i = 0; i < 2; ++i) {
    double sum = 0;
    for (int j = 0; j < 2; ++j) {
      sum += first_derivative(
          [&](double y) {
            PointArray moved = x;
            moved(0, j) = y;
            p->diffusion(0, moved, a);
            return a(0, columns[i][j]);
          },
          x(0, j), 1e-3);
    }
    EXPECT_NEAR(out(0, i), sum, 1e-10);
  }
  const auto shape = [](Json noise) {
    return process("expression", {{"drift", {"x", "y"}}, {"noise", std::move(noise)}})->noise_shape();
  };
  EXPECT_EQ(shape("0"), NoiseShape::none);
  EXPECT_EQ(shape("1 + t"), NoiseShape::uniform);
  EXPECT_EQ(shape("x"), NoiseShape::scalar);
  EXPECT_EQ(shape({"x", "1"}), NoiseShape::diagonal);
}

TEST(UnderdampedLangevin, DriftAndStructure) {
  const auto p = process("underdamped_langevin",
                         {{"dimension", 4}, {"potential", "x^2/2 + x*y^2"}, {"friction", 0.5}, {"temperature", 2}});
  PointArray x(1, 4), b(1, 4), force(1, 2);
  x(0, 0) = 1, x(0, 1) = 2, x(0, 2) = 3, x(0, 3) = -1;
  p->drift(0, x, b);
  EXPECT_DOUBLE_EQ(b(0, 0), 3);
  EXPECT_DOUBLE_EQ(b(0, 1), -1);
  EXPECT_DOUBLE_EQ(b(0, 2), -(1 + 4) - 1.5);
  EXPECT_DOUBLE_EQ(b(0, 3), -4 + 0.5);
  p->underdamped()->force(fortet::ConstPoints(x).columns(0, 2), force);
  EXPECT_DOUBLE_EQ(force(0, 0), -5);
  p->noise(0, x, b);
  EXPECT_DOUBLE_EQ(b(0, 0), 0);
  EXPECT_DOUBLE_EQ(b(0, 3), std::sqrt(2.0));
}

TEST(AnnealedLangevin, FollowsTheLevel) {
  const auto forward = process("brownian", {{"dimension", 1}});
  ProcessContext context;
  context.process = [&](const std::string&) { return forward; };
  context.law = [](const std::string&) { return dirac(0.5); };
  const auto p =
      process("annealed_langevin",
              {{"of", "f"}, {"score", {{"law", "d"}}}, {"level", "1 - t/2"}, {"rate", "2*(1 - t/2)"}}, context);
  EXPECT_NEAR(drift_at(*p, 0.4, 2), -(2 - 0.5), 1e-14);  // rate/2 times -(x - 0.5)/level
  EXPECT_NEAR(p->noise_level(0.4), std::sqrt(1.6), 1e-15);
}

TEST(Faults, AreExplained) {
  const auto message = [](auto make) -> std::string {
    try {
      make();
    } catch (const fortet::UsageError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_NE(message([] {
              process("langevin", {{"dimension", 1}, {"potential", "x^2 + z"}});
            }).find("unknown name 'z'"),
            std::string::npos);
  EXPECT_NE(message([] {
              law("gaussian", {{"dimension", 2}, {"covariance", {{1, 1}, {1, 1}}}});
            }).find("singular"),
            std::string::npos);
  EXPECT_NE(message([] {
              law("gaussian_mixture", {{"weights", {-1, 2}}, {"means", {0, 1}}, {"deviations", {1, 1}}});
            }).find("not a nonnegative number"),
            std::string::npos);
  EXPECT_NE(message([] {
              reversal(process("langevin", {{"dimension", 1}, {"potential", "x^4"}}), mixture(), 1);
            }).find("no closed-form marginal"),
            std::string::npos);
  EXPECT_NE(message([] {
              closed_form_marginal(*process("brownian", {{"dimension", 1}}), mixture(), 3);
            }).find("the horizon of the process"),
            std::string::npos);
  const auto point_score = marginal_score(process("brownian", {{"dimension", 1}}), dirac(0));
  PointArray x(1, 1);
  EXPECT_NE(message([&] { point_score->evaluate(0, x, x); }).find("end the reversal earlier with `stop`"),
            std::string::npos);
}

namespace {
/// s(x) = slope x, so that every term of a reversal is known by hand.
class LinearScore : public Field {
 public:
  LinearScore(int dimension, double slope) : dimension_(dimension), slope_(slope) {}
  int input_dimension() const override { return dimension_; }
  int output_dimension() const override { return dimension_; }
  void evaluate(double, fortet::ConstPoints x, fortet::Points out) const override {
    for (int k = 0; k < dimension_; ++k) {
      for (Index i = 0; i < x.size(); ++i) out(i, k) = slope_ * x(i, k);
    }
  }
  bool has_divergence() const override { return true; }
  void divergence(double, fortet::ConstPoints x, double* out) const override {
    std::fill_n(out, x.size(), slope_ * dimension_);
  }

 private:
  int dimension_;
  double slope_;
};
}  // namespace

// Reversals of reversals, four deep, each with a score and a stochasticity of its own: drift, divergence and noise
// against the formula applied level by level. An evaluation that shared memory with the one inside it would show.
TEST(TimeReversal, OfReversals) {
  for (const bool is_multiplicative : {false, true}) {
    const double mu = -0.3, sigma = 0.5;
    const ProcessPtr forward = is_multiplicative
                                   ? process("geometric_brownian", {{"dimension", 2}, {"mu", mu}, {"sigma", sigma}})
                                   : process("ornstein_uhlenbeck", {{"dimension", 2}});
    ProcessPtr p = forward;
    // b = drift x, a = level x^2 or level, div a = 2 level x or 0; at depth n+1 from those at depth n.
    double drift = is_multiplicative ? mu : drift_at(*process("ornstein_uhlenbeck", {{"dimension", 1}}), 0, 1.0);
    double level = is_multiplicative ? sigma * sigma : std::pow(forward->noise_level(0), 2);
    double third = 0;  // coefficient of x^3 in the drift of multiplicative noise
    for (const auto& [c, slope] :
         {std::pair{1.0, -0.7}, std::pair{0.5, -1.3}, std::pair{2.0, 0.4}, std::pair{0.0, 0.9}}) {
      ProcessContext context;
      context.process = [&](const std::string&) { return p; };
      context.score = [&, slope = slope](const std::string&, const std::string&, const ProcessPtr&) -> FieldPtr {
        return std::make_shared<LinearScore>(2, slope);
      };
      p = process("time_reversal", {{"of", "p"}, {"score", {{"density", "d"}}}, {"stochasticity", c}}, context);
      const double weight = (c + 1) / 2;
      drift = -drift + weight * (is_multiplicative ? 2 * level : level * slope);
      third = -third + (is_multiplicative ? weight * level * slope : 0);
      level *= c;
      PointArray x(3, 2), out(3, 2), a(3, 3);
      for (int i = 0; i < 3; ++i) x(i, 0) = 0.4 + i, x(i, 1) = 1.7 - i;
      p->drift(0.25, x, out);
      p->diffusion(0.25, x, a);
      for (int i = 0; i < 3; ++i) {
        for (int k = 0; k < 2; ++k) {
          EXPECT_NEAR(out(i, k), drift * x(i, k) + third * std::pow(x(i, k), 3), 1e-12) << c;
          EXPECT_NEAR(a(i, 2 * k), level * (is_multiplicative ? x(i, k) * x(i, k) : 1), 1e-12) << c;
        }
      }
      if (is_multiplicative) continue;
      double divergence[3];
      ASSERT_TRUE(p->has_drift_divergence());
      p->drift_divergence(0.25, x, divergence);
      for (double value : divergence) EXPECT_NEAR(value, 2 * drift, 1e-12) << c;
    }
  }
}
