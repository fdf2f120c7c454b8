// ranks: 1 2 3
// Static transport, exact and entropic, is what the dynamic bridges find along their way.
#include <gtest/gtest.h>

#include "fortet/comparisons/measure.hpp"
#include "support/bridges.hpp"
#include "support/transport.hpp"

namespace {
using namespace fortet;

/// The measure of a solved bridge: the static value, then the relative difference of the dynamic one.
std::vector<double> measured(bridges::BridgePath path, Json values) {
  path.law.quantities = path.quantities;
  comparisons::MeasureContext context;
  context.side = [&](const std::string&) {
    comparisons::Side side;
    side.name = "bridges.b";
    side.density = &path.law;
    return side;
  };
  values["of"] = "bridges.b";
  const auto measure =
      comparisons::make_measure(Parameters::make("measures", "static_transport", values, "static"), context);
  std::vector<double> found;
  for (const comparisons::Measurement& one : measure->evaluate(context, test::world())) found.push_back(one.value);
  return found;
}

TEST(StaticTransport, EntropicOnTheLine) {
  const test::Line line{-0.5, 1, 0.5, 0.8, 0.7};
  std::vector<double> apart;
  for (const int cells : {60, 120, 240}) {
    const std::vector<double> found = measured(test::solve(line, cells).path, {{"sigma", line.sigma}});
    // The midpoint rule of a smooth integrand that vanishes at both ends is exact to rounding; the cells' masses are
    // those of the laws and not densities at centres: variances grow by h^2/12, and so does the cost.
    const double h = 18.0 / cells;
    EXPECT_NEAR(found[0], line.entropic_cost(), 0.2 * h * h) << cells;
    std::printf("%3d cells: static %.6f, exact %.6f, relative difference of the bridge %.2e\n", cells, found[0],
                line.entropic_cost(), found[1]);
    apart.push_back(std::abs(found[1]));
  }
  EXPECT_NEAR(std::log2(apart[0] / apart[1]), 2, 0.2);
  EXPECT_NEAR(std::log2(apart[1] / apart[2]), 2, 0.2);
}

TEST(StaticTransport, ExactOnTheLineAndInThePlane) {
  for (const int d : {1, 2}) {
    const double shift = 0.4;
    test::TransportCase problem;
    problem.source = test::law("gaussian", {{"mean", std::vector<double>(d, -shift)}, {"deviation", 0.35}});
    problem.target = test::law("gaussian", {{"mean", std::vector<double>(d, shift)}, {"deviation", 0.5}});
    problem.grid = densities::Grid::make(
        Parameters::make("grids", "", test::cube(d, d == 1 ? 100 : 24, -2.4, 2.4), "box"), test::world());
    problem.options = {{"intervals", 32}, {"tolerance", 2e-4}};
    problem.at = {0, 1};
    const std::vector<double> found = measured(problem.solve(), Json::object());
    const double exact = d * (4 * shift * shift + 0.15 * 0.15), h = 4.8 / (d == 1 ? 100 : 24);
    std::printf("%d-D: static %.6f, exact %.6f, relative difference of the flow %.2e\n", d, found[0], exact, found[1]);
    // Masses moved to centres move by up to h/2, on average without bias; the law is cut four deviations out.
    const double near = 0.5 * d * h * h + 2e-3;
    EXPECT_NEAR(found[0], exact, near);
    EXPECT_LT(std::abs(found[1]), near / exact);
  }
}

TEST(StaticTransport, SameOnAnyRanks) {
  test::TransportCase problem;
  problem.source = test::law("gaussian", {{"mean", {-0.3, 0.1}}, {"deviation", 0.4}});
  problem.target = test::law("gaussian", {{"mean", {0.3, 0.0}}, {"deviation", 0.3}});
  problem.options = {{"intervals", 8}, {"tolerance", 1e-2}};
  problem.at = {0, 1};
  std::vector<std::vector<double>> values;
  for (const MPI_Comm handle : {test::world().handle(), MPI_COMM_SELF}) {
    const parallel::Communicator communicator(handle);
    problem.grid = densities::Grid::make(Parameters::make("grids", "", test::cube(2, 14, -2, 2), "box"), communicator);
    bridges::BridgePath path;
    const auto solver = bridges::make_bridge(problem.settings());
    path = solver->solve();
    path.law.quantities = path.quantities;
    comparisons::MeasureContext context;
    context.side = [&](const std::string&) {
      comparisons::Side side;
      side.density = &path.law;
      return side;
    };
    for (const Json& sigma : {Json(), Json(0.8)}) {
      Json parameters{{"of", "bridges.b"}};
      if (!sigma.is_null()) parameters["sigma"] = sigma;
      const auto measure =
          comparisons::make_measure(Parameters::make("measures", "static_transport", parameters, "static"), context);
      std::vector<double> found;
      for (const comparisons::Measurement& one : measure->evaluate(context, communicator)) found.push_back(one.value);
      values.push_back(found);
    }
  }
  EXPECT_EQ(values[0], values[2]);
  EXPECT_EQ(values[1], values[3]);
}

}  // namespace
