// Intervals with absorbing and reflecting ends, first passage, and a manufactured drift.
#include <numbers>

#include "support/densities.hpp"

using namespace fortet;
using namespace fortet::test;
using std::numbers::pi;

namespace {

/// A density given by a formula, for initial laws that are eigenmodes.
class FormulaLaw : public laws::Law {
 public:
  FormulaLaw(int dimension, std::function<double(const double*)> density)
      : Law(dimension), density_(std::move(density)) {}
  laws::Capabilities capabilities() const override { return {false, true, false, true, false}; }
  void sample(const parallel::Stream&, std::int64_t, Points) const override { throw UsageError("not for sampling"); }
  /// Midpoint values with a correction would not be exact: 8-point Gauss-Legendre per axis is, to rounding, for smooth
  /// densities.
  void cell_masses(const std::vector<std::vector<double>>& edges, std::span<double> out) const override {
    constexpr double node[4] = {0.1834346424956498, 0.5255324099163290, 0.7966664774136267, 0.9602898564975363};
    constexpr double weight[4] = {0.3626837833783620, 0.3137066458778873, 0.2223810344533745, 0.1012285362903763};
    const int d = dimension();
    for (std::size_t cell = 0; cell < out.size(); ++cell) {
      std::size_t rest = cell;
      double middle[2] = {}, half[2] = {1, 1};
      for (int k = 0; k < d; ++k) {
        const std::size_t n = edges[k].size() - 1, i = rest % n;
        rest /= n;
        middle[k] = 0.5 * (edges[k][i] + edges[k][i + 1]);
        half[k] = 0.5 * (edges[k][i + 1] - edges[k][i]);
      }
      double sum = 0;
      for (int a = 0; a < 8; ++a) {
        for (int b = 0; b < (d > 1 ? 8 : 1); ++b) {
          const double point[2] = {middle[0] + half[0] * node[a / 2] * (a % 2 ? 1 : -1),
                                   middle[1] + half[1] * node[b / 2] * (b % 2 ? 1 : -1)};
          sum += weight[a / 2] * (d > 1 ? weight[b / 2] : 1.0) * density_(point);
        }
      }
      out[cell] = sum * half[0] * (d > 1 ? half[1] : 1.0);
    }
  }

 private:
  std::function<double(const double*)> density_;
};

}  // namespace

// p = e^{v x / 2D - v^2 t / 4D} sum_k c_k sin(k pi x / L) e^{-D k^2 pi^2 t / L^2}, two modes.
TEST(AbsorbingInterval, DensityMassAndFirstPassageFlux) {
  const double length = 2, v = 0.8, diffusion = 0.5, time = 0.4;
  const auto unscaled = [&](double x, double t) {
    double sum = 0;
    for (int k : {1, 2})
      sum += (k == 1 ? 1.0 : 0.5) * std::sin(k * pi * x / length) *
             std::exp(-diffusion * k * k * pi * pi * t / (length * length));
    return std::exp(v * x / (2 * diffusion) - v * v * t / (4 * diffusion)) * sum;
  };
  double norm = 0;
  for (int i = 0; i < 200000; ++i) norm += unscaled((i + 0.5) * length / 200000, 0) * length / 200000;
  const auto exact = [&](double x, double t) { return unscaled(x, t) / norm; };
  const auto start = std::make_shared<FormulaLaw>(1, [&](const double* x) { return exact(x[0], 0); });
  const auto drifting =
      process("expression", {{"drift", {std::to_string(v)}}, {"noise", std::sqrt(2 * diffusion)}, {"horizon", 2}});
  std::vector<double> errors, flux_errors;
  for (int cells : {32, 64, 128}) {
    const auto path = DensityCase{
        drifting,
        start,
        grid({{"lower", 0.0}, {"upper", length}, {"cells", cells}, {"boundary", "absorbing"}}),
        {time}}.solve();
    const FormulaLaw law_then(1, [&](const double* x) { return exact(x[0], time); });
    errors.push_back(l1_error(*path.grid, path.snapshots[0].values, law_then));
    const auto& last = path.diagnostics.back();
    // -D p_x (plus v p = 0) out of each end.
    const double step = 1e-6, upper = diffusion * exact(length - step, time) / step,
                 lower = diffusion * exact(step, time) / step;
    flux_errors.push_back(std::abs(last.flux[0][1] - upper) + std::abs(last.flux[0][0] - lower));
    EXPECT_NEAR(last.mass + last.absorbed[0][0] + last.absorbed[0][1], path.diagnostics.front().mass, 1e-13);
    EXPECT_GT(last.absorbed[0][1], last.absorbed[0][0]);  // the drift goes up
  }
  expect_order(errors, 1.9, 2.1, "absorbing");
  expect_order(flux_errors, 1.8, 2.2, "first-passage flux");
}

