// ranks: 1 3
// Boxes of a density: mass change against the flux through the sides, on the grid and by counting particles. Steady
// states as decks ask for them.
#include "fortet/comparisons/check.hpp"
#include "support/densities.hpp"
#include "support/ensembles.hpp"

using namespace fortet;
using namespace fortet::test;

namespace {

Json box(const char* name, std::vector<double> lower, std::vector<double> upper) {
  return {{"name", name}, {"lower", lower}, {"upper", upper}};
}

/// Turning and contracting, with a full diffusion tensor or a diagonal one.
processes::ProcessPtr spiral(double turn, bool cross, double pull = 1) {
  const double mixed = cross ? 0.5 : 0.0;
  return process("linear",
                 {{"drift", {{-pull, turn}, {-turn, -pull}}}, {"noise", {{1.0, 0.0}, {mixed, 1.0}}}, {"horizon", 1.0}});
}

/// Largest violation of mass(t) - mass(0) + outflow(t) = 0 over boxes and times.
double violation(const densities::DensityPath& path) {
  double worst = 0;
  for (const densities::BoxBalance& balance : path.boxes) {
    for (std::size_t i = 0; i < balance.mass.size(); ++i) {
      worst = std::max(worst, std::abs(balance.mass[i] - balance.mass[0] + balance.outflow[i]));
    }
  }
  return worst;
}

}  // namespace

// The only error is that of the steps: order two, for boxes inside, at the sides of the domain and across its joint.
TEST(BoxBalance, ClosesWithTheOrderOfTheSteps) {
  for (const bool cross : {false, true}) {
    std::vector<double> errors;
    for (const int steps : {20, 40, 80}) {
      DensityCase problem{spiral(1.5, cross),
                          law("gaussian", {{"mean", {1.0, 0.3}}, {"deviation", 0.4}}),
                          grid({{"lower", {-4.0, -4.0}}, {"upper", {4.0, 4.0}}, {"cells", {40, 39}}}),
                          {0.3, 1.0},
                          {{"propagator", "strang"}, {"steps", steps}}};
      problem.options["boxes"] = {box("inside", {-0.5, -1}, {1, 2}), box("corner", {0, 0}, {4, 4}),
                                  box("all", {-4, -4}, {4, 4})};
      const densities::DensityPath path = problem.solve();
      EXPECT_EQ(path.boxes.size(), 3u);
      EXPECT_LT(std::abs(path.boxes[2].outflow.back()), 1e-13);  // nothing leaves the domain
      EXPECT_GT(std::abs(path.boxes[0].outflow.back()), 0.01);
      errors.push_back(violation(path));
    }
    expect_order(errors, 1.8, 2.2, cross ? "balance of a box, full tensor" : "balance of a box, split");
  }
}

TEST(BoxBalance, AbsorbingSidesAndPeriodicAxes) {
  // What leaves the whole interval is what its sides absorb.
  const auto brownian = process("brownian", {{"dimension", 1}, {"horizon", 0.2}});
  DensityCase interval{brownian,
                       law("uniform", {{"lower", {0.2}}, {"upper", {0.6}}}),
                       grid({{"lower", 0.0}, {"upper", 1.0}, {"cells", 60}, {"boundary", "absorbing"}}),
                       {0.1, 0.2},
                       {{"steps", 800}, {"propagator", "strang"}}};
  interval.options["boxes"] = {box("all", {0}, {1})};
  const densities::DensityPath path = interval.solve();
  const double left = path.diagnostics.back().absorbed[0][0] + path.diagnostics.back().absorbed[0][1];
  EXPECT_NEAR(path.boxes[0].outflow.back(), left, 4 * path.boxes[0].outflow_error.back() + 1e-13);
  EXPECT_LT(path.boxes[0].outflow_error.back(), 1e-4);

  // A ring: the box ends at the joint, where the domain goes on; a box around the whole ring loses nothing along it.
  const auto plane = process("brownian", {{"dimension", 2}, {"horizon", 0.2}});
  DensityCase ring{plane,
                   law("gaussian", {{"mean", {0.9, 0.0}}, {"deviation", 0.15}}),
                   grid({{"lower", {-1.5, -1.5}},
                         {"upper", {1.5, 1.5}},
                         {"cells", {30, 30}},
                         {"boundary", {"periodic", "periodic"}}}),
                   {0.2},
                   {{"steps", 800}, {"propagator", "strang"}}};
  ring.options["boxes"] = {box("half", {0, -1.5}, {1.5, 1.5}), box("upper", {-1.5, 0}, {1.5, 1.5}),
                           box("all", {-1.5, -1.5}, {1.5, 1.5})};
  const densities::DensityPath turned = ring.solve();
  EXPECT_GT(turned.boxes[0].outflow.back(), 0.05);
  EXPECT_NEAR(turned.boxes[0].mass.back() - turned.boxes[0].mass.front() + turned.boxes[0].outflow.back(), 0, 1e-5);
  EXPECT_NEAR(turned.boxes[1].mass.back() - turned.boxes[1].mass.front() + turned.boxes[1].outflow.back(), 0, 1e-5);
  EXPECT_LT(std::abs(turned.boxes[2].outflow.back()), 1e-13);
}

