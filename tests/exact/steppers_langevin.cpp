/// Samplers of e^{-V} and underdamped dynamics.
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

laws::LawPtr normal(int dimension, double deviation = 1) {
  return test::law("gaussian", {{"dimension", dimension}, {"deviation", deviation}});
}

EnsemblePath run(const EnsembleSettings& settings) { return run_ensemble(settings, test::world()); }

Estimate variance(const PointArray& x, int k) {
  return estimate(x.size(), [&](Index i) { return x(i, k) * x(i, k); });
}

/// dX = -x dt + sqrt(2) dW, V = x^2/2.
processes::ProcessPtr quadratic(double horizon) {
  return test::share(test::PointwiseProcess(1, horizon, [](double, const double* x, double* out) {
                       out[0] = -x[0];
                     }).with_uniform_noise([](double) {
                         return std::sqrt(2.0);
                       }).with_potential([](double, const double* x, double* out) { out[0] = 0.5 * x[0] * x[0]; }));
}

TEST(Ula, HasItsKnownBiasForANormalTarget) {
  constexpr double h = 0.5;
  const auto path = run(ensemble(quadratic(20), normal(1), 400000, {{"stepper", "ula"}, {"steps", 40}}));
  const Estimate found = variance(path.snapshots.back().positions, 0);
  EXPECT_LT(std::abs(found.mean - 1 / (1 - h / 2)),
            4 * found.deviation);  // 2 h / (1 - (1 - h)^2); the chain forgets like 0.5^40
  EXPECT_GT(found.mean - 1, 20 * found.deviation);
}

TEST(Mala, LeavesTheTargetInvariantAndAcceptsAtItsRate) {
  constexpr double h = 0.5;
  const auto path =
      run(ensemble(quadratic(10), normal(1), 400000, {{"stepper", "mala"}, {"steps", 20}, {"at", {5, 10}}}));
  for (const Snapshot& snapshot : path.snapshots) {
    const Estimate second = variance(snapshot.positions, 0);
    const Estimate fourth =
        estimate(snapshot.positions.size(), [&](Index i) { return std::pow(snapshot.positions(i, 0), 4); });
    EXPECT_LT(std::abs(second.mean - 1), 4 * second.deviation);
    EXPECT_LT(std::abs(fourth.mean - 3), 4 * fourth.deviation);
  }
  // Acceptance in equilibrium: E min(1, e^r) over x, xi ~ N(0, 1), by the trapezoidal rule.
  double rate = 0;
  constexpr double width = 0.01;
  for (double x = -8; x <= 8; x += width) {
    for (double z = -8; z <= 8; z += width) {
      const double y = (1 - h) * x + std::sqrt(2 * h) * z, back = (x - (1 - h) * y) / std::sqrt(2 * h);
      const double ratio = 0.5 * (x * x - y * y + z * z - back * back);
      rate += std::exp(std::min(0.0, ratio) - 0.5 * (x * x + z * z)) * width * width / (2 * M_PI);
    }
  }
  // 8e6 tests; correlations in time widen the binomial deviation, at most by 20 steps.
  EXPECT_NEAR(path.work.at("acceptance_rate"), rate, 4 * std::sqrt(rate * (1 - rate) / 400000));
  EXPECT_LT(rate, 0.98);  // some proposals are refused
}

