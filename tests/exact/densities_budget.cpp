// ranks: 1 3
// Error estimates, scores of computed densities, currents, and what is refused.
#include "support/densities.hpp"

using namespace fortet;
using namespace fortet::test;

namespace {

Json square(int cells, double half) {
  return {{"lower", {-half, -half}}, {"upper", {half, half}}, {"cells", {cells, cells}}};
}

laws::LawPtr bumps() {
  return law("gaussian_mixture",
             {{"weights", {0.4, 0.6}}, {"means", {{-1.0, 0}, {1.0, 0.5}}}, {"deviations", {0.6, 0.7}}});
}

/// Largest deviation of a field from the score of a law over points inside a disc.
double score_error(const processes::Field& field, const laws::Law& exact, double t) {
  PointArray x(400, 2), here(400, 2), there(400, 2);
  for (Index i = 0; i < 400; ++i) {
    const double radius = 2.0 * std::sqrt((i + 0.5) / 400), angle = 2.399963 * static_cast<double>(i);
    x(i, 0) = radius * std::cos(angle);
    x(i, 1) = radius * std::sin(angle);
  }
  field.evaluate(t, x, here);
  exact.score(x, there);
  double worst = 0;
  for (Index i = 0; i < 400; ++i) {
    for (int k = 0; k < 2; ++k) worst = std::max(worst, std::abs(here(i, k) - there(i, k)));
  }
  return worst;
}

std::string message_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const ParameterError& error) {
    return error.parameter + ": " + error.what();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace

// The estimate of the defect of each cell is the true one up to higher order: what is left after taking it off is much
// smaller.
TEST(ErrorBudget, SpaceDefectsAreSignedAndAccurate) {
  const auto vp = process("vp", {{"dimension", 2}, {"beta", {{"kind", "linear"}, {"from", 0.1}, {"to", 6}}}});
  const DensityCase one{vp, bumps(), grid(square(96, 6)), {0.3, 1}};
  auto path = one.solve();
  densities::estimate_errors(one.settings(), path);
  EXPECT_EQ(path.errors.size(), 2u);
  std::vector<double> masses(path.grid->local_count());
  vp->marginal(bumps(), 0.3)->cell_masses(path.grid->local_edges(), masses);
  const std::vector<double> volumes = path.grid->local_volumes();
  parallel::ExactSum true_size, left_over;
  for (std::size_t i = 0; i < masses.size(); ++i) {
    const double defect = path.snapshots[0].values[i] * volumes[i] - masses[i];
    true_size.add(std::abs(defect));
    left_over.add(std::abs(defect - path.errors[0].defect[i]));
  }
  const double size = world().sum(true_size);
  EXPECT_NEAR(path.errors[0].space / size, 1, 0.15);
  EXPECT_LT(world().sum(left_over), 0.2 * size);
  EXPECT_EQ(path.errors[0].time, 0);  // exact in time
  EXPECT_LT(path.errors[0].boundary, 1e-10);
}

TEST(ErrorBudget, OddCellCountsUseAFinerGrid) {
  const auto ou = process("ornstein_uhlenbeck", {{"dimension", 1}});
  const auto start = law("gaussian", {{"mean", {1.0}}, {"deviation", 0.5}});
  const DensityCase one{ou, start, grid({{"lower", -6.0}, {"upper", 6.0}, {"cells", 75}}), {0.5}};
  auto path = one.solve();
  densities::estimate_errors(one.settings(), path);
  const double size = l1_error(*path.grid, path.snapshots[0].values, *ou->marginal(start, 0.5));
  EXPECT_NEAR(path.errors[0].space / size, 1, 0.1);
}

TEST(ErrorBudget, TimeErrorOfTheSplitting) {
  const auto spiral = process("linear", {{"drift", {{-0.5, 2.0}, {-2.0, -0.5}}}, {"noise", {{1.0, 0.0}, {0.0, 0.7}}}});
  DensityCase one{spiral, bumps(), grid(square(48, 5)), {1}, {{"propagator", "strang"}, {"steps", 20}}};
  auto path = one.solve();
  densities::estimate_errors(one.settings(), path);
  one.options["steps"] = 640;
  const auto fine = one.solve();
  std::vector<double> difference = path.snapshots[0].values;
  for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= fine.snapshots[0].values[i];
  const double size = l1_error(*path.grid, difference, [](const double*) { return 0.0; });
  EXPECT_NEAR(path.errors[0].time / size, 1, 0.05);
}

TEST(Score, OfAComputedDensityIsOfSecondOrder) {
  const auto vp = process("vp", {{"dimension", 2}, {"beta", 2.0}});
  std::vector<double> errors;
  for (int cells : {48, 96, 192}) {
    const auto path = DensityCase{vp, bumps(), grid(square(cells, 6)), {0.2, 0.25, 0.3}}.solve();
    const auto field = densities::score_field(path);
    errors.push_back(score_error(*field, *vp->marginal(bumps(), 0.25), 0.25));
    // Between snapshots the logarithm is interpolated linearly: second order in their distance.
    EXPECT_LT(score_error(*field, *vp->marginal(bumps(), 0.275), 0.275), errors.back() + 0.02);
  }
  expect_order(errors, 1.6, 2.4, "score");
}

TEST(Velocity, OfAnOrnsteinUhlenbeckLaw) {
  // v = b - D grad log p, exact for a Gaussian.
  const auto ou = process("ornstein_uhlenbeck", {{"dimension", 2}});
  const auto start = law("gaussian", {{"mean", {1.0, -0.5}}, {"deviation", 0.6}});
  std::vector<double> errors;
  for (int cells : {32, 64, 128}) {
    const auto path = DensityCase{ou, start, grid(square(cells, 5)), {0.4}}.solve();
    const PointArray v = densities::velocity(path, path.snapshots[0]);
    const PointArray x = path.grid->local_centres();
    PointArray score(x.size(), 2);
    const auto exact = ou->marginal(start, 0.4);
    exact->score(x, score);
    parallel::ExactSum sum;
    const std::vector<double> volumes = path.grid->local_volumes();
    for (Index i = 0; i < x.size(); ++i) {
      for (int k = 0; k < 2; ++k)
        sum.add(std::abs(v(i, k) - (-x(i, k) - score(i, k))) * path.snapshots[0].values[i] * volumes[i]);
    }
    errors.push_back(world().sum(sum));
  }
  expect_order(errors, 1.8, 2.2, "velocity");
}

TEST(Refused, WithTheReason) {
  const auto ou = process("ornstein_uhlenbeck", {{"dimension", 2}});
  const auto good = DensityCase{ou, bumps(), grid(square(16, 6)), {1}};
  const auto check = [&](DensityCase one) { return message_of([&] { densities::check_density(one.settings()); }); };
  EXPECT_EQ(check(good), "nothing was thrown");
  DensityCase bad = good;
  bad.at = {0.5, 2};
  EXPECT_NE(check(bad).find("at: expected times in [0, 1]"), std::string::npos) << check(bad);
  bad = good;
  bad.grid = grid({{"lower", -1.0}, {"upper", 1.0}, {"cells", 16}});
  EXPECT_NE(check(bad).find("grid: expected a grid with 2 axes"), std::string::npos) << check(bad);
  bad = good;
  bad.options = {{"steps", 10}, {"tolerance", 0.1}};
  EXPECT_NE(check(bad).find("give either"), std::string::npos) << check(bad);
  bad = good;
  bad.options = {{"equation", "backward"}};
  EXPECT_NE(check(bad).find("function: a backward equation needs"), std::string::npos) << check(bad);
  bad.options = {{"equation", "backward"}, {"function", "x +* y"}};
  EXPECT_EQ(check(bad).rfind("function: ", 0), 0u) << check(bad);
  bad = good;
  bad.process = process("expression", {{"drift", {"y", "-x"}}});
  bad.options = {{"equation", "backward"}, {"function", "x"}};
  EXPECT_NE(check(bad).find("transport: upwind"), std::string::npos) << check(bad);
  // A grid too small for its law, at the start and later.
  bad = good;
  bad.grid = grid(square(16, 1));
  EXPECT_NE(message_of([&] { bad.solve(); }).find("too small for its law"), std::string::npos);
  bad.grid = grid(square(16, 2.6));
  bad.process = process("brownian", {{"dimension", 2}, {"sigma", 2.0}});
  bad.options = {{"boundary_mass_limit", 0.05}};
  EXPECT_NE(message_of([&] { bad.solve(); }).find("outermost cells hold a mass"), std::string::npos)
      << message_of([&] { bad.solve(); });
  bad = good;
  bad.process = process("expression", {{"drift", {"-x", "-y/(x-3.375)"}}, {"noise", 1.0}});
  EXPECT_NE(message_of([&] { bad.solve(); }).find("not finite"), std::string::npos) << message_of([&] { bad.solve(); });
  bad = good;
  bad.process = process("expression", {{"drift", {"y-x", "-y"}}, {"noise", 1.0}});
  bad.options = {{"propagator", "separable"}};
  EXPECT_NE(message_of([&] { bad.solve(); }).find("independent"), std::string::npos);
}
