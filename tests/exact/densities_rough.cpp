// ranks: 1 4
// Coefficients that jump, seams of periodic axes, diffusion that vanishes at a side, point sources, sides of exit.
#include <numbers>

#include "support/densities.hpp"

using namespace fortet;
using namespace fortet::test;
using std::numbers::pi;

namespace {

double mass_below(const densities::DensityPath& path, double x) {
  const densities::Grid& g = *path.grid;
  const std::vector<double> volumes = g.local_volumes();
  const PointArray centres = g.local_centres();
  parallel::ExactSum sum;
  for (Index i = 0; i < centres.size(); ++i) {
    if (centres(i, 0) < x) sum.add(path.snapshots.back().values[i] * volumes[i]);
  }
  return g.communicator().sum(sum);
}

double least(const densities::DensityPath& path) {
  const std::vector<double>& values = path.snapshots.back().values;
  return world().min(*std::min_element(values.begin(), values.end()));
}

/// One interval (0, 1) with absorbing ends, D = 1/2 and drift v, from a uniform law on (0.45, 0.55): survival, and flux
/// through the upper end, by eigenfunctions.
struct AbsorbedInterval {
  double v;
  std::pair<double, double> at(double t) const {
    double survival = 0, flux = 0;
    for (int k = 1; k <= 80; ++k) {
      const double w = k * pi, rate = v * v + w * w, sign = k % 2 ? 1 : -1;
      // Mean over x0 of 2 e^{-v x0} sin(w x0).
      const auto integral = [&](double x) {
        return -std::exp(-v * x) * (v * std::sin(w * x) + w * std::cos(w * x)) / rate;
      };
      const double mode = 20 * (integral(0.55) - integral(0.45)) * std::exp(-0.5 * rate * t);
      survival += mode * w * (1 + sign * std::exp(v)) / rate;  // int_0^1 e^{v x} sin(w x) dx
      flux += mode * std::exp(v) * 0.5 * w * sign;
    }
    return {survival, flux};
  }
};

/// Probability of leaving the unit square through its right side, by Simpson's rule.
double right_side(double until) {
  const int n = 4000;
  const AbsorbedInterval along{1}, across{0};
  double sum = 0;
  for (int i = 1; i <= n; ++i) {  // nothing leaves at t = 0
    const double t = until * i / n, weight = i == n ? 1 : i % 2 ? 4 : 2;
    sum += weight * along.at(t).second * across.at(t).first;
  }
  return sum * until / n / 3;
}

const laws::LawPtr middle = law("uniform", {{"lower", {0.45, 0.45}}, {"upper", {0.55, 0.55}}});
densities::GridPtr unit_square(int cells) {
  return grid({{"lower", {0, 0}}, {"upper", {1, 1}}, {"cells", {cells, cells}}, {"boundary", "absorbing"}});
}

}  // namespace

TEST(ExitSide, CommutingAxes) {
  const double exact = right_side(2);
  EXPECT_NEAR(exact, 0.38262, 1e-5);
  const auto drifting = process("expression", {{"drift", {"1", "0"}}, {"noise", 1}, {"horizon", 2}});
  std::vector<double> errors;
  for (int cells : {20, 40, 80}) {
    const auto path = DensityCase{drifting, middle, unit_square(cells), {2}}.solve();
    const auto& sides = path.diagnostics.back().absorbed;
    errors.push_back(std::abs(sides[0][1] - exact));
    EXPECT_NEAR(sides[1][0], sides[1][1], 1e-12);
    EXPECT_NEAR(sides[0][0] + sides[0][1] + sides[1][0] + sides[1][1] + path.diagnostics.back().mass, 1, 1e-12);
  }
  expect_order(errors, 1.8, 2.2, "right side");
  // Whatever the propagator and its steps.
  for (const char* kind : {"separable", "strang"}) {
    const auto path = DensityCase{drifting, middle, unit_square(80), {0.1, 0.5, 2}, {{"propagator", kind}}}.solve();
    EXPECT_NEAR(path.diagnostics.back().absorbed[0][1] - exact, errors.back(), 2e-8 + 2 * errors.back()) << kind;
  }
}