TEST(ReflectingInterval, CosineModesDecayAtTheirRates) {
  const auto brownian = process("brownian", {{"dimension", 1}, {"sigma", 1.0}});  // D = 1/2
  const auto exact = [](double x, double t) {
    return 1 + 0.6 * std::cos(pi * x) * std::exp(-0.5 * pi * pi * t) +
           0.3 * std::cos(3 * pi * x) * std::exp(-4.5 * pi * pi * t);
  };
  const auto start = std::make_shared<FormulaLaw>(1, [&](const double* x) { return exact(x[0], 0); });
  std::vector<double> errors;
  for (int cells : {20, 40, 80}) {
    const auto path =
        DensityCase{brownian, start, grid({{"lower", 0.0}, {"upper", 1.0}, {"cells", cells}}), {0.05}}.solve();
    errors.push_back(l1_error(*path.grid, path.snapshots[0].values,
                              FormulaLaw(1, [&](const double* x) { return exact(x[0], 0.05); })));
    EXPECT_NEAR(path.diagnostics.back().mass, 1, 3e-14);
  }
  expect_order(errors, 1.9, 2.1, "reflecting");
}

TEST(PeriodicInterval, ModesTurnAndDecay) {
  const auto turning = process("expression", {{"drift", {"1.5"}}, {"noise", 0.5}});  // D = 1/8
  const auto exact = [](double x, double t) {
    return 1 + 0.7 * std::sin(2 * pi * (x - 1.5 * t)) * std::exp(-0.125 * 4 * pi * pi * t);
  };
  const auto start = std::make_shared<FormulaLaw>(1, [&](const double* x) { return exact(x[0], 0); });
  std::vector<double> errors;
  for (int cells : {24, 48, 96}) {
    const auto path = DensityCase{
        turning,
        start,
        grid({{"lower", 0.0}, {"upper", 1.0}, {"cells", cells}, {"boundary", "periodic"}}),
        {0.3}}.solve();
    errors.push_back(l1_error(*path.grid, path.snapshots[0].values,
                              FormulaLaw(1, [&](const double* x) { return exact(x[0], 0.3); })));
  }
  expect_order(errors, 1.8, 2.2, "periodic");
}

// E[1; not yet absorbed] by the backward equation, and its integral over time.
TEST(FirstPassage, SurvivalAndMeanTime) {
  const double length = 1.5, diffusion = 0.5;
  const auto brownian = process("brownian", {{"dimension", 1}, {"sigma", 1.0}});
  std::vector<double> survival_errors, mean_errors;
  for (int cells : {25, 50, 100}) {
    const auto g = grid({{"lower", 0.0}, {"upper", length}, {"cells", cells}, {"boundary", "absorbing"}});
    const auto path =
        DensityCase{brownian, nullptr, g, {0.0, 0.6}, {{"equation", "backward"}, {"function", "1"}}}.solve();
    const auto survival = [&](double x, double t) {
      double sum = 0;
      for (int k = 1; k < 60; k += 2)
        sum += 4 / (k * pi) * std::sin(k * pi * x / length) *
               std::exp(-diffusion * k * k * pi * pi * t / (length * length));
      return sum;
    };
    survival_errors.push_back(l1_error(*g, path.at(0.6).values, [&](const double* x) { return survival(x[0], 0.4); }) +
                              l1_error(*g, path.at(0.0).values, [&](const double* x) { return survival(x[0], 1.0); }));
    const auto mean = densities::mean_first_passage(*brownian, g);
    mean_errors.push_back(
        l1_error(*g, mean.values, [&](const double* x) { return x[0] * (length - x[0]) / (2 * diffusion); }));
  }
  expect_order(survival_errors, 1.9, 2.1, "survival");
  expect_order(mean_errors, 1.9, 2.1, "mean first passage");
}

