// Linear noising families and linear SDEs against their Gaussian (mixture) laws.
#include "support/densities.hpp"

using namespace fortet;
using namespace fortet::test;

namespace {

Json square(int cells, double half, const char* boundary = "no_flux") {
  return {{"lower", {-half, -half}}, {"upper", {half, half}}, {"cells", {cells, cells}}, {"boundary", boundary}};
}

laws::LawPtr bumps() {
  return law("gaussian_mixture",
             {{"weights", {0.3, 0.7}}, {"means", {{-1.5, 0}, {1.5, 1}}}, {"deviations", {0.5, 0.7}}});
}

}  // namespace

TEST(VariancePreserving, SpaceIsOfSecondOrderAndMassIsKept) {
  const auto vp = process("vp", {{"dimension", 2}, {"beta", {{"kind", "linear"}, {"from", 0.1}, {"to", 6}}}});
  for (const char* propagator : {"separable", "strang"}) {
    std::vector<double> errors;
    for (int cells : {32, 64, 128}) {
      const auto path =
          DensityCase{vp, bumps(), grid(square(cells, 6.5)), {0.5, 1}, {{"propagator", propagator}}}.solve();
      const auto exact = vp->marginal(bumps(), 0.5);
      errors.push_back(l1_error(*path.grid, path.at(0.5).values, *exact));
      const double start = path.diagnostics.front().mass;
      EXPECT_NEAR(path.diagnostics.back().mass, start, 3e-14);
      EXPECT_GT(path.diagnostics.back().smallest, 0);
    }
    expect_order(errors, 1.8, 2.2, propagator);
  }
}

TEST(OrnsteinUhlenbeck, OddCellCountsAndStretchedGridsKeepTheOrder) {
  const auto ou = process("ornstein_uhlenbeck", {{"dimension", 1}});
  const auto start = law("gaussian", {{"mean", {1.0}}, {"deviation", 0.5}});
  std::vector<double> uniform, stretched;
  for (int cells : {41, 82, 164}) {
    Json values{{"lower", -6.0}, {"upper", 6.5}, {"cells", cells}};
    auto path = DensityCase{ou, start, grid(values), {0.7}}.solve();
    uniform.push_back(l1_error(*path.grid, path.at(0.7).values, *ou->marginal(start, 0.7)));
    values["stretching"] = Json::array({{{"axis", 0}, {"focus", 0.3}, {"strength", 2.5}}});
    path = DensityCase{ou, start, grid(values), {0.7}}.solve();
    stretched.push_back(l1_error(*path.grid, path.at(0.7).values, *ou->marginal(start, 0.7)));
    EXPECT_NEAR(path.diagnostics.back().mass, path.diagnostics.front().mass, 3e-14);
  }
  expect_order(uniform, 1.8, 2.2, "uniform");
  expect_order(stretched, 1.8, 2.3, "stretched");
}

// dX = A X dt + B dW with a rotating drift: axes do not commute, so Strang splitting has an error in time.
TEST(LinearSde, StrangSplittingIsOfSecondOrderInTime) {
  const auto spiral = process("linear", {{"drift", {{-0.5, 2.0}, {-2.0, -0.5}}}, {"noise", {{1.0, 0.0}, {0.0, 0.7}}}});
  const auto start = law("gaussian", {{"mean", {1.0, 0.0}}, {"deviation", 0.6}});
  const auto plane = grid(square(64, 5));
  const auto solve = [&](int steps) {
    return DensityCase{spiral, start, plane, {1}, {{"propagator", "strang"}, {"steps", steps}}}
        .solve()
        .snapshots[0]
        .values;
  };
  const auto fine = solve(256);
  std::vector<double> errors;
  for (int steps : {8, 16, 32}) {
    const auto coarse = solve(steps);
    std::vector<double> difference(coarse.size());
    for (std::size_t i = 0; i < coarse.size(); ++i) difference[i] = coarse[i] - fine[i];
    errors.push_back(l1_error(*plane, difference, [](const double*) { return 0.0; }));
  }
  expect_order(errors, 1.9, 2.1, "Strang, time");
  std::vector<double> space;
  for (int cells : {32, 64, 128}) {
    const auto path =
        DensityCase{spiral, start, grid(square(cells, 5)), {1}, {{"propagator", "strang"}, {"steps", 64}}}.solve();
    space.push_back(l1_error(*path.grid, path.snapshots[0].values, *spiral->marginal(start, 1)));
  }
  expect_order(space, 1.75, 2.2, "Strang, space");
}

