// What particles do under the processes of a bridge: the probability flow, the conditional law of the end, pinned
// processes.
#include <gtest/gtest.h>

#include "fortet/laws/gaussian_mixture.hpp"
#include "support/bridges.hpp"
#include "support/ensembles.hpp"

namespace {
using namespace fortet;

constexpr std::int64_t particles = 40000;

std::pair<double, double> moments(const ensembles::EnsemblePath& path, std::size_t snapshot) {
  double first = 0, second = 0, count = 0;
  const auto& points = path.snapshots[snapshot].positions;
  for (Index i = 0; i < points.size(); ++i) {
    first += points(i, 0);
    second += points(i, 0) * points(i, 0);
    ++count;
  }
  first /= count;
  return {first, second / count - first * first};
}

TEST(BridgeParticles, ProbabilityFlowHasTheSameLaws) {
  const test::Line line{-1, 0.8, 1.5, 1.2, 1};
  const test::Solved solved = test::solve(line, 360, {{"tolerance", 1e-9}}, 9, true);
  const auto source = test::law("gaussian", {{"mean", {line.m0}}, {"deviation", line.s0}});
  ASSERT_EQ(solved.flow->noise_shape(), processes::NoiseShape::none);
  const auto walked = ensembles::run_ensemble(
      test::ensemble(solved.flow, source, particles, {{"stepper", "dormand_prince"}, {"at", {0.5, 1.0}}}),
      test::world());
  for (std::size_t k = 0; k < 2; ++k) {
    const double t = k == 0 ? 0.5 : 1;
    const auto [mean, variance] = moments(walked, k);
    const double noise = 4 / std::sqrt(static_cast<double>(particles)), h = 18.0 / 360;
    EXPECT_NEAR(mean, line.mean(t), noise * std::sqrt(line.variance(t)) + h * h);
    EXPECT_NEAR(variance, line.variance(t), noise * std::sqrt(2.0) * line.variance(t) + h * h);
  }
}

TEST(BridgeParticles, EndGivenTheStart) {
  const test::Line line{-1, 0.8, 1.5, 1.2, 1};
  const test::Solved solved = test::solve(line, 360, {{"tolerance", 1e-9}, {"slices", 200}});
  const double start = -0.4, slope = line.covariance() / (line.s0 * line.s0);
  constexpr int steps = 400;
  const auto walked =
      ensembles::run_ensemble(test::ensemble(solved.path.process, test::law("dirac", {{"at", {start}}}), particles,
                                             {{"stepper", "euler_maruyama"}, {"steps", steps}, {"at", {1.0}}}),
                              test::world());
  const auto [mean, variance] = moments(walked, 0);
  const double expected = line.s1 * line.s1 - slope * line.covariance();
  const double noise = 4 / std::sqrt(static_cast<double>(particles)), bias = 4.0 / steps;
  EXPECT_NEAR(mean, line.m1 + slope * (start - line.m0), noise * std::sqrt(expected) + bias);
  EXPECT_NEAR(variance, expected, noise * std::sqrt(2.0) * expected + bias);
}

processes::ProcessPtr pinned(const processes::ProcessPtr& of, std::vector<double> end) {
  processes::ProcessContext context;
  context.process = [&](const std::string&) { return of; };
  return test::process("pinned", {{"of", "free"}, {"end", end}}, context);
}

TEST(Pinned, BrownianBridge) {
  constexpr double sigma = 0.7, a = -1, b = 2;
  const auto bridge = pinned(test::process("brownian", {{"dimension", 1}, {"sigma", sigma}, {"horizon", 1.0}}), {b});
  PointArray x(1, 1), drift(1, 1);
  x(0, 0) = 0.3;
  bridge->drift(0.6, x, drift);
  EXPECT_NEAR(drift(0, 0), (b - 0.3) / 0.4, 1e-12);
  // Exact steps: mean (1 - t) a + t b, variance sigma^2 t (1 - t).
  const auto walked =
      ensembles::run_ensemble(test::ensemble(bridge, test::law("dirac", {{"at", {a}}}), particles,
                                             {{"stepper", "exact"}, {"steps", 8}, {"at", {0.25, 0.5, 1.0}}}),
                              test::world());
  for (std::size_t k = 0; k < 2; ++k) {
    const double t = k == 0 ? 0.25 : 0.5, expected = sigma * sigma * t * (1 - t);
    const auto [mean, variance] = moments(walked, k);
    const double noise = 4 / std::sqrt(static_cast<double>(particles));
    EXPECT_NEAR(mean, (1 - t) * a + t * b, noise * std::sqrt(expected));
    EXPECT_NEAR(variance, expected, noise * std::sqrt(2.0) * expected);
  }
  const auto [mean, variance] = moments(walked, 2);
  EXPECT_NEAR(mean, b, 1e-12);
  EXPECT_NEAR(variance, 0, 1e-12);
}

TEST(Pinned, OrnsteinUhlenbeckInClosedForm) {
  // X_t | X_0 = a, X_T = b: mean [sinh(k (T - t)) a + sinh(k t) b] / sinh(k T), variance s^2 sinh(k t) sinh(k (T - t))
  // / (k sinh(k T)).
  constexpr double k = 1.3, s = 0.9, T = 1.5, a = 0.8, b = -0.5, t = 0.6;
  const auto bridge =
      pinned(test::process("ornstein_uhlenbeck", {{"dimension", 1}, {"rate", k}, {"sigma", s}, {"horizon", T}}), {b});
  const auto law = bridge->marginal(test::law("gaussian", {{"mean", {a}}, {"deviation", 1e-6}}), t)->as_mixture();
  EXPECT_NEAR(law->means()[0][0], (std::sinh(k * (T - t)) * a + std::sinh(k * t) * b) / std::sinh(k * T), 1e-12);
  EXPECT_NEAR(law->covariances()[0](0, 0), s * s * std::sinh(k * t) * std::sinh(k * (T - t)) / (k * std::sinh(k * T)),
              1e-11);
}

TEST(Pinned, RefusesWhatHasNoNormalTransitions) {
  EXPECT_THROW(pinned(test::process("expression", {{"drift", {"-x^3"}}, {"noise", 1.0}}), {0}), ParameterError);
  // Noise in the velocity alone reaches the position too; no noise at all does not.
  EXPECT_NO_THROW(
      pinned(test::process("linear", {{"drift", Json::array({{0, 1}, {-1, -1}})}, {"noise", Json::array({{0}, {1}})}}),
             {0, 0}));
  EXPECT_THROW(
      pinned(test::process("linear", {{"drift", Json::array({{-1, 0}, {0, -1}})}, {"noise", Json::array({{0}, {1}})}}),
             {0, 0}),
      ParameterError);
}

}  // namespace