TEST(Mala, PreconditionedByAFullNoiseMatrix) {
  // V = x^T P x / 2, D = G G^T / 2, b = -D P x, with G lower triangular.
  const double g00 = 1.2, g10 = 0.7, g11 = 0.5, p00 = 1, p01 = 0.3, p11 = 2;
  const double d00 = 0.5 * g00 * g00, d01 = 0.5 * g00 * g10, d11 = 0.5 * (g10 * g10 + g11 * g11);
  const auto process = test::share(
      test::PointwiseProcess(2, 20,
                             [=](double, const double* x, double* out) {
                               const double f0 = p00 * x[0] + p01 * x[1], f1 = p01 * x[0] + p11 * x[1];
                               out[0] = -d00 * f0 - d01 * f1, out[1] = -d01 * f0 - d11 * f1;
                             })
          .with_noise(processes::NoiseShape::full, 2,
                      [=](double, const double*, double* out) { out[0] = g00, out[1] = 0, out[2] = g10, out[3] = g11; })
          .with_potential([=](double, const double* x, double* out) {
            out[0] = 0.5 * (p00 * x[0] * x[0] + 2 * p01 * x[0] * x[1] + p11 * x[1] * x[1]);
          })
          .additive());
  const auto path = run(ensemble(process, normal(2), 200000, {{"stepper", "mala"}, {"steps", 40}}));
  const PointArray& x = path.snapshots.back().positions;
  const double determinant = p00 * p11 - p01 * p01;
  const Estimate cross = estimate(x.size(), [&](Index i) { return x(i, 0) * x(i, 1); });
  EXPECT_LT(std::abs(variance(x, 0).mean - p11 / determinant), 4 * variance(x, 0).deviation);
  EXPECT_LT(std::abs(variance(x, 1).mean - p00 / determinant), 4 * variance(x, 1).deviation);
  EXPECT_LT(std::abs(cross.mean + p01 / determinant), 4 * cross.deviation);
}

// ---------------------------------------------------------------- underdamped oscillator
constexpr double frequency = 1.5, friction = 0.8, temperature = 0.6;

processes::ProcessPtr oscillator(double horizon) {
  processes::Underdamped structure{1, friction, temperature, [](ConstPoints q, Points force) {
                                     for (Index i = 0; i < q.size(); ++i)
                                       force(i, 0) = -frequency * frequency * q(i, 0);
                                   }};
  return test::share(test::PointwiseProcess(2, horizon,
                                            [](double, const double* x, double* out) {
                                              out[0] = x[1], out[1] = -frequency * frequency * x[0] - friction * x[1];
                                            })
                         .with_noise(processes::NoiseShape::diagonal, 2,
                                     [](double, const double*, double* out) {
                                       out[0] = 0, out[1] = std::sqrt(2 * friction * temperature);
                                     })
                         .additive()
                         .with_underdamped(structure));
}

TEST(Baoab, PositionsOfTheHarmonicOscillatorAreExactAtAnyStableStep) {
  constexpr double h = 0.8;  // h times frequency 1.2; stable below 2
  const auto path = run(ensemble(oscillator(48), normal(2, 0.7), 400000, {{"stepper", "baoab"}, {"steps", 60}}));
  const Estimate q = variance(path.snapshots.back().positions, 0), v = variance(path.snapshots.back().positions, 1);
  EXPECT_LT(std::abs(q.mean - temperature / (frequency * frequency)), 4 * q.deviation);
  // Velocities are off by the known factor 1 - (h frequency)^2 / 4: with such steps any error of positions would show.
  EXPECT_LT(std::abs(v.mean - temperature * (1 - h * h * frequency * frequency / 4)), 4 * v.deviation);
}

TEST(Baoab, WeakOrderTwo) {
  // E q(T) from q = 1, v = 0 obeys the same splitting without noise; exact: damped oscillation.
  const double omega = std::sqrt(frequency * frequency - friction * friction / 4), T = 2;
  const double exact =
      std::exp(-friction * T / 2) * (std::cos(omega * T) + friction / (2 * omega) * std::sin(omega * T));
  auto settings =
      ensemble(oscillator(T), test::law("dirac", {{"at", {1, 0}}}), 100000, {{"stepper", "baoab"}, {"steps", 64}});
  const PointArray fine = run(settings).snapshots.back().positions;
  const Estimate mean = estimate(fine.size(), [&](Index i) { return fine(i, 0); });
  EXPECT_LT(std::abs(mean.mean - exact), 4 * mean.deviation);
  std::vector<double> sizes, errors;
  for (const int factor : {4, 8, 16}) {
    const PointArray coarse = run_coarser(settings, test::world(), factor).snapshots.back().positions;
    const Estimate difference = estimate(fine.size(), [&](Index i) { return coarse(i, 0) - fine(i, 0); });
    EXPECT_LT(difference.deviation, 0.1 * std::abs(difference.mean));
    sizes.push_back(factor);
    errors.push_back(std::abs(difference.mean));
  }
  EXPECT_NEAR(test::observed_order(sizes, errors), 2, 0.2);
}

