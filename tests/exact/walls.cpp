/// Walls: exact laws on the half line and on the interval.
#include <gtest/gtest.h>

#include "support/ensembles.hpp"
#include "support/processes.hpp"
#include "support/world.hpp"

namespace {
using namespace fortet;
using namespace fortet::ensembles;
using test::ensemble;
using test::Estimate;
using test::estimate;

laws::LawPtr point(double x) { return test::law("dirac", {{"at", {x}}}); }
double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

Json interval(const Json& low, const Json& high) {
  return {{"lower", {0.0}}, {"upper", {1.0}}, {"conditions", Json::array({Json::array({low, high})})}};
}

processes::ProcessPtr drifting(double v, double horizon = 1) {
  return test::share(test::PointwiseProcess(1, horizon, [=](double, const double*, double* out) {
                       out[0] = v;
                     }).with_uniform_noise([](double) { return 1.0; }));
}

/// Mean of Brownian motion with drift v < 0 reflected at 0: P(X_t <= y) = Phi((y - x - v t)/sqrt t) - e^{2 v y} Phi((-y
/// - x - v t)/sqrt t) (Harrison 1985), by the trapezoidal rule.
double reflected_mean(double x, double v, double t) {
  double mean = 0;
  constexpr double width = 1e-4;
  for (int i = 0; i <= 80000; ++i) {
    const double y = i * width;
    const double below =
        normal_cdf((y - x - v * t) / std::sqrt(t)) - std::exp(2 * v * y) * normal_cdf((-y - x - v * t) / std::sqrt(t));
    mean += (i == 0 ? 0.5 : 1.0) * width * (1 - below);
  }
  return mean;
}

TEST(ReflectingWall, WeakOrderOneWhereProjectionHasOneHalf) {
  constexpr Index particles = 1000000;
  constexpr double x0 = 0.2, v = -1;
  const Json walls{{"lower", {0.0}}, {"upper", {100.0}}, {"conditions", "reflecting"}};
  const auto settings = ensemble(drifting(v), point(x0), particles, {{"steps", 64}, {"walls", walls}});
  const double exact = reflected_mean(x0, v, 1);
  std::vector<double> sizes, mirrored, projected;
  for (const int factor : {4, 8, 16}) {
    const PointArray x = run_coarser(settings, test::world(), factor).snapshots.back().positions;
    const Estimate found = estimate(particles, [&](Index i) { return x(i, 0); });
    EXPECT_LT(found.deviation, 0.1 * std::abs(found.mean - exact));
    sizes.push_back(factor / 64.0);
    mirrored.push_back(std::abs(found.mean - exact));
    // The same walk with projection onto the wall instead.
    const double h = factor / 64.0;
    const parallel::Stream stream(1, parallel::Purpose::increment, "projection");
    PointArray y(particles, 1), z(particles, 1);
    std::fill_n(y.view().coordinate(0), particles, x0);
    for (int step = 0; step < 64 / factor; ++step) {
      stream.normals(0, step, z);
      for (Index i = 0; i < particles; ++i) y(i, 0) = std::max(0.0, y(i, 0) + v * h + std::sqrt(h) * z(i, 0));
    }
    projected.push_back(std::abs(estimate(particles, [&](Index i) { return y(i, 0); }).mean - exact));
    EXPECT_GT(projected.back(), mirrored.back());
  }
  EXPECT_NEAR(test::observed_order(sizes, mirrored), 1, 0.2);
  EXPECT_NEAR(test::observed_order(sizes, projected), 0.5, 0.15);
}

TEST(ReflectingWall, BrownianMotionOnTheIntervalIsExactInEveryStep) {
  // E cos(k pi X_t) = e^{-D k^2 pi^2 t} cos(k pi x0), D = 1/2, whatever the step: folding is the exact image of the
  // free motion.
  constexpr Index particles = 400000;
  const auto settings = ensemble(drifting(0, 0.3), point(0.25), particles,
                                 {{"steps", 3}, {"walls", interval("reflecting", "reflecting")}});
  const PointArray x = run_ensemble(settings, test::world()).snapshots.back().positions;
  for (int k = 1; k <= 3; ++k) {
    const Estimate found = estimate(particles, [&](Index i) { return std::cos(k * M_PI * x(i, 0)); });
    EXPECT_LT(std::abs(found.mean - std::exp(-0.5 * k * k * M_PI * M_PI * 0.3) * std::cos(k * M_PI * 0.25)),
              4 * found.deviation);
  }
  for (Index i = 0; i < particles; ++i) {
    if (x(i, 0) < 0 || x(i, 0) > 1) ADD_FAILURE() << "outside: " << x(i, 0);
  }
}

TEST(ReflectingWall, TurnsTheVelocityOfAnUnderdampedProcess) {
  processes::Underdamped free{1, 0.0, 1.0,
                              [](ConstPoints q, Points force) { std::fill_n(force.coordinate(0), q.size(), 0.0); }};
  const auto process =
      test::share(test::PointwiseProcess(2, 1, [](double, const double* x, double* out) { out[0] = x[1], out[1] = 0; })
                      .with_noise(processes::NoiseShape::diagonal, 2,
                                  [](double, const double*, double* out) { out[0] = out[1] = 0; })
                      .additive()
                      .with_underdamped(free));
  const Json walls{{"lower", {0, -9}}, {"upper", {1, 9}}, {"conditions", {"reflecting", "none"}}};
  const auto path = run_ensemble(ensemble(process, test::law("dirac", {{"at", {0.5, 1.7}}}), 3,
                                          {{"stepper", "baoab"}, {"steps", 10}, {"walls", walls}}),
                                 test::world());
  EXPECT_NEAR(path.snapshots[0].positions(0, 0), 0.2, 1e-12);  // 0.5 + 1.7 = 2.2: mirrored at 1 and at 0
  EXPECT_NEAR(path.snapshots[0].positions(0, 1), 1.7, 1e-12);
}

TEST(PeriodicWall, WrapsWithoutChangingTheLaw) {
  constexpr Index particles = 400000;
  const auto settings =
      ensemble(drifting(3, 0.2), point(0.9), particles, {{"steps", 4}, {"walls", interval("periodic", "periodic")}});
  const PointArray x = run_ensemble(settings, test::world()).snapshots.back().positions;
  // E e^{2 pi i X} = e^{2 pi i (x0 + v t)} e^{-2 pi^2 t}
  const double damping = std::exp(-2 * M_PI * M_PI * 0.2);
  const Estimate c = estimate(particles, [&](Index i) { return std::cos(2 * M_PI * x(i, 0)); });
  const Estimate s = estimate(particles, [&](Index i) { return std::sin(2 * M_PI * x(i, 0)); });
  EXPECT_LT(std::abs(c.mean - damping * std::cos(2 * M_PI * 1.5)), 4 * c.deviation);
  EXPECT_LT(std::abs(s.mean - damping * std::sin(2 * M_PI * 1.5)), 4 * s.deviation);
  for (Index i = 0; i < particles; ++i) {
    if (x(i, 0) < 0 || x(i, 0) >= 1) ADD_FAILURE() << "outside: " << x(i, 0);
  }
}

/// Survival on (0, 1) with D = 1, T = 0.2, from the middle (MATHS section 3: bridge weights are off by at most 0.001).
/// Naive killing acts like walls moved outwards by 0.5826 sqrt(2 D h) each, up to o(sqrt h) (Broadie, Glasserman, Kou
/// 1997).
TEST(AbsorbingWall, SurvivalByBridgeWeights) {
  constexpr Index particles = 1000000;
  const auto survival_of_width = [](double width) {
    double sum = 0;
    for (int k = 1; k < 40; k += 2)
      sum += 4 / (k * M_PI) * std::sin(k * M_PI / 2) * std::exp(-k * k * M_PI * M_PI * 0.2 / (width * width));
    return sum;
  };
  const double exact = survival_of_width(1);
  const auto process = test::process("brownian", {{"dimension", 1}, {"sigma", std::sqrt(2.0)}, {"horizon", 0.2}});
  for (const int steps : {4, 16, 64}) {
    const auto path = run_ensemble(
        ensemble(process, point(0.5), particles, {{"steps", steps}, {"walls", interval("absorbing", "absorbing")}}),
        test::world());
    const Snapshot& snapshot = path.snapshots.back();
    const Estimate survival = estimate(particles, [&](Index i) { return snapshot.weights[i]; });
    const Estimate never_outside = estimate(particles, [&](Index i) { return snapshot.weights[i] > 0; });
    EXPECT_LT(std::abs(survival.mean - exact), 0.001 + 4 * survival.deviation) << steps;
    const double naive = survival_of_width(1 + 2 * 0.5826 * std::sqrt(2 * 0.2 / steps)) - exact;
    if (steps > 4) {
      EXPECT_NEAR(never_outside.mean - exact, naive, 0.1 * naive) << steps;
    }
    EXPECT_GT(never_outside.mean - exact, 0.05) << steps;
    // The law of the survivors: E w sin(pi X) = e^{-pi^2 T} sin(pi x0).
    const Estimate mode =
        estimate(particles, [&](Index i) { return snapshot.weights[i] * std::sin(M_PI * snapshot.positions(i, 0)); });
    EXPECT_LT(std::abs(mode.mean - std::exp(-M_PI * M_PI * 0.2)), 0.001 + 4 * mode.deviation);
  }
}

TEST(AbsorbingWall, OneSideWithDriftAndPositionDependentNoise) {
  // dX = -0.5 dt + dW from 0.3, killed at 0, T = 1: P(alive) = Phi((x + v T)/sqrt T) - e^{-2 v x} Phi((-x + v T)/sqrt
  // T); the bridge weight does not depend on the drift, so that any number of steps is exact.
  constexpr Index particles = 400000;
  constexpr double x0 = 0.3, v = -0.5;
  const double exact = normal_cdf(x0 + v) - std::exp(-2 * v * x0) * normal_cdf(-x0 + v);
  const Json walls{
      {"lower", {0.0}}, {"upper", {9.0}}, {"conditions", Json::array({Json::array({"absorbing", "none"})})}};
  const auto general = test::share(
      test::PointwiseProcess(1, 1, [](double, const double*, double* out) {
        out[0] = v;
      }).with_noise(processes::NoiseShape::diagonal, 1, [](double, const double*, double* out) { out[0] = 1; }));
  for (const processes::ProcessPtr& process : {drifting(v), general}) {
    for (const int steps : {1, 5}) {
      const auto path =
          run_ensemble(ensemble(process, point(x0), particles, {{"steps", steps}, {"walls", walls}}), test::world());
      const Estimate survival = estimate(particles, [&](Index i) { return path.snapshots[0].weights[i]; });
      EXPECT_LT(std::abs(survival.mean - exact), 4 * survival.deviation);
    }
  }
}

TEST(AbsorbingWall, ParticlesThatStartOutsideWeighNothing) {
  const auto path =
      run_ensemble(ensemble(drifting(0), point(1.5), 10, {{"steps", 3}, {"walls", interval("absorbing", "absorbing")}}),
                   test::world());
  for (Index i = 0; i < 10; ++i) {
    EXPECT_EQ(path.snapshots[0].weights[i], 0);
    EXPECT_EQ(path.snapshots[0].positions(i, 0), 1.5);
  }
}
}  // namespace
