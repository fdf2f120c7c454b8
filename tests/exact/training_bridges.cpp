// Learned Schroedinger bridges between normal laws on the line, whose drift and coupling are known (MATHS section 5).
#include <gtest/gtest.h>

#include "support/ensembles.hpp"
#include "support/training.hpp"

namespace {
using namespace fortet;

/// N(-a, 1) -> N(a, 1) under sigma = 1: covariance of the two ends (sqrt(5) - 1)/2; p_t = N((2t - 1) a, S_t).
constexpr double a = 0.5;
const double covariance = (std::sqrt(5.0) - 1) / 2;
double variance(double t) { return (1 - t) * (1 - t) + t * t + t * (1 - t) * (2 * covariance + 1); }
double drift(double t, double x) {
  const double p = t + (1 - t) * covariance, q = (1 - t) + t * covariance;
  return 2 * a + (p - q - t) / variance(t) * (x - (2 * t - 1) * a);
}

struct Learned {
  double coupling, drift_error, score_error;
};

Learned learn(const std::string& kind, int rounds) {
  Json values{
      {"source", "source"}, {"target", "target"}, {"rounds", rounds}, {"pairs", 20000},
      {"pair_steps", 40},   {"steps", 1000},      {"batch", 512},     {"average", 0.99},
  };
  if (kind != "dsb") values["margin"] = 0.01;
  values["network"] = {{"kind", "mlp"}, {"hidden", {32, 32}}, {"activation", "silu"}};
  values["optimizer"] = {{"kind", "adam"}, {"rate", 3e-3}};
  const auto source = test::law("gaussian", {{"mean", {-a}}, {"deviation", 1.0}});
  const auto model = test::model(
      kind, values, {{"source", source}, {"target", test::law("gaussian", {{"mean", {a}}, {"deviation", 1.0}})}});
  test::train(*model);
  processes::ProcessContext context;
  context.velocity = [&](const std::string&) { return model->velocity(); };
  context.score = [&](const std::string&, const std::string&, const processes::ProcessPtr&) { return model->score(); };
  const auto process = test::process("flow",
                                     {{"dimension", 1},
                                      {"velocity", {{"model", "model"}}},
                                      {"score", {{"model", "model"}}},
                                      {"noise", 1.0},
                                      {"stochasticity", 1.0}},
                                     context);
  auto settings = test::ensemble(process, source, 40000, {{"steps", 80}});
  settings.at = {0, 1};
  const auto path = ensembles::run_ensemble(settings, test::world());
  const PointArray &x0 = path.snapshots[0].positions, &x1 = path.snapshots[1].positions;
  double m0 = 0, m1 = 0, product = 0;
  for (Index i = 0; i < x0.size(); ++i) {
    m0 += x0(i, 0) / x0.size();
    m1 += x1(i, 0) / x0.size();
    product += x0(i, 0) * x1(i, 0) / x0.size();
  }
  Learned found{product - m0 * m1, 0, 0};
  // Root mean square over p_t at nine quantiles and three times.
  int count = 0;
  for (const double t : {0.2, 0.5, 0.8}) {
    for (int k = -4; k <= 4; ++k, ++count) {
      PointArray x(1, 1), b(1, 1), s(1, 1);
      x(0, 0) = (2 * t - 1) * a + 0.4 * k * std::sqrt(variance(t));
      process->drift(t, x, b);
      model->score()->evaluate(t, x, s);
      found.drift_error += std::pow(b(0, 0) - drift(t, x(0, 0)), 2);
      found.score_error += std::pow(s(0, 0) + (x(0, 0) - (2 * t - 1) * a) / variance(t), 2);
    }
  }
  found.drift_error = std::sqrt(found.drift_error / count);
  found.score_error = std::sqrt(found.score_error / count);
  std::printf("%s, %d rounds: covariance %.4f (exact %.4f), error of the drift %.4f, of the score %.4f\n", kind.c_str(),
              rounds, found.coupling, covariance, found.drift_error, found.score_error);
  return found;
}

/// A network of this size on batches of 512 leaves a few percent; the drift's own size is about one. Sampling error of
/// the covariance: sqrt((1 + c^2) / 40000) = 0.006.
constexpr double learning = 0.08;

TEST(DiffusionBridgeMatching, NormalLaws) {
  for (const char* kind : {"dsbm_imf", "dsbm_imf_plus", "dsbm_ipf", "dsb"}) {
    const Learned found = learn(kind, 7);
    EXPECT_NEAR(found.coupling, covariance, learning) << kind;
    // The targets of dsb are single steps: their variance is 1/h = 40, not about 1, and their bias O(h).
    const double limit = kind == std::string("dsb") ? 2 * learning : learning;
    EXPECT_LT(found.drift_error, limit) << kind;
    EXPECT_LT(found.score_error, limit) << kind;
  }
}

TEST(DiffusionBridgeMatching, TheFirstCouplingIsNotTheBridge) {
  // After one round the Markov projection of independent pairs: its coupling is far from the bridge's, which the rounds
  // then reach.
  const Learned found = learn("dsbm_imf", 1);
  EXPECT_LT(found.coupling, covariance - 5 * 0.006);
  EXPECT_GT(found.drift_error, 2 * learning);
}

}  // namespace
