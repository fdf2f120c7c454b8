// ranks: 1 2
// PETSc's integrators on the assembled generator: order in time, agreement with the default propagator, limits and
// failures.
#include <petscdm.h>

#include "fortet/densities/dmda.hpp"
#include "support/densities.hpp"

using namespace fortet;
using namespace fortet::test;

namespace {
DensityCase problem(Json options) {
  const auto spiral = process("expression", {{"drift", {"-x + y*cos(t)", "-y - x*cos(t)"}}, {"noise", 1.0}});
  return {spiral,
          law("gaussian", {{"mean", {0.8, 0.0}}, {"deviation", 0.6}}),
          grid({{"lower", {-3.5, -3.5}}, {"upper", {3.5, 3.5}}, {"cells", {24, 24}}}),
          {1},
          std::move(options)};
}
double distance(const densities::DensityPath& a, const densities::DensityPath& b) {
  std::vector<double> difference = a.snapshots[0].values;
  for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= b.snapshots[0].values[i];
  return l1_error(*a.grid, difference, [](const double*) { return 0.0; });
}
}  // namespace

TEST(Integrators, OrdersInTime) {
  const auto reference = problem({{"propagator", {{"kind", "arkimex"}}}, {"steps", 200}}).solve();
  struct Row {
    const char* kind;
    double low, high;
  };
  for (const Row& row : {Row{"backward_euler", 0.85, 1.1}, Row{"crank_nicolson", 1.85, 2.15}, Row{"bdf2", 1.7, 2.3},
                         Row{"tr_bdf2", 1.8, 2.2}, Row{"rosenbrock", 1.8, 3.4}, Row{"arkimex", 2.5, 3.4}}) {
    std::vector<double> errors;
    for (int steps : {16, 32})
      errors.push_back(distance(problem({{"propagator", {{"kind", row.kind}}}, {"steps", steps}}).solve(), reference));
    expect_order(errors, row.low, row.high, row.kind);
  }
  // The split propagator has the same space operator.
  EXPECT_LT(distance(problem({{"propagator", "strang"}, {"steps", 400}}).solve(), reference), 1e-4);
}

TEST(Integrators, AdaptiveStepsFollowTheirTolerance) {
  const auto reference = problem({{"propagator", {{"kind", "arkimex"}}}, {"steps", 200}}).solve();
  for (const char* kind : {"tr_bdf2", "rosenbrock", "arkimex"}) {
    const auto path =
        problem({{"propagator",
                  {{"kind", kind}, {"adaptive", true}, {"relative_tolerance", 1e-5}, {"absolute_tolerance", 1e-8}}}})
            .solve();
    EXPECT_LT(distance(path, reference), 1e-3) << kind;
    EXPECT_GT(path.work.at("steps"), 4) << kind;
    EXPECT_NEAR(path.diagnostics.back().mass, path.diagnostics.front().mass, 1e-8) << kind;
  }
}

TEST(Integrators, NegativeMassIsReportedAndFailsBeyondItsLimit) {
  auto narrow = problem({{"propagator", {{"kind", "crank_nicolson"}}}, {"steps", 3}, {"negative_mass_limit", 1.0}});
  narrow.initial = law("gaussian", {{"dimension", 2}, {"deviation", 0.05}});
  narrow.grid = grid({{"lower", {-3.5, -3.5}}, {"upper", {3.5, 3.5}}, {"cells", {96, 96}}});
  const auto path = narrow.solve();
  EXPECT_GT(path.work.at("negative_cells"), 0);
  EXPECT_LT(path.work.at("negative_mass"), 0);
  EXPECT_FALSE(path.notes.empty());
  EXPECT_NE((path.notes.empty() ? std::string() : path.notes[0]).find("dt max|L_ii| <= 2"), std::string::npos);
  narrow.options["negative_mass_limit"] = 1e-8;
  try {
    narrow.solve();
    ADD_FAILURE() << "negative mass went through";
  } catch (const DivergedError& error) {
    EXPECT_NE(std::string(error.what()).find("negative_mass_limit"), std::string::npos) << error.what();
    EXPECT_EQ(error.exit_code(), ExitCode::diverged);
  }
}

TEST(Integrators, BackwardEquationAgreesWithTheDefaultPropagator) {
  // Two methods of second order for one system: their distance falls with the square of the step.
  std::vector<double> distances;
  for (int steps : {20, 40}) {
    DensityCase one = problem(
        {{"equation", "backward"}, {"function", "x + x*y^2"}, {"propagator", {{"kind", "tr_bdf2"}}}, {"steps", steps}});
    one.at = {0.2};
    const auto implicit = one.solve();
    one.options["propagator"] = "strang";
    distances.push_back(distance(implicit, one.solve()));
  }
  expect_order(distances, 1.8, 2.2, "backward equation");
}

TEST(Integrators, AbsorbedMassClosesTheBalance) {
  auto open = problem({{"propagator", {{"kind", "bdf2"}}}, {"steps", 100}});
  open.grid = grid({{"lower", {-1.5, -1.5}}, {"upper", {1.5, 1.5}}, {"cells", {16, 16}}, {"boundary", "absorbing"}});
  open.initial = law("gaussian", {{"dimension", 2}, {"deviation", 0.3}});
  const auto path = open.solve();
  double left = 0;
  for (const auto& axis : path.diagnostics.back().absorbed) left += axis[0] + axis[1];
  EXPECT_GT(left, 0.01);
  EXPECT_NEAR(path.diagnostics.back().mass + left, path.diagnostics.front().mass,
              1e-4);  // trapezoidal rule over the steps
}

TEST(Dmda, HasTheSlabsOfTheGrid) {
  const auto g = grid({{"lower", {0, 0, 0}},
                       {"upper", {1, 1, 1}},
                       {"cells", {5, 4, 7}},
                       {"boundary", Json::array({"periodic", "no_flux", "no_flux"})}});
  const auto dm = densities::make_dmda(*g);
  densities::VecOwner v;
  FORTET_PETSC(DMCreateGlobalVector(dm, v.out()));
  PetscInt begin = 0, end = 0;
  FORTET_PETSC(VecGetOwnershipRange(v, &begin, &end));
  EXPECT_EQ(begin, g->slab().begin * g->layer_size());
  EXPECT_EQ(end, g->slab().end * g->layer_size());
}