// Axes that do not commute: order 2 in the steps of the splitting, and the estimate of the errors sees them.
TEST(ExitSide, SplitSteps) {
  const auto turning = process("expression", {{"drift", {"1 + y", "-x"}}, {"noise", 1}, {"horizon", 1}});
  const auto side = [&](Json options) {
    return DensityCase{turning, middle, unit_square(24), {1}, std::move(options)}
        .solve()
        .diagnostics.back()
        .absorbed[0][1];
  };
  const double fine = side({{"propagator", "strang"}, {"steps", 1600}});
  std::vector<double> errors;
  for (int steps : {50, 100, 200})
    errors.push_back(std::abs(side({{"propagator", "strang"}, {"steps", steps}}) - fine));
  expect_order(errors, 1.8, 2.2, "right side in time");
  EXPECT_NEAR(side({{"propagator", "strang"}, {"tolerance", 1e-4}}), fine, 1e-4);
  const DensityCase coarse{turning, middle, unit_square(24), {1}, {{"propagator", "strang"}, {"steps", 50}}};
  auto path = coarse.solve();
  densities::estimate_errors(coarse.settings(), path);
  const double error = std::abs(path.diagnostics.back().absorbed_error[0][1]);
  EXPECT_GT(error, 0.8 * errors.front());
  const auto finer =
      DensityCase{turning, middle, unit_square(96), {1}, {{"propagator", "strang"}, {"steps", 400}}}.solve();
  const double truth = std::abs(path.diagnostics.back().absorbed[0][1] - finer.diagnostics.back().absorbed[0][1]);
  EXPECT_LT(truth, 1.5 * error);
  // An implicit integrator shares out just what is lost.
  const auto implicit =
      DensityCase{turning, middle, unit_square(24), {1}, {{"propagator", "tr_bdf2"}, {"steps", 400}}}.solve();
  EXPECT_NEAR(implicit.diagnostics.back().absorbed[0][1], fine, 1e-4);
  double all = implicit.diagnostics.back().mass;
  for (const auto& axis : implicit.diagnostics.back().absorbed) all += axis[0] + axis[1];
  EXPECT_NEAR(all, 1, 1e-8);
}

// Brownian motion on (0, L): of the paths that leave at L the mean time is (L^2 - x^2) / 6 D.
TEST(ExitSide, ConditionalMeanTimes) {
  const auto free = process("expression", {{"drift", {"0"}}, {"noise", 1}});
  const auto start = law("dirac", {{"at", {0.37}}});
  const auto line = grid({{"lower", 0}, {"upper", 1}, {"cells", 100}, {"boundary", "absorbing"}});
  auto numbers = DensityCase{free, start, line, {0}, {{"equation", "mean_first_passage"}}}.solve().quantities;
  const double second_order = 2 * 1e-4;  // h^2 times curvatures of order one
  EXPECT_NEAR(numbers.at("exit_probability_0_upper"), 0.37, second_order);
  EXPECT_NEAR(numbers.at("exit_probability_0_lower"), 0.63, second_order);
  EXPECT_NEAR(numbers.at("mean_exit_time_0_upper"), (1 - 0.37 * 0.37) / 3, second_order);
  EXPECT_NEAR(numbers.at("mean_exit_time_0_lower"), (1 - 0.63 * 0.63) / 3, second_order);
  EXPECT_NEAR(numbers.at("mean_first_passage_time"), 0.37 * 0.63, second_order);
}

TEST(Seam, CoefficientsThatJump) {
  const auto ring = [](int cells) {
    return grid({{"lower", -1}, {"upper", 4}, {"cells", cells}, {"boundary", "periodic"}});
  };
  const auto start = law("gaussian", {{"mean", {1}}, {"deviation", {0.3}}});
  const auto pull = process("expression", {{"drift", {"2 - x"}}, {"noise", "1 + x/20"}, {"horizon", 20}});
  const auto steady = DensityCase{pull, nullptr, ring(120), {0}, {{"equation", "stationary"}}}.solve();
  EXPECT_GT(least(steady), 0);
  EXPECT_FALSE(steady.notes.empty());
  for (const char* kind : {"strang", "bdf2", "backward_euler"}) {
    const auto path = DensityCase{pull, start, ring(120), {20}, {{"propagator", kind}, {"steps", 200}}}.solve();
    EXPECT_NEAR(path.diagnostics.back().mass, 1, 1e-8) << kind;
    EXPECT_GE(least(path), 0) << kind;
    EXPECT_NEAR(mass_below(path, 1), mass_below(steady, 1), 1e-6) << kind;
  }
  const auto backward =
      DensityCase{pull, nullptr, ring(120), {0}, {{"equation", "backward"}, {"function", "x"}, {"steps", 100}}}.solve();
  EXPECT_GE(least(backward), -1);
}