// ---------------------------------------------------------------- refusals
std::string refusal(const processes::ProcessPtr& process, Json parameters) {
  try {
    check_ensemble(ensemble(process, normal(process->dimension()), 10, std::move(parameters)));
  } catch (const ParameterError& error) {
    return error.parameter + ": " + error.what();
  }
  return "";
}

TEST(CheckEnsemble, RefusesWhatCannotRun) {
  const auto ou = test::process("ornstein_uhlenbeck", {{"dimension", 1}});
  const auto flow = test::share(test::PointwiseProcess(1, 1, [](double, const double*, double* out) { out[0] = 0; }));
  const auto multiplicative =
      test::share(test::PointwiseProcess(2, 1, [](double, const double*, double* out) {
                    out[0] = out[1] = 0;
                  }).with_noise(processes::NoiseShape::full, 2, [](double, const double*, double* out) {
        std::fill_n(out, 4, 1.0);
      }));
  EXPECT_EQ(refusal(ou, {{"steps", 5}}), "");
  EXPECT_NE(refusal(ou, {{"stepper", "rk4"}, {"steps", 5}}).find("stepper: stepper rk4 needs a process without noise"),
            std::string::npos);
  EXPECT_NE(refusal(flow, {{"stepper", "exact"}})
                .find("stepper: stepper exact needs a process with a closed-form transition"),
            std::string::npos);
  EXPECT_NE(refusal(flow, {{"stepper", "exponential"}, {"steps", 5}}).find("known linear part"), std::string::npos);
  EXPECT_NE(refusal(flow, {{"stepper", "mala"}, {"steps", 5}}).find("needs a process with a potential"),
            std::string::npos);
  EXPECT_NE(refusal(flow, {{"stepper", "ula"}, {"steps", 5}}).find("needs a process with a potential"),
            std::string::npos);
  EXPECT_NE(refusal(ou, {{"stepper", "baoab"}, {"steps", 5}}).find("underdamped_langevin"), std::string::npos);
  EXPECT_NE(refusal(multiplicative, {{"stepper", "milstein"}, {"steps", 5}}).find("diagonal noise"), std::string::npos);
  EXPECT_NE(refusal(multiplicative, {{"stepper", "stochastic_heun"}, {"steps", 5}}).find("stepper: "),
            std::string::npos);
  EXPECT_NE(refusal(multiplicative, {{"stepper", "sra1"}, {"steps", 5}}).find("additive noise"), std::string::npos);
  EXPECT_NE(refusal(ou, Json::object()).find("steps: stepper euler_maruyama needs the number of steps"),
            std::string::npos);
  EXPECT_NE(refusal(ou, {{"steps", 5}, {"tolerance", 1e-3}}).find("tolerance: "), std::string::npos);
  EXPECT_NE(refusal(flow, {{"stepper", "dormand_prince"}, {"steps", 5}}).find("steps: "), std::string::npos);
  EXPECT_NE(refusal(ou, {{"steps", 5}, {"log_density", true}}).find("log_density: "), std::string::npos);
  EXPECT_NE(refusal(flow, {{"stepper", "rk4"}, {"steps", 5}, {"log_density", true}}).find("divergence"),
            std::string::npos);
  EXPECT_NE(refusal(ou, {{"steps", 5}, {"at", {0.5, 2}}}).find("at: time 2.0 lies outside [0, 1.0]"),
            std::string::npos);
  EXPECT_NE(refusal(ou, {{"steps", 5}, {"at", {0.5, 0.5}}}).find("at: the times must increase"), std::string::npos);
  EXPECT_NE(refusal(ou, {{"steps", 5}, {"walls", {{"lower", {1}}, {"upper", {0}}, {"conditions", "reflecting"}}}})
                .find("walls.upper: "),
            std::string::npos);
  EXPECT_NE(
      refusal(ou,
              {{"steps", 5},
               {"walls",
                {{"lower", {0}}, {"upper", {1}}, {"conditions", Json::array({Json::array({"periodic", "none"})})}}}})
          .find("walls.conditions: "),
      std::string::npos);
  auto mismatched = ensemble(ou, normal(2), 10, {{"steps", 5}});
  EXPECT_THROW(check_ensemble(mismatched), ParameterError);
}
}  // namespace
