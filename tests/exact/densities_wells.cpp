// ranks: 1 2
// Equilibria, spectral gaps and stationary laws.
#include <numbers>

#include "support/densities.hpp"

using namespace fortet;
using namespace fortet::test;

namespace {
processes::ProcessPtr double_well(double a) {
  return process("langevin", {{"dimension", 1}, {"potential", "a*(x^2-1)^2"}, {"parameters", {{"a", a}}}});
}
}  // namespace

// lambda_1 of -f'' + U' f' on [-2.5, 2.5]; a Legendre-Galerkin method with 80 functions in extended precision gives
// these digits.
TEST(DoubleWell, SpectralGaps) {
  for (const auto& [a, gap] :
       std::vector<std::pair<double, double>>{{2, 0.454546602017}, {5, 0.0555228127315}, {8, 0.00457495111095}}) {
    std::vector<double> values, errors;
    for (int cells : {400, 800, 1600}) {
      values.push_back(
          densities::spectral_gap(*double_well(a), grid({{"lower", -2.5}, {"upper", 2.5}, {"cells", cells}})));
    }
    // Second order; extrapolated, the figures of the reference.
    for (double value : values) errors.push_back(std::abs(value - gap) / gap);
    expect_order({errors[0], errors[1]}, 1.9, 2.1, "spectral gap");
    EXPECT_NEAR((4 * values[2] - values[1]) / 3 / gap, 1, 3e-8) << a;  // the fourth-order term left, and the solver
  }
}

TEST(DoubleWell, EquilibriumIsKeptToRoundOff) {
  const auto planar =
      process("langevin", {{"dimension", 2}, {"potential", "3*(x^2-1)^2 + y^2/2 + x*y/2"}, {"horizon", 10}});
  const auto g = grid({{"lower", {-2, -5}}, {"upper", {2, 5}}, {"cells", {61, 50}}});
  const auto equilibrium = densities::stationary(*planar, g);
  EXPECT_NEAR(total(*g, equilibrium.values), 1, 1e-14);
  const auto propagator =
      densities::make_propagator(Parameters::make("propagators", "strang", Json::object()), planar, g);
  const std::vector<double> volumes = g->local_volumes();
  std::vector<double> masses = equilibrium.values;
  for (std::size_t i = 0; i < masses.size(); ++i) masses[i] *= volumes[i];
  const std::vector<double> before = masses;
  propagator->forward(0, 5, 100, masses);
  double change = 0, relative = 0;
  for (std::size_t i = 0; i < masses.size(); ++i) {
    change += std::abs(masses[i] - before[i]);
    relative = std::max(relative, std::abs(masses[i] / before[i] - 1));
  }
  // Every one of some 1e4 terms rounds once; the errors are random and each cell relaxes.
  EXPECT_LT(change, 1e-13);
  EXPECT_LT(relative, 1e-11);  // also where the density is 1e-20
}

TEST(Stationary, NonReversibleLinearProcess) {
  // dX = A X dt + B dW with rotation: Gaussian with A S + S A^T + B B^T = 0; here A = -I + w J, so S = I / 2 for B = I.
  const auto spiral = process("linear", {{"drift", {{-1.0, 1.5}, {-1.5, -1.0}}}, {"noise", {{1.0, 0.0}, {0.0, 1.0}}}});
  const auto exact = law("gaussian", {{"dimension", 2}, {"deviation", std::sqrt(0.5)}});
  std::vector<double> errors, gaps;
  for (int cells : {24, 48, 96}) {
    const auto g = grid({{"lower", {-3.5, -3.5}}, {"upper", {3.5, 3.5}}, {"cells", {cells, cells}}});
    const auto p = densities::stationary(*spiral, g);
    errors.push_back(l1_error(*g, p.values, *exact));
    gaps.push_back(std::abs(densities::spectral_gap(*spiral, g) - 1));
  }
  expect_order(errors, 1.8, 2.2, "stationary law");
  expect_order(gaps, 1.7, 2.4, "gap of a non-reversible process");
}

// dX = (sin x + 1/2) dt + dW on a circle: by Stratonovich's double integral over one period J
// is 0.0279466. Second order on a uniform grid.
TEST(Stationary, CurrentOfAWashboard) {
  const auto washboard = process("expression", {{"drift", {"sin(x) + 0.5"}}, {"noise", 1}});
  std::vector<double> found;
  for (const int cells : {128, 256}) {
    densities::DensitySettings settings;
    settings.name = "steady";
    settings.process = washboard;
    settings.grid = grid({{"lower", 0}, {"upper", 2 * M_PI}, {"cells", cells}, {"boundary", "periodic"}});
    settings.at = {0};
    settings.parameters =
        Parameters::make("densities", "", {{"process", "washboard"}, {"grid", "circle"}, {"equation", "stationary"}});
    const densities::DensityPlan plan = densities::check_density(settings);
    EXPECT_EQ(plan.quantities, std::vector<std::string>{"current"});
    found.push_back(densities::solve_density(settings).quantities.at("current"));
  }
  EXPECT_NEAR((4 * found[1] - found[0]) / 3, 0.0279466, 5e-8);  // the digits of the reference
}

TEST(Stationary, RefusesAnOpenGrid) {
  const auto g = grid({{"lower", -1.0}, {"upper", 1.0}, {"cells", 20}, {"boundary", "absorbing"}});
  EXPECT_THROW(densities::stationary(*double_well(1), g), UsageError);
  EXPECT_THROW(densities::spectral_gap(*double_well(1), g), UsageError);
  EXPECT_THROW(densities::mean_first_passage(*double_well(1), grid({{"lower", -1.0}, {"upper", 1.0}, {"cells", 20}})),
               UsageError);
}

// Mean first passage over the barrier: tau = D^-1 int_{x0}^{1} e^{U(y)} int_{-inf}^{y} e^{-U}.
TEST(DoubleWell, MeanFirstPassageOverTheBarrier) {
  const double a = 2;
  std::vector<double> errors;
  for (int cells : {50, 100, 200}) {
    const auto g = grid({{"lower", -2.5},
                         {"upper", 1.0},
                         {"cells", cells},
                         {"boundary", Json::array({Json::array({"no_flux", "absorbing"})})}});
    const auto tau = densities::mean_first_passage(*double_well(a), g);
    const auto u = [&](double x) { return a * (x * x - 1) * (x * x - 1); };
    const int fine = 70000;
    const double h = 3.5 / fine;
    double inner = 0, outer = 0;
    std::vector<double> from(fine + 1);  // integral from -2.5 to x of e^U * inner
    for (int i = 0; i < fine; ++i) {
      const double x = -2.5 + (i + 0.5) * h;
      const double middle = inner + 0.5 * h * std::exp(-u(x));
      outer += h * std::exp(u(x)) * middle;
      inner += h * std::exp(-u(x));
      from[i + 1] = outer;
    }
    double worst = 0;
    for (Index i = 0; i < g->local_count(); ++i) {
      const double x = g->centres(0)[g->slab().begin + i];
      const double exact = outer - from[static_cast<int>(std::lround((x + 2.5) / h))];
      worst = std::max(worst, std::abs(tau.values[i] - exact));
    }
    errors.push_back(world().max(worst));
  }
  expect_order(errors, 1.8, 2.2, "mean first passage");
}