namespace {
laws::LawPtr off_centre() { return law("gaussian", {{"mean", {1.0, 0.3}}, {"deviation", 0.4}}); }

/// The grid's side, with its errors estimated.
densities::DensityPath quarter() {
  DensityCase problem{spiral(1.5, false),
                      off_centre(),
                      grid({{"lower", {-4.0, -4.0}}, {"upper", {4.0, 4.0}}, {"cells", {64, 64}}}),
                      {0.1, 0.6},
                      {{"propagator", "strang"}, {"steps", 60}}};
  problem.options["boxes"] = {box("quarter", {0, 0}, {4, 4})};
  densities::DensityPath density = problem.solve();
  densities::estimate_errors(problem.settings(), density);
  return density;
}

/// flux_balance of exact particles of a process against the grid's: the row of the grid and that of the counts.
std::vector<comparisons::Result> flux_results(const densities::DensityPath& density,
                                              const processes::ProcessPtr& particles, std::int64_t count,
                                              std::uint64_t seed) {
  const ensembles::EnsemblePath ensemble = ensembles::run_ensemble(
      test::ensemble(particles, off_centre(), count, {{"stepper", {{"kind", "exact"}}}, {"at", {0.1, 0.6}}}, seed),
      world());
  comparisons::CheckSettings check;
  check.name = "test";
  check.parameters = Parameters::make("checks", "",
                                      {{"compare", {"ensembles.particles", "densities.test"}},
                                       {"by", {{{"kind", "flux_balance"}, {"box", "quarter"}}}}});
  check.first = {"ensembles.particles", nullptr, &ensemble, nullptr, nullptr, nullptr};
  check.second = {"densities.test", &density, nullptr, nullptr, nullptr, nullptr};
  check.times = {0.1, 0.6};
  comparisons::check_check(check);
  return comparisons::run_check(check, world());
}
}  // namespace

// Exact particles of the same process: p-values of 100 repetitions are uniform up to the equivalence margin, so that at
// most a few are small.
TEST(FluxBalance, CleanRunsPass) {
  const densities::DensityPath density = quarter();
  int small = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const auto results = flux_results(density, spiral(1.5, false), 3000, seed);
    EXPECT_EQ(results.size(), 2u);
    EXPECT_TRUE(results[0].agree) << results[0].value << " beyond " << *results[0].tolerance;
    small += *results[1].p_value < 0.05;
  }
  EXPECT_LE(small, 13);  // P(Binomial(100, 0.05) > 13) = 3e-4
}

// A drift that turns 5 % too fast moves more mass than the printed smallest visible defect, and is seen.
TEST(FluxBalance, WrongDriftIsCaught) {
  const densities::DensityPath density = quarter();
  const auto clean = flux_results(density, spiral(1.5, false), 400000, 1),
             wrong = flux_results(density, spiral(1.575, false), 400000, 1);
  EXPECT_GT(*clean[1].p_value, 0.01);
  EXPECT_GT(std::abs(wrong[1].value), wrong[1].smallest_visible_defect);
  EXPECT_LT(*wrong[1].p_value, 0.01);
  EXPECT_TRUE(wrong[0].agree);  // the grid's own balance does not depend on the particles
}