// Risken 1989, section 11: a tilted periodic potential is not single-valued on a circle and drives a current.
TEST(Seam, PotentialThatIsNotSingleValued) {
  const auto circle = grid({{"lower", 0}, {"upper", 2 * pi}, {"cells", 128}, {"boundary", "periodic"}});
  const auto tilted = process("langevin", {{"dimension", 1}, {"potential", "cos(x) - 0.5*x"}, {"temperature", 0.5}});
  const auto path = DensityCase{tilted, nullptr, circle, {0}, {{"equation", "stationary"}}}.solve();
  const PointArray current = densities::current(path, path.snapshots[0]);
  for (Index i = 0; i < current.size(); ++i) EXPECT_NEAR(current(i, 0), 0.0279466, 2e-7);
  EXPECT_FALSE(path.notes.empty());
  const auto closed = process("langevin", {{"dimension", 1}, {"potential", "cos(x)"}, {"temperature", 0.5}});
  EXPECT_TRUE((DensityCase{closed, nullptr, circle, {0}, {{"equation", "stationary"}}}.solve().notes.empty()));
}

// No drift, walls: p ~ 1/D (Ito), 1/g (Stratonovich), flat (Haenggi and Klimontovich). The jump lies on a face, in the
// middle of a cell or anywhere.
TEST(Jump, StationaryLawOfEachReading) {
  const std::vector<std::pair<const char*, double>> readings{{"ito", 0.25}, {"stratonovich", 0.5}, {"haenggi", 1.0}};
  for (const auto& [reading, right] : readings) {
    for (int cells : {200, 201, 130}) {
      const auto medium = process("expression", {{"drift", {"0"}}, {"noise", "if(x<0,1,2)"}, {"convention", reading}});
      const auto line = grid({{"lower", -1}, {"upper", 1}, {"cells", cells}});
      const auto path = DensityCase{medium, nullptr, line, {0}, {{"equation", "stationary"}}}.solve();
      const double left = mass_below(path, cells == 201 ? -0.001 : 0.0), share = cells == 201 ? 1 - 1.0 / 201 : 1;
      EXPECT_NEAR(left, share / (1 + right), 1e-10) << reading << cells;
    }
  }
}

// Relaxation through a jump: order 2, also where it lies inside a cell.
TEST(Jump, OrderInSpace) {
  const auto medium = process("expression", {{"drift", {"-x"}}, {"noise", "if(x<0,1,2)"}, {"horizon", 0.3}});
  const auto start = law("gaussian", {{"mean", {-0.4}}, {"deviation", {0.3}}});
  const auto left = [&](int cells) {
    return mass_below(DensityCase{medium, start, grid({{"lower", -2}, {"upper", 2}, {"cells", cells}}), {0.3}}.solve(),
                      0);
  };
  const double fine = left(1280);
  std::vector<double> errors;
  for (int cells : {40, 80, 160}) errors.push_back(std::abs(left(cells) - fine));
  expect_order(errors, 1.8, 2.3, "mass left of a jump");
}

// The same in the plane, turned noise: the Ito law p ~ 1/D across the jump, in one line of cells after the other.
TEST(Jump, CrossTerms) {
  const auto medium = process(
      "expression",
      {{"drift", {"0", "0"}},
       {"noise", Json::array({Json::array({"if(x<0,1,2)", "0"}), Json::array({"0.5*if(x<0,1,2)", "if(x<0,1,2)"})})}});
  const auto box =
      grid({{"lower", {-1, -1}}, {"upper", {1, 1}}, {"cells", {24, 24}}, {"boundary", {"no_flux", "periodic"}}});
  const auto path = DensityCase{medium, nullptr, box, {0}, {{"equation", "stationary"}}}.solve();
  EXPECT_NEAR(mass_below(path, 0), 0.8, 1e-8);
}

// Square-root noise, also where zero is reached (2 rate mean < sigma^2): noncentral chi-square.
TEST(Degenerate, SquareRootNoise) {
  const auto start = law("dirac", {{"at", {0.04}}});
  for (double sigma : {0.4, 0.8}) {
    const auto v = process("cir", {{"rate", 2}, {"mean", 0.04}, {"sigma", sigma}});
    const auto exact = v->marginal(start, 1);
    std::vector<double> errors;
    for (int cells : {100, 200, 400}) {
      const DensityCase problem{v, start, grid({{"lower", 0}, {"upper", 2}, {"cells", cells}}), {1}};
      auto path = problem.solve();
      errors.push_back(l1_error(*path.grid, path.snapshots[0].values, *exact));
      densities::estimate_errors(problem.settings(), path);
      EXPECT_LT(errors.back(), 2 * path.errors[0].space) << sigma << " " << cells;
      EXPECT_GT(errors.back(), 0.3 * path.errors[0].space) << sigma << " " << cells;
    }
    expect_order(errors, 1.8, 2.3, "square-root noise");
  }
}

