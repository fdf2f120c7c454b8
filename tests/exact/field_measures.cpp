/// Measures of fields against exact cases.
#include <gtest/gtest.h>

#include <numbers>

#include "fortet/comparisons/measure.hpp"
#include "support/checks.hpp"
#include "support/densities.hpp"
#include "support/ensembles.hpp"
#include "support/processes.hpp"

namespace {
using namespace fortet;
using namespace fortet::comparisons;

std::map<std::string, double> measure(const std::string& kind, const Json& parameters,
                                      const std::map<std::string, Side>& sides) {
  MeasureContext context;
  context.side = [&](const std::string& name) { return sides.at(name); };
  context.seed = 3;
  const auto made = Registry<MeasureFactory>::instance().find("measures", kind)(
      Parameters::make("measures", kind, parameters, "measured"), context);
  std::map<std::string, double> values;
  for (const Measurement& one : made->evaluate(context, test::world())) values[one.quantity] = one.value;
  return values;
}

Side process_side(processes::ProcessPtr process) {
  Side side;
  side.name = "processes.p";
  side.process = std::move(process);
  return side;
}

/// A density that holds the cell masses of a law per time.
densities::DensityPath density(const densities::GridPtr& grid, const std::map<double, laws::LawPtr>& laws) {
  densities::DensityPath path;
  path.name = "d";
  path.grid = grid;
  for (const auto& [time, law] : laws) {
    densities::Snapshot snapshot{time, std::vector<double>(static_cast<std::size_t>(grid->local_count()))};
    law->cell_masses(grid->local_edges(), snapshot.values);
    const std::vector<double> volumes = grid->local_volumes();
    for (std::size_t i = 0; i < volumes.size(); ++i) snapshot.values[i] /= volumes[i];
    path.snapshots.push_back(std::move(snapshot));
  }
  return path;
}

laws::LawPtr normal(double mean, double deviation) {
  return test::law("gaussian", {{"mean", {mean}}, {"deviation", deviation}});
}

TEST(VelocityError, OfTwoLinearFields) {
  const auto slope = [](double a) {
    return process_side(
        test::share(test::PointwiseProcess(1, 1.0, [a](double, const double* x, double* out) { out[0] = a * x[0]; })));
  };
  const auto grid = test::grid({{"lower", {-10}}, {"upper", {10}}, {"cells", {500}}});
  const auto path = density(grid, {{0.5, normal(0, 1)}});
  // Masses at cell centres have the variance 1 + h^2/12 (Sheppard), up to exp(-2 pi^2 / h^2).
  const double variance = 1 + 0.04 * 0.04 / 12;
  const Json parameters{{"of", "a"}, {"against", "b"}, {"in", "d"}};
  const auto found =
      measure("velocity_error", parameters, {{"a", slope(2.5)}, {"b", slope(2)}, {"d", test::side(path)}});
  EXPECT_NEAR(found.at("velocity_error"), 0.5 * std::sqrt(variance), 1e-12);
  EXPECT_NEAR(found.at("relative_velocity_error"), 0.25, 1e-12);
  auto particles = test::samples(*normal(0, 1), 20000, 1);
  particles.process = slope(1).process;
  const auto sampled =
      measure("velocity_error", parameters, {{"a", slope(2.5)}, {"b", slope(2)}, {"d", test::side(particles)}});
  EXPECT_NEAR(sampled.at("velocity_error"), 0.5, 4 * 0.5 * std::sqrt(0.5 / 20000));  // deviation of sqrt(mean x^2)
  EXPECT_NEAR(sampled.at("relative_velocity_error"), 0.25, 1e-12);
}

TEST(KineticEnergy, OfTheGeodesicBetweenNormalLawsIsSquaredW2) {
  // N(0, 1) to N(2, 4): x_t = 2 t + (1 + t) z, v = 2 + (x - 2 t)/(1 + t), |v|^2 = |2 + z|^2 at all times: 5.
  const auto flow = test::share(test::PointwiseProcess(
      1, 1.0, [](double t, const double* x, double* out) { out[0] = 2 + (x[0] - 2 * t) / (1 + t); }));
  const auto grid = test::grid({{"lower", {-14}}, {"upper", {18}}, {"cells", {800}}});
  const auto path = density(grid, {{0, normal(0, 1)}, {0.5, normal(1, 1.5)}, {1, normal(2, 2)}});
  std::map<std::string, Side> sides{{"p", process_side(flow)},
                                    {"d", test::side(path)},
                                    {"a", test::side(normal(0, 1))},
                                    {"b", test::side(normal(2, 2))}};
  const auto found = measure("kinetic_energy", {{"of", "p"}, {"in", "d"}, {"between", {"a", "b"}}}, sides);
  EXPECT_NEAR(found.at("squared_w2"), 5, 1e-12);
  // Sheppard: h^2/12 / (1 + t)^2 more than 5, by the trapezoidal rule over 0, 1/2, 1.
  const double excess = 0.04 * 0.04 / 12 * (0.25 * 1 + 0.5 / 2.25 + 0.25 / 4);
  EXPECT_NEAR(found.at("kinetic_energy"), 5 + excess, 1e-10);
  EXPECT_NEAR(found.at("normalised_path_energy"), excess / 5, 1e-10);
  EXPECT_THROW(measure("kinetic_energy", {{"of", "p"}, {"in", "d"}, {"at", {1}}}, sides), UsageError);
}

/// The score of a law, plus a rotation, times a factor.
struct WrongScore : processes::Field {
  laws::LawPtr law;
  double factor, rotation;
  WrongScore(laws::LawPtr of, double scale, double turn) : law(std::move(of)), factor(scale), rotation(turn) {}
  int input_dimension() const override { return 2; }
  int output_dimension() const override { return 2; }
  void evaluate(double, ConstPoints x, Points out) const override {
    law->score(x, out);
    for (Index i = 0; i < x.size(); ++i) {
      out(i, 0) = factor * out(i, 0) - rotation * x(i, 1);
      out(i, 1) = factor * out(i, 1) + rotation * x(i, 0);
    }
  }
};

TEST(ScoreIntegrals, SeeRotationAndScale) {
  const auto noising = test::process("vp", {{"dimension", 2}, {"beta", 2}});
  const auto data = test::law("gaussian_mixture",
                              {{"weights", {0.3, 0.7}}, {"means", {{-2, 0}, {2, 1}}}, {"deviations", {0.8, 1.0}}});
  const auto noised = noising->marginal(data, 0.3);
  const auto reverse = [&](double factor, double rotation) {
    processes::ProcessContext context;
    context.process = [&](const std::string&) { return noising; };
    context.score = [&](const std::string&, const std::string&, const processes::ProcessPtr&) {
      return std::make_shared<WrongScore>(noised, factor, rotation);
    };
    return process_side(test::process("time_reversal", {{"of", "n"}, {"score", {{"model", "s"}}}}, context));
  };
  const auto around = [&](const Side& of) {
    return measure("circulation", {{"of", "p"}, {"law", "l"}, {"time", 0.3}, {"radius", 0.4}, {"loops", 20}},
                   {{"p", of}, {"l", test::side(noised)}});
  };
  const auto along = [&](const Side& of) {
    return measure("line_integral", {{"of", "p"}, {"law", "l"}, {"time", 0.3}, {"paths", 20}, {"nodes", 64}},
                   {{"p", of}, {"l", test::side(noised)}});
  };
  // 64 nodes on a circle narrower than the law's structures: rounding.
  EXPECT_LT(around(reverse(1, 0)).at("circulation"), 1e-12);
  // The closed form that the process itself would use.
  EXPECT_LT(around(process_side(test::reversal(noising, data))).at("relative_circulation"), 1e-12);
  // Stokes: the rotation (-w y, w x) has curl 2 w.
  EXPECT_NEAR(around(reverse(1, 0.25)).at("circulation"), 0.5 * std::numbers::pi * 0.16, 1e-11);
  EXPECT_LT(along(reverse(1, 0)).at("line_integral_error"), 1e-10);
  EXPECT_NEAR(along(reverse(1.1, 0)).at("relative_line_integral_error"), 0.1, 1e-10);
  // A flow has its score in its own time; here that of the same law.
  processes::ProcessContext context;
  context.process = [&](const std::string&) {
    return test::process("interpolant", {{"source", "l"}, {"target", "l"}, {"interpolant", "linear"}},
                         {[&](const std::string&) { return data; }, {}, {}, {}});
  };
  context.score = [&](const std::string&, const std::string&, const processes::ProcessPtr&) {
    return std::make_shared<WrongScore>(noised, 1, 0.25);
  };
  const Json velocity{{"process", "v"}};
  const Side flow =
      process_side(test::process("flow", {{"velocity", velocity}, {"score", {{"model", "s"}}}, {"noise", 1}}, context));
  EXPECT_NEAR(around(flow).at("circulation"), 0.5 * std::numbers::pi * 0.16, 1e-11);
  EXPECT_THROW(around(process_side(test::process("flow", {{"velocity", velocity}}, context))), ParameterError);
  const Side line = process_side(test::reversal(test::process("vp", {{"dimension", 1}, {"beta", 2}}), normal(0, 1)));
  EXPECT_THROW(measure("circulation", {{"of", "p"}, {"law", "l"}, {"time", 0.3}},
                       {{"p", line}, {"l", test::side(normal(0, 1))}}),
               ParameterError);
}

TEST(Normalisation, OfAnInterpolantIsOne) {
  const auto source = test::law("gaussian", {{"dimension", 2}});
  const auto target = test::law("gaussian_mixture",
                                {{"weights", {0.3, 0.7}}, {"means", {{-1, 0}, {1, 0.5}}}, {"deviations", {0.6, 0.8}}});
  processes::ProcessContext context;
  context.law = [&](const std::string& name) { return name == "source" ? source : target; };
  const auto flow = test::process(
      "interpolant", {{"source", "source"}, {"target", "target"}, {"interpolant", "trigonometric"}}, context);
  const auto grid = test::grid({{"lower", {-7, -7}}, {"upper", {7, 7}}, {"cells", {56, 56}}});
  const auto path = density(grid, {{0.5, flow->marginal(source, 0.5)}, {1, target}});
  const auto found = measure("normalisation", {{"of", "p"}, {"initial", "l"}, {"in", "d"}, {"at", {1}}},
                             {{"p", process_side(flow)}, {"l", test::side(source)}, {"d", test::side(path)}});
  // The midpoint rule is exact to exp(-2 (pi 0.6 / 0.25)^2) for normal laws; what is left is the tolerance.
  EXPECT_NEAR(found.at("mass"), 1, 1e-5);
  // Point values against cell averages: h^2/24 Laplace p, at most h^2/24 * 2/0.36 = 1.4 % of the maximum.
  EXPECT_LT(found.at("density_maximum"), 0.015);
  EXPECT_LT(found.at("density_l1"), 0.015);
  EXPECT_THROW(measure("normalisation", {{"of", "p"}, {"initial", "l"}, {"in", "d"}},
                       {{"p", process_side(test::process("brownian", {{"dimension", 2}}))},
                        {"l", test::side(source)},
                        {"d", test::side(path)}}),
               ParameterError);
}
}  // namespace
