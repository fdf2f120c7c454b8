/// Strong and weak orders of the stochastic steppers. All runs of one test share their Wiener path (run_coarser), so
/// that errors are differences along the same path and their noise is far below them; the noise floor is asserted with
/// each order.
#include <gtest/gtest.h>

#include <Eigen/Dense>

#include "fortet/base/linear_algebra.hpp"
#include "support/ensembles.hpp"
#include "support/processes.hpp"
#include "support/world.hpp"

namespace {
using namespace fortet;
using namespace fortet::ensembles;
using test::ensemble;
using test::Estimate;
using test::estimate;

laws::LawPtr point(std::vector<double> x) { return test::law("dirac", {{"at", x}}); }

PointArray final_positions(const EnsembleSettings& settings, int factor) {
  return run_coarser(settings, test::world(), factor).snapshots.back().positions;
}

/// Errors of runs with fine steps merged by each factor against `exact` positions of the same paths.
struct Errors {
  std::vector<double> sizes, strong, weak, noise;
};
template <class Observable>
Errors errors_against(const EnsembleSettings& settings, const PointArray& exact, const std::vector<int>& factors,
                      Observable&& f) {
  Errors errors;
  const double fine = settings.process->horizon() / static_cast<double>(settings.parameters.integer("steps"));
  for (const int factor : factors) {
    const PointArray x = final_positions(settings, factor);
    const Estimate squared = estimate(x.size(), [&](Index i) { return std::pow(x(i, 0) - exact(i, 0), 2); });
    const Estimate difference = estimate(x.size(), [&](Index i) { return f(x, i) - f(exact, i); });
    errors.sizes.push_back(fine * factor);
    errors.strong.push_back(std::sqrt(squared.mean));
    errors.weak.push_back(std::abs(difference.mean));
    errors.noise.push_back(difference.deviation);
  }
  return errors;
}

void expect_weak_order(const Errors& errors, double order, const std::string& name) {
  std::string table;
  double worst = 0;  // relative noise decides how well the slope is known
  for (std::size_t i = 0; i < errors.sizes.size(); ++i) {
    table += "h " + std::to_string(errors.sizes[i]) + " error " + std::to_string(errors.weak[i]) + " noise " +
             std::to_string(errors.noise[i]) + "\n";
    worst = std::max(worst, errors.noise[i] / errors.weak[i]);
  }
  EXPECT_LT(worst, 0.12) << name << ": too few particles to see the order\n" << table;
  EXPECT_NEAR(test::observed_order(errors.sizes, errors.weak), order, 0.25) << name << '\n' << table;
}

// ---------------------------------------------------------------- geometric Brownian motion: dX = mu X dt + s X dW
processes::ProcessPtr geometric(double mu, double s) {
  return test::share(test::PointwiseProcess(1, 1.0, [=](double, const double* x, double* out) { out[0] = mu * x[0]; })
                         .with_noise(
                             processes::NoiseShape::diagonal, 1,
                             [=](double, const double* x, double* out) { out[0] = s * x[0]; },
                             [=](double, const double*, double* out) { out[0] = s; }));
}

/// X_1 = exp((mu - s^2/2) + s W_1), with W_1 of the same increments: Euler-Maruyama of Brownian motion is exact.
PointArray exact_geometric(double mu, double s, Index particles, long steps) {
  const auto brownian = test::process("brownian", {{"dimension", 1}});
  PointArray w = run_ensemble(ensemble(brownian, point({0}), particles, {{"steps", steps}}), test::world())
                     .snapshots.back()
                     .positions;
  for (Index i = 0; i < w.size(); ++i) w(i, 0) = std::exp(mu - 0.5 * s * s + s * w(i, 0));
  return w;
}

TEST(StrongOrder, GeometricBrownianMotion) {
  constexpr Index particles = 40000;
  const PointArray exact = exact_geometric(0.1, 0.8, particles, 256);
  for (const auto& [stepper, order] : std::vector<std::pair<std::string, double>>{
           {"euler_maruyama", 0.5}, {"milstein", 1}, {"stochastic_heun", 1}, {"srk_weak2", 1}}) {
    const auto errors =
        errors_against(ensemble(geometric(0.1, 0.8), point({1}), particles, {{"steps", 256}, {"stepper", stepper}}),
                       exact, {1, 2, 4, 8}, [](const PointArray& x, Index i) { return x(i, 0); });
    EXPECT_NEAR(test::observed_order(errors.sizes, errors.strong), order, 0.1)
        << stepper << " " << errors.strong.front() << " " << errors.strong.back();
  }
}

TEST(WeakOrder, GeometricBrownianMotion) {
  constexpr Index particles = 300000;
  const PointArray exact = exact_geometric(1.5, 0.4, particles, 32);
  const auto square = [](const PointArray& x, Index i) { return x(i, 0) * x(i, 0); };
  for (const auto& [stepper, order] :
       std::vector<std::pair<std::string, double>>{{"euler_maruyama", 1}, {"milstein", 1}}) {
    expect_weak_order(
        errors_against(ensemble(geometric(1.5, 0.4), point({1}), particles, {{"steps", 32}, {"stepper", stepper}}),
                       exact, {1, 2, 4}, square),
        order, stepper);
  }
  expect_weak_order(
      errors_against(ensemble(geometric(1.5, 0.4), point({1}), particles, {{"steps", 32}, {"stepper", "srk_weak2"}}),
                     exact, {2, 4, 8}, square),
      2, "srk_weak2");
}

TEST(WeakOrder, StochasticHeunOfMultiplicativeNoise) {
  // No drift: the error is that of the noise term alone.
  constexpr Index particles = 1000000;
  const auto martingale = geometric(0, 1.2);
  const PointArray exact = exact_geometric(0, 1.2, particles, 16);
  expect_weak_order(
      errors_against(ensemble(martingale, point({1}), particles, {{"steps", 16}, {"stepper", "stochastic_heun"}}),
                     exact, {1, 2, 4}, [](const PointArray& x, Index i) { return x(i, 0); }),
      1, "stochastic_heun");
}

// ---------------------------------------------------------------- additive, time-dependent noise: dX = (1 - k X + c
// sin X) dt + g (1 + t) dW
processes::ProcessPtr additive(double k, double c, double g) {
  return test::share(test::PointwiseProcess(1, 1.0, [=](double, const double* x, double* out) {
                       out[0] = 1 - k * x[0] + c * std::sin(x[0]);
                     }).with_uniform_noise([=](double t) { return g * (1 + t); }));
}

TEST(StrongOrder, AdditiveNoise) {
  constexpr Index particles = 2000;
  const auto settings = [&](const std::string& stepper) {
    return ensemble(additive(0, 2, 2), point({0.3}), particles, {{"steps", 4096}, {"stepper", stepper}});
  };
  const PointArray reference = final_positions(settings("sra1"), 1);
  const auto value = [](const PointArray& x, Index i) { return x(i, 0); };
  for (const auto& [stepper, order] :
       std::vector<std::pair<std::string, double>>{{"euler_maruyama", 1}, {"stochastic_heun", 1}, {"sra1", 1.5}}) {
    const auto errors = errors_against(settings(stepper), reference, {16, 32, 64}, value);
    EXPECT_NEAR(test::observed_order(errors.sizes, errors.strong), order, 0.1)
        << stepper << " " << errors.strong.front() << " " << errors.strong.back();
  }
}

TEST(WeakOrder, AdditiveNoise) {
  constexpr Index particles = 200000;
  const auto settings = [&](const std::string& stepper) {
    return ensemble(additive(2.5, 0.5, 0.5), point({0.3}), particles, {{"steps", 64}, {"stepper", stepper}});
  };
  const PointArray reference = final_positions(settings("sra1"), 1);
  const auto square = [](const PointArray& x, Index i) { return x(i, 0) * x(i, 0); };
  expect_weak_order(errors_against(settings("euler_maruyama"), reference, {4, 8, 16}, square), 1, "euler_maruyama");
  for (const char* stepper : {"stochastic_heun", "srk_weak2", "sra1"}) {
    expect_weak_order(errors_against(settings(stepper), reference, {4, 8, 16}, square), 2, stepper);
  }
}

// ---------------------------------------------------------------- full, non-commutative noise: dX = A X dt + B1 X dW1
// + B2 X dW2
TEST(WeakOrder, NonCommutativeNoise) {
  Eigen::Matrix2d a, b1, b2;
  a << -1, 0.5, -0.5, -0.5;
  b1 << 0.3, 0.5, 0, 0.2;
  b2 << 0.1, 0, 0.6, -0.3;
  const auto process =
      test::share(test::PointwiseProcess(2, 1.0, [=](double, const double* x, double* out) {
                    Eigen::Map<Eigen::Vector2d>(out, 2) = a * Eigen::Map<const Eigen::Vector2d>(x);
                  }).with_noise(processes::NoiseShape::full, 2, [=](double, const double* x, double* out) {
        const Eigen::Map<const Eigen::Vector2d> y(x);
        const Eigen::Vector2d p = b1 * y, q = b2 * y;
        out[0] = p[0], out[1] = q[0], out[2] = p[1], out[3] = q[1];
      }));
  // d/dt E X X^T = A M + M A^T + B1 M B1^T + B2 M B2^T
  Eigen::Matrix4d generator = Eigen::Matrix4d::Zero();
  for (int column = 0; column < 4; ++column) {
    Eigen::Matrix2d unit = Eigen::Matrix2d::Zero();
    unit(column % 2, column / 2) = 1;
    const Eigen::Matrix2d image =
        a * unit + unit * a.transpose() + b1 * unit * b1.transpose() + b2 * unit * b2.transpose();
    generator.col(column) = Eigen::Map<const Eigen::Vector4d>(image.data());
  }
  const Eigen::Vector4d start(1, -0.5, -0.5, 0.25);  // x = (1, -1/2)
  const Eigen::Vector4d moments = matrix_exponential(generator) * start;
  constexpr Index particles = 150000;
  const auto settings = [&](const std::string& stepper) {
    return ensemble(process, point({1, -0.5}), particles, {{"steps", 64}, {"stepper", stepper}});
  };
  const PointArray fine = final_positions(settings("srk_weak2"), 1);
  const auto f = [](const PointArray& x, Index i) { return x(i, 0) * x(i, 1) + x(i, 1) * x(i, 1); };
  const Estimate found = estimate(particles, [&](Index i) { return f(fine, i); });
  EXPECT_LT(std::abs(found.mean - (moments[1] + moments[3])), 4 * found.deviation);
  EXPECT_LT(found.deviation, 0.005);
  // Order from exact moments: the fine run is a control variate with a bias 64 times smaller than that of the steps
  // measured.
  expect_weak_order(errors_against(settings("srk_weak2"), fine, {8, 16, 32}, f), 2, "srk_weak2");
  expect_weak_order(errors_against(settings("euler_maruyama"), fine, {2, 4, 8}, f), 1, "euler_maruyama");
}

// ---------------------------------------------------------------- exact laws
TEST(ExactTransition, OrnsteinUhlenbeckInOneStepOrMany) {
  const auto process =
      test::process("ornstein_uhlenbeck", {{"dimension", 1}, {"rate", 2.0}, {"sigma", 0.7}, {"horizon", 1.5}});
  const double mean = 1.2 * std::exp(-3.0), variance = 0.49 / 4 * (1 - std::exp(-6.0));
  constexpr Index particles = 400000;
  for (const Json& parameters :
       {Json{{"stepper", "exact"}}, Json{{"stepper", "exact"}, {"steps", 9}},
        Json{{"stepper", "exponential"}, {"steps", 1}}, Json{{"stepper", "exponential"}, {"steps", 7}}}) {
    const PointArray x =
        run_ensemble(ensemble(process, point({1.2}), particles, parameters), test::world()).snapshots.back().positions;
    const Estimate first = estimate(particles, [&](Index i) { return x(i, 0); });
    const Estimate second = estimate(particles, [&](Index i) { return std::pow(x(i, 0) - mean, 2); });
    EXPECT_LT(std::abs(first.mean - mean), 4 * first.deviation) << parameters;
    EXPECT_LT(std::abs(second.mean - variance), 4 * second.deviation) << parameters;
    EXPECT_LT(second.deviation, 0.004 * variance) << "the test would not see an error of 2 %";
  }
  const auto settings = ensemble(process, point({1.2}), 100, {{"stepper", "exact"}, {"steps", 8}});
  const PointArray fine = final_positions(settings, 1), coarse = final_positions(settings, 4);
  for (Index i = 0; i < 100; ++i) EXPECT_EQ(fine(i, 0), coarse(i, 0));
}

TEST(Exponential, StiffLinearPartAndOrderOneForTheRest) {
  constexpr double rate = 200;
  const auto process = test::share(test::PointwiseProcess(1, 1.0, [](double, const double* x, double* out) {
                                     out[0] = -rate * (x[0] - std::cos(x[0]));
                                   }).with_uniform_noise([](double) {
                                       return 5.0;
                                     }).with_linear_part(Eigen::MatrixXd::Constant(1, 1, -rate)));
  // Stable at h = 1/16, where Euler-Maruyama has the factor 1 - 12.5.
  const PointArray x =
      final_positions(ensemble(process, point({0}), 1000, {{"steps", 16}, {"stepper", "exponential"}}), 1);
  for (Index i = 0; i < x.size(); ++i) EXPECT_LT(std::abs(x(i, 0)), 5);

  const auto mild = test::share(test::PointwiseProcess(1, 1.0, [](double, const double* y, double* out) {
                                  out[0] = -2 * y[0] + 2 * std::sin(2 * y[0]);
                                }).with_uniform_noise([](double) {
                                    return 0.5;
                                  }).with_linear_part(Eigen::MatrixXd::Constant(1, 1, -2.0)));
  const auto settings = [&](const std::string& stepper) {
    return ensemble(mild, point({0.5}), 20000, {{"steps", 512}, {"stepper", stepper}});
  };
  const PointArray reference = final_positions(settings("sra1"), 1);
  const auto errors = errors_against(settings("exponential"), reference, {4, 8, 16},
                                     [](const PointArray& y, Index i) { return y(i, 0); });
  EXPECT_NEAR(test::observed_order(errors.sizes, errors.strong), 1, 0.12);
  expect_weak_order(errors, 1, "exponential");
}
}  // namespace