TEST(LinearSde, AdaptiveStepsKeepTheirTolerance) {
  const auto spiral = process("linear", {{"drift", {{-0.5, 2.0}, {-2.0, -0.5}}}, {"noise", {{1.0, 0.0}, {0.0, 0.7}}}});
  const auto start = law("gaussian", {{"mean", {1.0, 0.0}}, {"deviation", 0.6}});
  const auto plane = grid(square(48, 5));
  const auto fine = DensityCase{spiral, start, plane, {0.37, 1}, {{"propagator", "strang"}, {"steps", 400}}}.solve();
  for (double tolerance : {1e-2, 1e-3}) {
    const auto path =
        DensityCase{spiral, start, plane, {0.37, 1}, {{"propagator", "strang"}, {"tolerance", tolerance}}}.solve();
    std::vector<double> difference = path.at(1).values;
    for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= fine.at(1).values[i];
    const double error = l1_error(*plane, difference, [](const double*) { return 0.0; });
    EXPECT_LE(error, tolerance);
    EXPECT_GE(error, 0.02 * tolerance);  // and does not waste steps
  }
}

// Full tensor: rotated, strongly anisotropic diffusion against the exact Gaussian.
TEST(LinearSde, RotatedAnisotropicDiffusionIsPositiveAndOfSecondOrder) {
  const double c = std::cos(0.5), s = std::sin(0.5), large = 1.0, small = 0.25;
  const auto rotated = process(
      "linear", {{"drift", {{-1.0, 0.0}, {0.0, -1.0}}}, {"noise", {{large * c, -small * s}, {large * s, small * c}}}});
  const auto start = law("gaussian", {{"mean", {0.5, -0.3}}, {"deviation", 0.5}});
  std::vector<double> errors;
  for (int cells : {32, 64, 128}) {
    const auto path = DensityCase{rotated, start, grid(square(cells, 4)), {0.5}}.solve();
    errors.push_back(l1_error(*path.grid, path.snapshots[0].values, *rotated->marginal(start, 0.5)));
    EXPECT_GE(path.diagnostics.back().smallest, 0);
    EXPECT_NEAR(path.diagnostics.back().mass, path.diagnostics.front().mass, 1e-13);
  }
  expect_order(errors, 1.7, 2.3, "rotated diffusion");
}

TEST(LinearSde, FullTensorInThreeDimensions) {
  const auto process3 = process("linear", {{"drift", {{-1.0, 0, 0}, {0, -1.0, 0}, {0, 0, -1.0}}},
                                           {"noise", {{0.8, 0.3, 0.0}, {0.0, 0.7, 0.2}, {0.2, 0.0, 0.6}}}});
  const auto start = law("gaussian", {{"dimension", 3}, {"deviation", 0.6}});
  std::vector<double> errors;
  for (int cells : {16, 32}) {
    const Json values{{"lower", {-3, -3, -3}}, {"upper", {3, 3, 3}}, {"cells", {cells, cells, cells}}};
    const auto path = DensityCase{process3, start, grid(values), {0.25}}.solve();
    errors.push_back(l1_error(*path.grid, path.snapshots[0].values, *process3->marginal(start, 0.25)));
    EXPECT_GT(path.diagnostics.back().smallest, 0);
  }
  expect_order(errors, 1.6, 2.4, "3-D tensor");
}

// Position without diffusion (WENO5), velocity with: against Van Loan's Gaussian.
TEST(UnderdampedOscillator, ApproachesItsGaussian) {
  const double w = 1.3, g = 0.8, temperature = 0.7;
  const auto oscillator = process("linear", {{"drift", {{0.0, 1.0}, {-w * w, -g}}},
                                             {"noise", {{0.0, 0.0}, {0.0, std::sqrt(2 * g * temperature)}}}});
  const auto start = law("gaussian", {{"mean", {0.8, 0.0}}, {"deviation", {0.5, 0.6}}});
  std::vector<double> errors;
  for (int cells : {32, 64, 128}) {
    const auto path = DensityCase{oscillator, start, grid(square(cells, 5)), {1}, {{"steps", cells}}}.solve();
    errors.push_back(l1_error(*path.grid, path.snapshots[0].values, *oscillator->marginal(start, 1)));
    EXPECT_GE(path.diagnostics.back().smallest, 0);
    EXPECT_NEAR(path.diagnostics.back().mass, path.diagnostics.front().mass, 1e-13);
  }
  expect_order(errors, 1.8, 2.6, "underdamped oscillator");
}