// Variance of Heston with correlation: means of a linear drift are exact, on any grid.
TEST(Degenerate, CorrelatedVariance) {
  const auto heston = process(
      "expression", {{"drift", {"-0.5*y", "2*(0.06-y)"}},
                     {"noise", Json::array({Json::array({"sqrt(max(y,0))", "0"}),
                                            Json::array({"-0.42*sqrt(max(y,0))", "0.6*sqrt(0.51)*sqrt(max(y,0))"})})}});
  const auto start = law("gaussian", {{"mean", {0, 0.08}}, {"deviation", {0.1, 0.015}}});
  const auto plane = grid({{"lower", {-3, 0}}, {"upper", {3, 1.5}}, {"cells", {48, 60}}});
  const auto path = DensityCase{heston, start, plane, {1}, {{"steps", 100}}}.solve();
  const std::vector<double> volumes = plane->local_volumes();
  const PointArray x = plane->local_centres();
  parallel::ExactSum mean[2];
  for (Index i = 0; i < x.size(); ++i) {
    for (int k = 0; k < 2; ++k) mean[k].add(x(i, k) * volumes[i] * path.snapshots[0].values[i]);
  }
  const double v = 0.06 + 0.02 * std::exp(-2.0), log_price = -0.5 * (0.06 + 0.01 * (1 - std::exp(-2.0)));
  const double cut = 2e-6;  // mass beyond the walls, and of the start below zero
  EXPECT_NEAR(world().sum(mean[1]), v, cut);
  EXPECT_NEAR(world().sum(mean[0]), log_price, cut);
}

// Exit from (0, 1/2) with drift 1/2 and D = 1/2 from 0.15, which is no cell's centre: scale function e^{-x}.
TEST(PointSource, OffTheCentre) {
  const auto drifting = process("expression", {{"drift", {"0.5"}}, {"noise", 1}, {"horizon", 4}});
  const auto start = law("dirac", {{"at", {0.15}}});
  const double left = (std::exp(-0.15) - std::exp(-0.5)) / (1 - std::exp(-0.5));
  const double time = (0.5 * (1 - left) - 0.15) / 0.5;
  EXPECT_NEAR(left, 0.645990, 1e-6);
  EXPECT_NEAR(time, 0.0540099, 1e-7);
  for (int cells : {25, 50, 100}) {  // 0.15 is an edge, a centre and an edge again
    const auto line = grid({{"lower", 0}, {"upper", 0.5}, {"cells", cells}, {"boundary", "absorbing"}});
    const auto path = DensityCase{drifting, start, line, {4}}.solve();
    const auto steady = DensityCase{drifting, start, line, {0}, {{"equation", "mean_first_passage"}}}.solve();
    const double h2 = std::pow(0.5 / cells, 2);
    EXPECT_NEAR(path.diagnostics.back().absorbed[0][0], left, h2);
    EXPECT_NEAR(steady.quantities.at("mean_first_passage_time"), time, h2);
    EXPECT_NEAR(steady.quantities.at("exit_probability_0_lower"), left, h2);
  }
  // Nearer to a side than the first centre: most leaves at once, and all that does is counted.
  const auto line = grid({{"lower", 0}, {"upper", 0.5}, {"cells", 50}, {"boundary", "absorbing"}});
  const auto path = DensityCase{drifting, law("dirac", {{"at", {0.001}}}), line, {4}}.solve();
  EXPECT_NEAR(path.diagnostics.back().absorbed[0][1], (1 - std::exp(-0.001)) / (1 - std::exp(-0.5)), 1e-4);
  EXPECT_NEAR(path.diagnostics.back().absorbed[0][0] + path.diagnostics.back().absorbed[0][1], 1, 1e-6);
}

// A point in the plane, on a periodic axis across the seam: mass and mean.
TEST(PointSource, MassAndMean) {
  const auto still = process("expression", {{"drift", {"0", "0"}}, {"noise", 1}});
  const auto start = law("dirac", {{"at", {0.013, 0.47}}});
  const auto box =
      grid({{"lower", {0, 0}}, {"upper", {1, 1}}, {"cells", {8, 8}}, {"boundary", {"periodic", "no_flux"}}});
  const auto path = DensityCase{still, start, box, {0, 1e-9}}.solve();
  const std::vector<double> volumes = box->local_volumes();
  const PointArray x = box->local_centres();
  parallel::ExactSum sine, cosine, height;
  for (Index i = 0; i < x.size(); ++i) {
    const double mass = path.snapshots[1].values[i] * volumes[i];
    sine.add(mass * std::sin(2 * pi * x(i, 0)));
    cosine.add(mass * std::cos(2 * pi * x(i, 0)));
    height.add(mass * x(i, 1));
  }
  EXPECT_NEAR(world().sum(height), 0.47, 1e-6);
  EXPECT_NEAR(path.diagnostics.back().mass, 1, 1e-12);
  EXPECT_NEAR(std::atan2(world().sum(sine), world().sum(cosine)) / (2 * pi), 0.013, 1.0 / 64);
}
