/// Orders of the steppers of flows, log densities carried along, and the adaptive pair.
#include <gtest/gtest.h>

#include "support/ensembles.hpp"
#include "support/processes.hpp"
#include "support/world.hpp"

namespace {
using namespace fortet;
using namespace fortet::ensembles;
using test::ensemble;

/// x' = -x^3: x_t = x0 / sqrt(1 + 2 t x0^2), Jacobian (1 + 2 t x0^2)^{-3/2}.
processes::ProcessPtr cubic() {
  return test::share(test::PointwiseProcess(1, 1.0, [](double, const double* x, double* out) {
                       out[0] = -x[0] * x[0] * x[0];
                     }).with_divergence([](double, const double* x, double* out) { out[0] = -3 * x[0] * x[0]; }));
}

/// Rotation with growing speed 1 + t: angle t + t^2/2.
processes::ProcessPtr rotation() {
  return test::share(test::PointwiseProcess(2, 2.0, [](double t, const double* x, double* out) {
                       out[0] = -(1 + t) * x[1], out[1] = (1 + t) * x[0];
                     }).with_divergence([](double, const double*, double* out) { out[0] = 0; }));
}

laws::LawPtr normal(int dimension) { return test::law("gaussian", {{"dimension", dimension}}); }

struct Errors {
  double position = 0, log_density = 0;
};

/// Root mean square errors over the particles at the horizon; the start of each particle is output 0.
Errors cubic_errors(Json parameters) {
  parameters["at"] = {0.0, 1.0};
  parameters["log_density"] = true;
  const auto path = run_ensemble(
      ensemble(cubic(), test::law("gaussian", {{"dimension", 1}, {"deviation", 0.5}}), 200, parameters), test::world());
  Errors errors;
  for (Index i = 0; i < 200; ++i) {
    const double x0 = path.snapshots[0].positions(i, 0), grown = 1 + 2 * x0 * x0;
    errors.position += std::pow(path.snapshots[1].positions(i, 0) - x0 / std::sqrt(grown), 2) / 200;
    errors.log_density +=
        std::pow(path.snapshots[1].log_density[i] - path.snapshots[0].log_density[i] - 1.5 * std::log(grown), 2) / 200;
  }
  return {std::sqrt(errors.position), std::sqrt(errors.log_density)};
}

double rotation_error(Json parameters) {
  parameters["at"] = {0.0, 2.0};
  const auto path = run_ensemble(ensemble(rotation(), normal(2), 200, parameters), test::world());
  const double c = std::cos(4.0), s = std::sin(4.0);
  double worst = 0;
  for (Index i = 0; i < 200; ++i) {
    const PointArray &x = path.snapshots[0].positions, &y = path.snapshots[1].positions;
    worst =
        std::max({worst, std::abs(y(i, 0) - c * x(i, 0) + s * x(i, 1)), std::abs(y(i, 1) - s * x(i, 0) - c * x(i, 1))});
  }
  return worst;
}

TEST(FlowOrder, EveryFixedStepScheme) {
  for (const auto& [stepper, order] :
       std::vector<std::pair<std::string, double>>{{"euler", 1}, {"midpoint", 2}, {"heun", 2}, {"rk4", 4}}) {
    std::vector<double> sizes, cubic_position, cubic_density, rotated;
    for (const int steps : {64, 128, 256, 512}) {
      const Json parameters{{"stepper", stepper}, {"steps", steps}};
      const Errors errors = cubic_errors(parameters);
      sizes.push_back(1.0 / steps);
      cubic_position.push_back(errors.position);
      cubic_density.push_back(errors.log_density);
      rotated.push_back(rotation_error(parameters));
    }
    EXPECT_NEAR(test::observed_order(sizes, cubic_position), order, 0.15) << stepper;
    EXPECT_NEAR(test::observed_order(sizes, cubic_density), order, 0.15) << stepper;
    EXPECT_NEAR(test::observed_order(sizes, rotated), order, 0.1) << stepper;
  }
}

TEST(FlowLogDensity, HutchinsonsEstimateIsUnbiased) {
  // x' = A x: the estimate of a particle with the signs v is log p_0 - t v.Av, with mean tr A and deviation |a12 +
  // a21|.
  const Json parameters{
      {"stepper", "rk4"}, {"steps", 5}, {"at", {0.0, 1.0}}, {"log_density", true}, {"divergence", "hutchinson"}};
  constexpr Index particles = 4000;
  const auto change = [&](const Json& matrix, int dimension, Index count) {
    const auto process = test::process("linear", {{"drift", matrix}, {"noise", Json(dimension, Json{0.0})}});
    const auto path =
        run_ensemble(ensemble(process, normal(dimension), count, parameters), parallel::Communicator(MPI_COMM_SELF));
    std::vector<double> all(count);
    for (Index i = 0; i < count; ++i) all[i] = path.snapshots[1].log_density[i] - path.snapshots[0].log_density[i];
    return all;
  };
  double sum = 0;
  for (const double one : change({{0.3, 1.0}, {0.4, 0.5}}, 2, particles)) {
    EXPECT_NEAR(std::abs(one + 0.8), 1.4, 1e-13);
    sum += one;
  }
  EXPECT_NEAR(sum / particles, -0.8, 4 * 1.4 / std::sqrt(particles));
  for (const double one : change({{0.3}}, 1, 100)) EXPECT_NEAR(one, -0.3, 1e-14);  // on the line it is exact
}

TEST(FlowLogDensity, LinearFlowIsExactToRounding) {
  // x' = A x: log p_t = log p_0 - t tr A, a constant divergence, which every scheme integrates exactly.
  const auto process = test::share(test::PointwiseProcess(2, 1.0, [](double, const double* x, double* out) {
                                     out[0] = 0.3 * x[0] + x[1], out[1] = -x[0] + 0.5 * x[1];
                                   }).with_divergence([](double, const double*, double* out) { out[0] = 0.8; }));
  for (const Json& parameters : {Json{{"stepper", "euler"}, {"steps", 10}}, Json{{"stepper", "rk4"}, {"steps", 10}},
                                 Json{{"stepper", "dormand_prince"}}}) {
    Json all = parameters;
    all["log_density"] = true;
    all["at"] = {0.0, 0.7, 1.0};
    const auto path = run_ensemble(ensemble(process, normal(2), 100, all), test::world());
    for (Index i = 0; i < 100; ++i) {
      EXPECT_NEAR(path.snapshots[1].log_density[i], path.snapshots[0].log_density[i] - 0.56, 1e-13);
      EXPECT_NEAR(path.snapshots[2].log_density[i], path.snapshots[0].log_density[i] - 0.8, 1e-13);
    }
  }
}

TEST(DormandPrince, ErrorIsProportionalToTheTolerance) {
  std::vector<double> tolerances, cubic_position, rotated;
  for (const double tolerance : {1e-4, 1e-6, 1e-8, 1e-10}) {
    const Json parameters{{"stepper", "dormand_prince"}, {"tolerance", tolerance}};
    tolerances.push_back(tolerance);
    cubic_position.push_back(cubic_errors(parameters).position);
    rotated.push_back(rotation_error(parameters));
    // Local errors below the tolerance add up over the steps of a flow that does not expand: 10 to 1000 of them here.
    EXPECT_LT(cubic_position.back(), 30 * tolerance);
    EXPECT_LT(rotated.back(), 300 * tolerance);
    EXPECT_GT(rotated.back(), 1e-3 * tolerance);  // not far too careful
  }
  // Error per step control: global error ~ tolerance^{4/5 .. 1} for order 5 solutions.
  EXPECT_NEAR(test::observed_order(tolerances, cubic_position), 0.9, 0.2);
  EXPECT_NEAR(test::observed_order(tolerances, rotated), 0.9, 0.2);
}

TEST(DormandPrince, DenseOutputIsAsGoodAsTheSteps) {
  Json at = Json::array({0.0});
  for (int j = 1; j <= 40; ++j) at.push_back(0.05 * j);
  for (const double tolerance : {1e-5, 1e-8}) {
    const auto path = run_ensemble(
        ensemble(rotation(), normal(2), 100, {{"stepper", "dormand_prince"}, {"tolerance", tolerance}, {"at", at}}),
        test::world());
    const auto only_end = run_ensemble(
        ensemble(rotation(), normal(2), 100, {{"stepper", "dormand_prince"}, {"tolerance", tolerance}}), test::world());
    double worst = 0;
    for (const Snapshot& snapshot : path.snapshots) {
      const double angle = snapshot.time + 0.5 * snapshot.time * snapshot.time, c = std::cos(angle),
                   s = std::sin(angle);
      for (Index i = 0; i < 100; ++i) {
        const PointArray& x = path.snapshots[0].positions;
        worst = std::max(worst, std::abs(snapshot.positions(i, 0) - c * x(i, 0) + s * x(i, 1)));
      }
    }
    EXPECT_LT(worst, 1000 * tolerance);
    // Output times do not change the steps.
    EXPECT_EQ(path.work.at("drift_evaluations"), only_end.work.at("drift_evaluations"));
    for (Index i = 0; i < 100; ++i)
      EXPECT_EQ(path.snapshots.back().positions(i, 0), only_end.snapshots.back().positions(i, 0));
  }
}

TEST(DormandPrince, CoarserRunsMakeLongerSteps) {
  const auto settings = ensemble(rotation(), normal(2), 100, {{"stepper", "dormand_prince"}, {"tolerance", 1e-9}});
  const double fine = run_ensemble(settings, test::world()).work.at("drift_evaluations");
  const double coarse = run_coarser(settings, test::world(), 2).work.at("drift_evaluations");
  EXPECT_NEAR(fine / coarse, 2, 0.3);
}

TEST(DormandPrince, ASingularFlowIsReported) {
  const auto process =
      test::share(test::PointwiseProcess(1, 4.0, [](double, const double* x, double* out) { out[0] = x[0] * x[0]; }));
  const auto settings = ensemble(process, test::law("dirac", {{"at", {0.5}}}), 10, {{"stepper", "dormand_prince"}});
  EXPECT_THROW(run_ensemble(settings, test::world()), Error);
}

TEST(StepSchedules, TimesAreWhatTheirFormulaSays) {
  const auto times = [](const Json& schedule) {
    const auto path = run_ensemble(
        ensemble(cubic(), normal(1), 1,
                 {{"stepper", "euler"}, {"steps", 4}, {"schedule", schedule}, {"trajectories", {{"particles", 1}}}}),
        test::world());
    return path.trajectories.times;
  };
  const auto expect_times = [&](const Json& schedule, const std::vector<double>& expected) {
    const auto found = times(schedule);
    EXPECT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-12) << schedule << i;
  };
  expect_times("uniform", {0, 0.25, 0.5, 0.75, 1});
  expect_times("quadratic", {0, 7.0 / 16, 12.0 / 16, 15.0 / 16, 1});
  expect_times({{"kind", "quadratic"}, {"fine", "start"}}, {0, 1.0 / 16, 4.0 / 16, 9.0 / 16, 1});
  expect_times({{"kind", "log_snr"}, {"smallest", 1e-3}}, {0, 0.9, 0.99, 0.999, 1});
  expect_times({{"kind", "expression"}, {"map", "u^3"}}, {0, 1.0 / 64, 8.0 / 64, 27.0 / 64, 1});
  const double a = std::pow(1e-3, 1.0 / 7);
  expect_times({{"kind", "karras"}, {"smallest", 1e-3}},
               {0, 1 - std::pow((2 + a) / 3, 7), 1 - std::pow((1 + 2 * a) / 3, 7), 0.999, 1});
}
}  // namespace