TEST(FluxBalance, RefusesWhatItCannotCompare) {
  const auto g = grid({{"lower", -1.0}, {"upper", 1.0}, {"cells", 20}});
  densities::DensityPath density;
  density.name = "d";
  density.grid = g;
  density.boxes = {{{"middle", {5}, {10}}, {}, {}, {}}};
  comparisons::CheckSettings check;
  check.parameters = Parameters::make(
      "checks", "", {{"compare", {"densities.d", "laws.l"}}, {"by", {{{"kind", "flux_balance"}, {"box", "middle"}}}}});
  check.first = {"densities.d", &density, nullptr, nullptr, nullptr, nullptr};
  check.second = {"laws.l", nullptr, nullptr, nullptr, law("gaussian", {{"dimension", 1}}), nullptr};
  const auto message = [&] {
    try {
      comparisons::check_check(check);
      comparisons::check_times(check);
    } catch (const ParameterError& error) {
      return error.parameter + ": " + error.what();
    }
    return std::string("accepted");
  };
  EXPECT_NE(message().find("needs an ensemble and a density with boxes, found densities.d and laws.l"),
            std::string::npos)
      << message();
  ensembles::EnsemblePath ensemble;
  ensemble.process = process("brownian", {{"dimension", 1}});
  check.second = {"ensembles.e", nullptr, &ensemble, nullptr, nullptr, nullptr};
  check.times = {0.5};
  EXPECT_NE(message().find("between two times, found 1"), std::string::npos) << message();
  check.times = {0.2, 0.5};
  EXPECT_EQ(message(), "accepted");
  density.boxes[0].box.name = "other";
  EXPECT_NE(message().find("densities.d has no box 'middle'; its boxes: other"), std::string::npos) << message();
}

TEST(Boxes, AreSnappedAndJudged) {
  DensityCase problem{process("brownian", {{"dimension", 1}}),
                      law("gaussian", {{"dimension", 1}}),
                      grid({{"lower", -4.0}, {"upper", 4.0}, {"cells", 16}}),
                      {1.0}};
  problem.options["boxes"] = {box("b", {-0.7}, {1.3})};
  const std::vector<densities::Box> boxes = densities::named_boxes(problem.settings());
  EXPECT_EQ(problem.grid->edges(0)[boxes[0].first[0]], -0.5);
  EXPECT_EQ(problem.grid->edges(0)[boxes[0].last[0]], 1.5);
  const auto message = [&](Json values) {
    problem.options["boxes"] = std::move(values);
    try {
      densities::check_density(problem.settings());
    } catch (const ParameterError& error) {
      return error.parameter + ": " + error.what();
    }
    return std::string("accepted");
  };
  EXPECT_NE(message({box("b", {0.1}, {0.2})}).find("boxes[0]: the box holds no cell"), std::string::npos);
  EXPECT_NE(message({box("b", {0, 0}, {1})}).find("boxes[0].lower: expected 1 numbers"), std::string::npos);
  EXPECT_NE(message({box("b", {0}, {1}), box("b", {1}, {2})}).find("two boxes are called 'b'"), std::string::npos);
}

// equation: stationary and mean_first_passage, as a deck gives them.
TEST(SteadyStates, StationaryLawWithItsErrorAndSpectralGap) {
  const auto well = process("langevin", {{"dimension", 1}, {"potential", "2*(x^2-1)^2"}});
  const auto exact = law("gibbs", {{"potential", "2*(x^2-1)^2"}, {"lower", {-2.5}}, {"upper", {2.5}}});
  std::vector<double> errors;
  for (const int cells : {50, 100, 200}) {
    DensityCase problem{well,
                        nullptr,
                        grid({{"lower", -2.5}, {"upper", 2.5}, {"cells", cells}}),
                        {0.0},
                        {{"equation", "stationary"}, {"spectral_gap", true}},
                        exact};
    densities::DensityPath path = problem.solve();
    EXPECT_TRUE(path.is_law);
    EXPECT_NEAR(path.diagnostics.front().mass, 1, 1e-13);
    errors.push_back(l1_error(*problem.grid, path.snapshots[0].values, *exact));
    densities::estimate_errors(problem.settings(), path);
    EXPECT_NEAR(path.errors[0].space / errors.back(), 1, 0.1) << cells;
    EXPECT_NEAR(path.quantities.at("spectral_gap") / 0.454546602, 1, 20.0 / (cells * cells)) << cells;
  }
  expect_order(errors, 1.8, 2.2, "stationary law");
}

TEST(SteadyStates, MeanFirstPassageAveragedOverALaw) {
  // tau(x) = x (1 - x) for D = 1/2 on the unit interval; its mean over [0.2, 0.6] is 0.4 - 0.52/3.
  DensityCase problem{process("brownian", {{"dimension", 1}}),
                      law("uniform", {{"lower", {0.2}}, {"upper", {0.6}}}),
                      grid({{"lower", 0.0}, {"upper", 1.0}, {"cells", 200}, {"boundary", "absorbing"}}),
                      {0.0},
                      {{"equation", "mean_first_passage"}}};
  const densities::DensityPath path = problem.solve();
  EXPECT_FALSE(path.is_law);
  EXPECT_NEAR(path.quantities.at("mean_first_passage_time"), 0.4 - 0.52 / 3, 1.0 / (200 * 200));
  problem.options["equation"] = "stationary";
  EXPECT_THROW(problem.solve(), ParameterError);  // an open grid
}

