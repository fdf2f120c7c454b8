/// Interpolants, and their marginal flows against moments, the continuity equation and the Fokker-Planck equation.
#include <gtest/gtest.h>

#include "fortet/laws/gaussian_mixture.hpp"
#include "fortet/processes/interpolant.hpp"
#include "support/ensembles.hpp"
#include "support/processes.hpp"
#include "support/world.hpp"

namespace {
using namespace fortet;
using namespace fortet::processes;

InterpolantPtr interpolant(const Json& parameters) {
  return make_interpolant(Parameters::make("interpolants", parameters.at("kind"), parameters));
}

std::vector<Json> all_interpolants() {
  std::vector<Json> all{{{"kind", "linear"}},
                        {{"kind", "linear"}, {"sigma", 0.2}},
                        {{"kind", "brownian_bridge"}, {"sigma", 0.7}},
                        {{"kind", "trigonometric"}, {"sigma", 0.1}},
                        {{"kind", "gaussian"}, {"sigma", 0.1}},
                        {{"kind", "one_sided"}},
                        {{"kind", "one_sided"}, {"path", "trigonometric"}}};
  for (const char* path : {"linear", "trigonometric", "encoding_decoding"}) {
    for (const char* gamma : {"brownian", "quadratic", "sine_squared"}) {
      all.push_back({{"kind", "stochastic"}, {"path", path}, {"gamma", gamma}, {"scale", 1.3}});
    }
  }
  return all;
}

TEST(Interpolants, RatesAreDerivatives) {
  for (const Json& parameters : all_interpolants()) {
    const InterpolantPtr path = interpolant(parameters);
    // Central differences of order 4: h^4 / 30 times fifth derivatives below 2 pi^5 ~ 600 (and those of sqrt(t) at
    // 0.1, below 100 * 0.1^-4.5 = 3e6) plus rounding 1e-16 / h.
    constexpr double h = 1e-4;
    for (const double t : {0.1, 0.3, 0.45, 0.61, 0.9}) {
      const auto derivative = [&](auto&& value) {
        return (value(path->at(t - 2 * h)) - 8 * value(path->at(t - h)) + 8 * value(path->at(t + h)) -
                value(path->at(t + 2 * h))) /
               (12 * h);
      };
      const Interpolant::Coefficients c = path->at(t);
      EXPECT_NEAR(c.alpha_rate, derivative([](const auto& v) { return v.alpha; }), 1e-10) << parameters << t;
      EXPECT_NEAR(c.beta_rate, derivative([](const auto& v) { return v.beta; }), 1e-10) << parameters << t;
      EXPECT_NEAR(c.gamma_rate, derivative([](const auto& v) { return v.gamma; }), 1e-10) << parameters << t;
      EXPECT_NEAR(c.half_variance_rate, c.gamma * c.gamma_rate, 1e-14) << parameters << t;
    }
  }
}

TEST(Interpolants, EndsAreExact) {
  for (const Json& parameters : all_interpolants()) {
    const InterpolantPtr path = interpolant(parameters);
    const auto start = path->at(0), end = path->at(1);
    EXPECT_EQ(start.alpha, path->is_one_sided() ? 0 : 1) << parameters;
    EXPECT_EQ(start.beta, 0) << parameters;
    EXPECT_EQ(end.alpha, 0) << parameters;
    EXPECT_EQ(end.beta, 1) << parameters;
    const double sigma = parameters.value("sigma", 0.0);
    const std::string kind = parameters.at("kind");
    EXPECT_EQ(start.gamma, path->is_one_sided() ? 1 : kind == "brownian_bridge" ? 0 : sigma) << parameters;
    EXPECT_EQ(end.gamma, kind == "brownian_bridge" ? 0 : sigma) << parameters;
    for (const auto& c : {start, end}) EXPECT_TRUE(std::isfinite(c.half_variance_rate)) << parameters;
  }
  EXPECT_EQ(interpolant({{"kind", "brownian_bridge"}, {"sigma", 0.7}})->bridge_noise(), 0.7);
  EXPECT_EQ(interpolant({{"kind", "linear"}, {"sigma", 0.7}})->bridge_noise(), 0);
  const auto at_zero = interpolant({{"kind", "brownian_bridge"}})->at(0);
  EXPECT_EQ(at_zero.gamma_rate, std::numeric_limits<double>::infinity());
  EXPECT_EQ(at_zero.half_variance_rate, 0.5);
}

struct Ends {
  laws::LawPtr source, target, joint;
};

ProcessPtr exact(const Ends& ends, Json parameters) {
  ProcessContext context;
  context.law = [ends](const std::string& name) {
    return name == "source" ? ends.source : name == "target" ? ends.target : ends.joint;
  };
  if (ends.joint) {
    parameters["joint"] = "joint";
  } else {
    parameters["source"] = "source";
    parameters["target"] = "target";
  }
  return test::process("interpolant", parameters, context);
}

laws::LawPtr standard(int d) { return test::law("gaussian", {{"dimension", d}}); }
laws::LawPtr bumps() {
  return test::law("gaussian_mixture",
                   {{"weights", {0.3, 0.7}}, {"means", {{-2, 0}, {1, 1}}}, {"deviations", {0.4, 0.6}}});
}
laws::LawPtr tilted() {
  return test::law("gaussian_mixture", {{"weights", {0.6, 0.4}},
                                        {"means", {{1, -1}, {-0.5, 2}}},
                                        {"covariances", {{0.8, 0.3}, {0.3, 0.4}, {0.3, -0.1}, {-0.1, 0.5}}}});
}
/// Two correlated pairs of correlated coordinates.
laws::LawPtr coupled() {
  const Json c{{1.0, 0.2, 0.5, 0.1}, {0.2, 0.7, 0.0, -0.3}, {0.5, 0.0, 0.9, 0.2}, {0.1, -0.3, 0.2, 0.6},
               {1.0, 0.2, 0.5, 0.1}, {0.2, 0.7, 0.0, -0.3}, {0.5, 0.0, 0.9, 0.2}, {0.1, -0.3, 0.2, 0.6}};
  return test::law("gaussian_mixture",
                   {{"weights", {0.5, 0.5}}, {"means", {{0, 1, 2, 0}, {-1, 0, 0, -2}}}, {"covariances", c}});
}

double log_density(const laws::Law& law, double x, double y) {
  PointArray point(1, 2);
  point(0, 0) = x, point(0, 1) = y;
  double value;
  law.log_density(point, &value);
  return value;
}

/// d/dt p + div(b p) = g^2/2 Laplace p, divided by p: d/dt log p + div b + b . s = g^2/2 (Laplace log p + |s|^2).
TEST(InterpolantProcess, SatisfiesTheFokkerPlanckEquation) {
  struct Case {
    Ends ends;
    Json interpolant;
    double stochasticity = 0, noise = 0;
  };
  std::vector<Case> cases;
  for (const Json& parameters : all_interpolants()) {
    if (interpolant(parameters)->is_one_sided()) {
      cases.push_back({{standard(2), tilted(), nullptr}, parameters});
      cases.push_back({{standard(2), bumps(), nullptr}, parameters, 1, 0.5});
    } else {
      cases.push_back({{bumps(), tilted(), nullptr}, parameters});
      cases.push_back({{bumps(), bumps(), nullptr}, parameters, 0.5, 0.8});
      cases.push_back({{nullptr, nullptr, coupled()}, parameters, 1, 0.3});
    }
  }
  constexpr double h = 2e-4;
  for (const Case& c : cases) {
    const ProcessPtr process =
        exact(c.ends, {{"interpolant", c.interpolant}, {"stochasticity", c.stochasticity}, {"noise", c.noise}});
    ASSERT_TRUE(process->has_drift_divergence());
    // For a joint law the source is its first half.
    const laws::LawPtr source =
        c.ends.source
            ? c.ends.source
            : test::law("gaussian_mixture", {{"weights", {0.5, 0.5}},
                                             {"means", {{0, 1}, {-1, 0}}},
                                             {"covariances", {{1.0, 0.2}, {0.2, 0.7}, {1.0, 0.2}, {0.2, 0.7}}}});
    for (const double t : {0.25, 0.4, 0.7}) {
      const auto law = std::dynamic_pointer_cast<const laws::GaussianMixture>(process->marginal(source, t));
      ASSERT_TRUE(law) << c.interpolant;
      PointArray x(3, 2), b(3, 2), s(3, 2);
      const double points[3][2] = {{-1.2, 0.3}, {0.4, 0.8}, {1.1, -0.9}};
      for (int i = 0; i < 3; ++i) x(i, 0) = points[i][0], x(i, 1) = points[i][1];
      double divergence[3], laplacian[3];
      process->drift(t, x, b);
      process->drift_divergence(t, x, divergence);
      law->score(x, s);
      law->score_divergence(x, laplacian);
      const double g = process->noise_level(t);
      for (int i = 0; i < 3; ++i) {
        const auto at = [&](double time) { return log_density(*process->marginal(source, time), x(i, 0), x(i, 1)); };
        const double rate = (at(t - 2 * h) - 8 * at(t - h) + 8 * at(t + h) - at(t + 2 * h)) / (12 * h);
        const double transport = divergence[i] + b(i, 0) * s(i, 0) + b(i, 1) * s(i, 1);
        const double spreading = 0.5 * g * g * (laplacian[i] + s(i, 0) * s(i, 0) + s(i, 1) * s(i, 1));
        // Truncation (h / tau)^4 / 30 of the rate, tau > 0.02 the time in which a variance changes (0.4 -> 0.02 between
        // 0.5 and 0.7 of the encoding and decoding path): 3e-10. Rounding of log p, 1e-15 / h = 5e-12.
        EXPECT_NEAR(rate + transport, spreading, 5e-10 * (1 + std::abs(rate) + std::abs(transport)))
            << c.interpolant << t;
        // The divergence against differences of the drift.
        double difference = 0;
        for (int k = 0; k < 2; ++k) {
          PointArray near(4, 2), value(4, 2);
          for (int j = 0; j < 4; ++j) {
            near(j, 0) = x(i, 0), near(j, 1) = x(i, 1);
            near(j, k) += h * (j < 2 ? j - 2 : j - 1);
          }
          process->drift(t, near, value);
          difference += (value(0, k) - 8 * value(1, k) + 8 * value(2, k) - value(3, k)) / (12 * h);
        }
        EXPECT_NEAR(divergence[i], difference, 2e-8 * (1 + std::abs(difference))) << c.interpolant << t;
      }
    }
  }
}

/// Between N(m0, s0^2) and N(m1, s1^2), independent: x -> m_t + sd_t / s0 (x - m0) is the flow on the line.
TEST(InterpolantProcess, FlowBetweenNormalLawsIsAffine) {
  const Ends ends{test::law("gaussian", {{"mean", {1}}, {"deviation", 0.5}}),
                  test::law("gaussian", {{"mean", {-2}}, {"deviation", 1.5}}), nullptr};
  const ProcessPtr process = exact(ends, {{"interpolant", "linear"}});
  const auto path = ensembles::run_ensemble(
      test::ensemble(
          process, ends.source, 300,
          {{"stepper", "dormand_prince"}, {"tolerance", 1e-10}, {"log_density", true}, {"at", {0.0, 0.4, 1.0}}}),
      test::world());
  for (const ensembles::Snapshot& snapshot : path.snapshots) {
    const double t = snapshot.time, mean = (1 - t) * 1 + t * -2,
                 deviation = std::sqrt(0.25 * (1 - t) * (1 - t) + 2.25 * t * t);
    for (Index i = 0; i < 300; ++i) {
      const double z = (path.snapshots[0].positions(i, 0) - 1) / 0.5;
      EXPECT_NEAR(snapshot.positions(i, 0), mean + deviation * z, 1e-8);
      EXPECT_NEAR(snapshot.log_density[i], -0.5 * z * z - std::log(deviation) - 0.5 * std::log(2 * M_PI), 1e-8);
    }
  }
}

/// Two pairs of points and a bridge: the drift is that of the h-transform, a sum over the two ends.
TEST(InterpolantProcess, PairsOfPoints) {
  const auto joint = std::make_shared<laws::GaussianMixture>(
      std::vector<double>{1, 1}, std::vector<Eigen::VectorXd>{Eigen::Vector2d(0, 1), Eigen::Vector2d(0, -2)},
      std::vector<Eigen::MatrixXd>(2, Eigen::Matrix2d::Zero()));
  const ProcessPtr process =
      exact({nullptr, nullptr, joint},
            {{"interpolant", {{"kind", "brownian_bridge"}, {"sigma", 0.8}}}, {"stochasticity", 1}});
  EXPECT_EQ(process->noise_level(0.3), 0.8);
  PointArray x(1, 1), b(1, 1);
  for (const double t : {0.2, 0.7}) {
    x(0, 0) = 0.15;
    process->drift(t, x, b);
    double weight[2], ends[2] = {1, -2}, expected = 0;
    for (int n = 0; n < 2; ++n) {
      const double away = x(0, 0) - t * ends[n];
      weight[n] = std::exp(-away * away / (2 * 0.64 * t * (1 - t)));
      expected += weight[n] * (ends[n] - x(0, 0)) / (1 - t);
    }
    EXPECT_NEAR(b(0, 0), expected / (weight[0] + weight[1]), 1e-13);
  }
  EXPECT_THROW(process->drift(0, x, b), UsageError);  // a point has no density
}

TEST(InterpolantProcess, MarginalsStartAtTheEnds) {
  const Ends ends{bumps(), tilted(), nullptr};
  const ProcessPtr process = exact(ends, {{"interpolant", "brownian_bridge"}});
  EXPECT_EQ(process->marginal(ends.source, 0), ends.source);
  EXPECT_EQ(process->marginal(ends.source, 1), ends.target);
  EXPECT_EQ(process->marginal(ends.target, 0.5), nullptr);
  EXPECT_THROW(process->marginal(standard(3), 0.5), UsageError);
  // A constant noise smooths the ends.
  const ProcessPtr smooth = exact(ends, {{"interpolant", {{"kind", "linear"}, {"sigma", 0.5}}}});
  const auto start = smooth->marginal(ends.source, 0);
  EXPECT_NEAR(start->moments().covariance(0, 0), ends.source->moments().covariance(0, 0) + 0.25, 1e-14);
  EXPECT_TRUE(smooth->marginal(start, 0.5));
}

TEST(InterpolantProcess, Refusals) {
  const auto message = [](const Ends& ends, const Json& parameters) -> std::string {
    try {
      exact(ends, parameters);
    } catch (const ParameterError& error) {
      return error.parameter + ": " + error.what();
    }
    return "";
  };
  EXPECT_EQ(message({bumps(), bumps(), nullptr}, {{"interpolant", "one_sided"}}),
            "source: a one-sided interpolant starts from noise: expected the standard normal law");
  EXPECT_EQ(message({bumps(), standard(3), nullptr}, {{"interpolant", "linear"}}),
            "target: expected a law in 2 dimensions like the source, found 3");
  EXPECT_EQ(message({nullptr, nullptr, standard(3)}, {{"interpolant", "linear"}}),
            "joint: expected a law of (x_0, x_1) in 2d dimensions, found 3 dimensions");
  EXPECT_EQ(message({bumps(), bumps(), nullptr}, {{"interpolant", "linear"}, {"stochasticity", 1}}),
            "noise: a stochasticity needs a noise level: only brownian_bridge has one of its own");
  EXPECT_NE(message({standard(1), test::law("lognormal", {{"mean", {0}}, {"deviation", {1}}}), nullptr},
                    {{"interpolant", "linear"}})
                .find("target: the closed form needs a mixture"),
            std::string::npos);
}

/// Field of a closed form, as a model would be.
struct ClosedField : Field {
  ProcessPtr process;
  explicit ClosedField(ProcessPtr of) : process(std::move(of)) {}
  int input_dimension() const override { return process->dimension(); }
  int output_dimension() const override { return process->dimension(); }
  void evaluate(double t, ConstPoints x, Points out) const override { process->drift(t, x, out); }
  bool has_divergence() const override { return true; }
  void divergence(double t, ConstPoints x, double* out) const override { process->drift_divergence(t, x, out); }
};

TEST(Flow, IsTheInterpolantProcessWithTheSameParts) {
  const Ends ends{bumps(), tilted(), nullptr};
  const Json path{{"kind", "brownian_bridge"}, {"sigma", 0.6}};
  const ProcessPtr still = exact(ends, {{"interpolant", path}});
  const ProcessPtr moving = exact(ends, {{"interpolant", path}, {"stochasticity", 0.7}});
  ProcessContext context;
  context.law = [&](const std::string&) { return ends.source; };
  context.process = [&](const std::string&) { return still; };
  context.velocity = [&](const std::string& model) -> FieldPtr {
    EXPECT_EQ(model, "v");
    return std::make_shared<ClosedField>(still);
  };
  context.score = [&](const std::string& section, const std::string& model, const ProcessPtr& of) {
    EXPECT_EQ(section, "models");
    EXPECT_EQ(model, "s");
    EXPECT_EQ(of->dimension(), 2);
    EXPECT_EQ(of->noise_shape(), NoiseShape::none);
    return marginal_score(still, ends.source);
  };
  const ProcessPtr by_process = test::process(
      "flow",
      {{"velocity", {{"process", "still"}}}, {"score", {{"law", "source"}}}, {"noise", 0.6}, {"stochasticity", "0.7"}},
      context);
  const ProcessPtr by_model = test::process(
      "flow", {{"velocity", {{"model", "v"}}}, {"score", {{"model", "s"}}}, {"noise", "0.6"}, {"stochasticity", 0.7}},
      context);
  const ProcessPtr bare = test::process("flow", {{"velocity", {{"model", "v"}}}, {"dimension", 2}}, context);
  EXPECT_EQ(bare->noise_shape(), NoiseShape::none);
  EXPECT_EQ(bare->horizon(), 1);
  PointArray x(5, 2), expected(5, 2), found(5, 2);
  ends.source->sample(parallel::Stream(1, parallel::Purpose::law_sample), 0, x);
  double expected_divergence[5], divergence[5];
  const auto expect_same = [&](const Process& a, const Process& b) {
    for (const double t : {0.2, 0.8}) {
      EXPECT_NEAR(a.noise_level(t), b.noise_level(t), 1e-15);
      a.drift(t, x, expected), b.drift(t, x, found);
      a.drift_divergence(t, x, expected_divergence), b.drift_divergence(t, x, divergence);
      for (int i = 0; i < 5; ++i) {
        for (int k = 0; k < 2; ++k) EXPECT_NEAR(found(i, k), expected(i, k), 1e-12 * (1 + std::abs(expected(i, k))));
        EXPECT_NEAR(divergence[i], expected_divergence[i], 1e-11 * (1 + std::abs(expected_divergence[i])));
      }
    }
  };
  expect_same(*moving, *by_process);
  expect_same(*moving, *by_model);
  expect_same(*still, *bare);
  // Back again without a score, which a flow does not need.
  context.process = [&](const std::string&) { return bare; };
  const ProcessPtr back = test::process("time_reversal", {{"of", "bare"}}, context);
  back->drift(0.3, x, found), bare->drift(0.7, x, expected);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(found(i, 1), -expected(i, 1));
  context.process = [&](const std::string&) { return moving; };
  EXPECT_THROW(test::process("time_reversal", {{"of", "moving"}}, context), ParameterError);
  EXPECT_THROW(test::process("flow", {{"velocity", {{"process", "moving"}}}}, context), ParameterError);
  EXPECT_THROW(test::process("flow", {{"velocity", {{"model", "v"}}}, {"noise", 1}}, context), ParameterError);
  EXPECT_THROW(test::process("flow", {{"velocity", {{"model", "v"}}}, {"dimension", 3}}, context), ParameterError);
}
}  // namespace