// A drift made for a chosen density: d/dt p + div J = 0 with J.n = 0, b - div D = (J + D grad p) / p. Variable D, rates
// that depend on time and on both coordinates: nothing cancels.
TEST(ManufacturedDrift, SpaceAndTimeTogetherAreOfSecondOrder) {
  const std::string p = "(1+0.5*cos(pi*x)*cos(pi*y)*cos(t))", d = "(0.1*(1+0.3*x))", a = "(sin(t)/(4*pi*pi))";
  const std::string bx =
      "(" + a + "*pi*sin(pi*x)*cos(pi*y) - " + d + "*0.5*pi*sin(pi*x)*cos(pi*y)*cos(t))/" + p + " + 0.03";
  const std::string by = "(" + a + "*pi*cos(pi*x)*sin(pi*y) - " + d + "*0.5*pi*cos(pi*x)*sin(pi*y)*cos(t))/" + p;
  const auto made = process("expression", {{"drift", {bx, by}}, {"noise", "sqrt(2*" + d + ")"}});
  const auto exact = [](const double* x, double t) {
    return 1 + 0.5 * std::cos(pi * x[0]) * std::cos(pi * x[1]) * std::cos(t);
  };
  const auto start = std::make_shared<FormulaLaw>(2, [&](const double* x) { return exact(x, 0); });
  const auto then = std::make_shared<FormulaLaw>(2, [&](const double* x) { return exact(x, 1); });
  std::vector<double> errors;
  for (int cells : {12, 24, 48}) {
    const auto path = DensityCase{
        made,
        start,
        grid({{"lower", {0, 0}}, {"upper", {1, 1}}, {"cells", {cells, cells}}}),
        {1},
        {{"steps",
          cells}}}.solve();
    errors.push_back(l1_error(*path.grid, path.snapshots[0].values, *then));
    EXPECT_NEAR(path.diagnostics.back().mass, 1, 3e-14);
    EXPECT_GT(path.diagnostics.back().smallest, 0);
  }
  expect_order(errors, 1.8, 2.2, "manufactured drift");
}

// int int p |v|^2 of a travelling, decaying mode: v = J / p with J = c p - D p_x.
TEST(Action, IsTheIntegralOfTheKineticEnergy) {
  const double c = 1.5, diffusion = 0.125;
  const auto turning = process("expression", {{"drift", {"1.5"}}, {"noise", 0.5}});
  const auto exact = [](double x, double t) {
    return 1 + 0.7 * std::sin(2 * pi * (x - 1.5 * t)) * std::exp(-0.125 * 4 * pi * pi * t);
  };
  const auto start = std::make_shared<FormulaLaw>(1, [&](const double* x) { return exact(x[0], 0); });
  const auto energy = [&](double t) {  // by a fine midpoint rule
    double sum = 0;
    for (int i = 0; i < 2000; ++i) {
      const double x = (i + 0.5) / 2000,
                   slope = 0.7 * 2 * pi * std::cos(2 * pi * (x - c * t)) * std::exp(-0.5 * pi * pi * t);
      const double flux = c * exact(x, t) - diffusion * slope;
      sum += flux * flux / exact(x, t) / 2000;
    }
    return sum;
  };
  double action = 0;
  for (int i = 0; i < 400; ++i) action += energy((i + 0.5) * 0.3 / 400) * 0.3 / 400;
  std::vector<double> energy_errors, action_errors;
  for (int cells : {48, 96, 192}) {
    const auto path = DensityCase{
        turning,
        start,
        grid({{"lower", 0.0}, {"upper", 1.0}, {"cells", cells}, {"boundary", "periodic"}}),
        {0.3},
        {{"action",
          true}}}.solve();
    energy_errors.push_back(std::abs(path.diagnostics.back().kinetic_energy - energy(0.3)));
    action_errors.push_back(std::abs(path.diagnostics.back().action - action));
  }
  expect_order(energy_errors, 1.8, 2.2, "kinetic energy");
  EXPECT_LT(action_errors.back(), 2e-3 * action);
}
