// Pure transport: order on smooth data, positivity, reversal of a swirl, rotation.
#include <numbers>

#include "support/densities.hpp"

using namespace fortet;
using namespace fortet::test;

namespace {
double wave(double x) { return 1 + 0.9 * std::sin(2 * std::numbers::pi * x); }
double wave_mean(double a, double b) {  // exact cell average
  return 1 + 0.9 * (std::cos(2 * std::numbers::pi * a) - std::cos(2 * std::numbers::pi * b)) /
                 (2 * std::numbers::pi * (b - a));
}
}  // namespace

TEST(Advection, OrdersOfTheSchemes) {
  const auto moving = process("expression", {{"drift", {"1.0"}}});
  struct Row {
    const char* scheme;
    double low, high;
  };
  for (const Row& row : {Row{"weno5", 4.5, 5.5}, Row{"muscl", 1.6, 2.4}, Row{"upwind", 0.8, 1.1}}) {
    std::vector<double> errors;
    for (int cells : {40, 80, 160}) {
      const auto g = grid({{"lower", 0.0}, {"upper", 1.0}, {"cells", cells}, {"boundary", "periodic"}});
      // The Courant number falls with h^(2/3), so that the third order in time does not show.
      const auto propagator =
          densities::make_propagator(Parameters::make("propagators", "strang", {{"transport", row.scheme}}), moving, g);
      std::vector<double> masses(cells);
      for (int i = 0; i < cells; ++i) masses[i] = wave_mean(g->edges(0)[i], g->edges(0)[i + 1]) / cells;
      const long steps = std::string(row.scheme) == "weno5" ? static_cast<long>(std::pow(cells, 5.0 / 3) * 0.5) : cells;
      propagator->forward(0, 0.5, steps, masses);
      double error = 0, mass = 0;
      for (int i = 0; i < cells; ++i) {
        error += std::abs(masses[i] - wave_mean(g->edges(0)[i] - 0.5, g->edges(0)[i + 1] - 0.5) / cells);
        mass += masses[i];
      }
      errors.push_back(error);
      EXPECT_NEAR(mass, 1, 1e-13);
    }
    expect_order(errors, row.low, row.high, row.scheme);
  }
  EXPECT_NEAR(wave(0.25), 1.9, 1e-15);
}

TEST(Advection, StaysPositiveAcrossJumps) {
  const auto moving = process("expression", {{"drift", {"sin(3*x) + 0.2"}}, {"horizon", 3}});
  for (const char* scheme : {"weno5", "muscl"}) {
    const auto g = grid({{"lower", 0.0}, {"upper", 4.0}, {"cells", 101}});
    const auto propagator =
        densities::make_propagator(Parameters::make("propagators", "strang", {{"transport", scheme}}), moving, g);
    std::vector<double> masses(101, 0.0);
    for (int i = 30; i < 50; ++i) masses[i] = 0.05;
    propagator->forward(0, 3, 10, masses);
    double mass = 0;
    for (double m : masses) {
      EXPECT_GE(m, 0) << scheme;
      mass += m;
    }
    EXPECT_NEAR(mass, 1, 1e-13);
  }
}

// A swirl that turns back after half the time: everything returns to where it was.
TEST(Swirl, ReturnsToItsStart) {
  const std::string s = "cos(pi*t)";
  const auto swirl = process(
      "expression", {{"drift", {"2*sin(pi*x)^2*sin(pi*y)*cos(pi*y)*" + s, "-2*sin(pi*y)^2*sin(pi*x)*cos(pi*x)*" + s}}});
  const auto start = law("gaussian", {{"mean", {0.5, 0.65}}, {"deviation", 0.08}});
  std::vector<double> errors;
  for (int cells : {32, 64, 128}) {
    const auto g = grid({{"lower", {0, 0}}, {"upper", {1, 1}}, {"cells", {cells, cells}}});
    const auto path = DensityCase{swirl, start, g, {1}, {{"steps", cells / 2}}}.solve();
    errors.push_back(l1_error(*g, path.snapshots[0].values, *start));
    EXPECT_GE(path.diagnostics.back().smallest, 0);
    EXPECT_NEAR(path.diagnostics.back().mass, path.diagnostics.front().mass, 1e-13);
  }
  // Steep at first; second order from the splitting and the transverse averages at the end.
  expect_order(errors, 1.8, 5.0, "swirl");
  EXPECT_LT(errors.back(), 0.02);
}

TEST(Rotation, OfAGaussian) {
  const auto turn = process("expression", {{"drift", {"-y", "x"}}, {"horizon", 1}});
  const auto start = law("gaussian", {{"mean", {1.0, 0.0}}, {"covariance", {{0.16, 0.0}, {0.0, 0.09}}}});
  const double c = std::cos(1.0), s = std::sin(1.0);
  const auto exact =
      law("gaussian",
          {{"mean", {c, s}},
           {"covariance", {{0.16 * c * c + 0.09 * s * s, 0.07 * c * s}, {0.07 * c * s, 0.16 * s * s + 0.09 * c * c}}}});
  std::vector<double> errors;
  for (int cells : {32, 64, 128}) {
    const auto g = grid({{"lower", {-3, -3}}, {"upper", {3, 3}}, {"cells", {cells, cells}}});
    const auto path = DensityCase{turn, start, g, {1}, {{"steps", cells}}}.solve();
    errors.push_back(l1_error(*g, path.snapshots[0].values, *exact));
  }
  expect_order(errors, 1.9, 5.5, "rotation");
}