namespace {
const Json unit_walls{{"lower", {0, 0}}, {"upper", {1, 1}}, {"conditions", "absorbing"}};

/// What left the unit square, on the grid and by Euler-Maruyama particles, in two intervals of time.
class ExitsCase {
 public:
  explicit ExitsCase(processes::ProcessPtr process)
      : problem_{std::move(process),
                 law("uniform", {{"lower", {0.45, 0.45}}, {"upper", {0.55, 0.55}}}),
                 grid({{"lower", {0, 0}}, {"upper", {1, 1}}, {"cells", {48, 48}}, {"boundary", "absorbing"}}),
                 {0.2, 0.4},
                 {{"propagator", "strang"}, {"steps", 100}}} {
    density_ = problem_.solve();
    densities::estimate_errors(problem_.settings(), density_);
  }
  std::vector<comparisons::Result> against(const processes::ProcessPtr& particles, std::int64_t count,
                                           std::uint64_t seed) const {
    const ensembles::EnsembleSettings settings = test::ensemble(
        particles, problem_.initial, count, {{"steps", 40}, {"at", {0.2, 0.4}}, {"walls", unit_walls}}, seed);
    const ensembles::EnsemblePath fine = ensembles::run_ensemble(settings, world()),
                                  coarse = ensembles::run_coarser(settings, world(), 2);
    comparisons::CheckSettings check;
    check.parameters =
        Parameters::make("checks", "", {{"compare", {"ensembles.particles", "densities.test"}}, {"by", "exits"}});
    check.first = {"ensembles.particles", nullptr, &fine, &coarse, nullptr, nullptr};
    check.second = {"densities.test", &density_, nullptr, nullptr, nullptr, nullptr};
    check.times = {0.2, 0.4};
    comparisons::check_check(check);
    return comparisons::run_check(check, world());
  }

 private:
  DensityCase problem_;
  densities::DensityPath density_;
};

processes::ProcessPtr drifting(const char* along) {
  return process("expression", {{"drift", {along, "-x"}}, {"noise", 1}, {"horizon", 0.4}});
}
}  // namespace

// Four sides, two intervals, 30 repetitions; few particles (some sides expect less than one passage) and many.
TEST(Exits, RejectAtTheirRate) {
  const ExitsCase exits(drifting("1 + y"));
  for (const std::int64_t count : {50, 4000}) {
    int small = 0, all = 0;
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
      for (const comparisons::Result& result : exits.against(drifting("1 + y"), count, seed)) {
        small += *result.p_value < 0.01;
        ++all;
      }
    }
    EXPECT_EQ(all, 240);
    EXPECT_LE(small, 10) << count;  // P(Binomial(240, 0.01) > 10) = 4e-5; rows of one run are not independent
  }
}

TEST(Exits, WrongDriftAndWrongWallsAreCaught) {
  const ExitsCase exits(drifting("1 + y"));
  const auto wrong = exits.against(drifting("1.2 + y"), 100000, 1);
  double least = 1;
  for (const comparisons::Result& result : wrong) least = std::min(least, *result.p_value);
  EXPECT_LT(least, 1e-6);
  // Survival weights and what the sides took make one particle.
  const auto path = ensembles::run_ensemble(test::ensemble(drifting("1"), law("dirac", {{"at", {0.5, 0.5}}}), 1000,
                                                           {{"steps", 20}, {"at", {0.4}}, {"walls", unit_walls}}),
                                            world());
  const ensembles::Snapshot& snapshot = path.snapshots[0];
  ASSERT_EQ(path.exits.sides.size(), 4u);
  for (Index i = 0; i < snapshot.exits.size(); ++i) {
    double sum = snapshot.weights[i];
    for (int s = 0; s < 4; ++s) sum += snapshot.exits(i, s);
    EXPECT_NEAR(sum, 1, 1e-12);
  }
  double histogram = 0, exits_at_end = 0;
  for (const auto& masses : path.exits.masses) histogram += std::accumulate(masses.begin(), masses.end(), 0.0);
  parallel::ExactSum sum;
  for (Index i = 0; i < snapshot.exits.size(); ++i) sum.add(1 - snapshot.weights[i]);
  exits_at_end = world().sum(sum) / 1000;
  EXPECT_NEAR(histogram, exits_at_end, 1e-7);
}
