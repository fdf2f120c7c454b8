// ranks: 1 2 3
// Measures against exact cases.
#include <gtest/gtest.h>

#include <numbers>

#include "fortet/comparisons/measure.hpp"
#include "support/densities.hpp"
#include "support/ensembles.hpp"
#include "support/world.hpp"

using namespace fortet;
using namespace fortet::comparisons;

namespace {

/// The objects of a little study.
struct Objects {
  std::map<std::string, laws::LawPtr> laws;
  std::map<std::string, ensembles::EnsemblePath> ensembles;
  std::map<std::string, densities::DensityPath> densities;
  std::map<std::string, processes::ProcessPtr> processes;

  MeasureContext context() const {
    MeasureContext result;
    result.seed = 3;
    result.side = [this](const std::string& target) {
      Side side;
      side.name = target;
      if (laws.contains(target)) side.law = laws.at(target);
      if (ensembles.contains(target)) side.ensemble = &ensembles.at(target);
      if (densities.contains(target)) side.density = &densities.at(target);
      if (processes.contains(target)) side.process = processes.at(target);
      return side;
    };
    return result;
  }
  std::vector<Measurement> measure(const std::string& kind, const Json& values) const {
    const Parameters parameters = Parameters::make("measures", kind, values, "test");
    return Registry<MeasureFactory>::instance()
        .find("measures", kind)(parameters, context())
        ->evaluate(context(), test::world());
  }
};

laws::LawPtr normal(double mean, double deviation, int d) {
  return test::law("gaussian", {{"mean", std::vector<double>(d, mean)}, {"deviation", deviation}});
}

/// Straight lines from N(0, s0^2) to N(m, s1^2) at the speeds of the optimal map: path energy (and W_2^2) m^2 + (s1 -
/// s0)^2. Euler's steps follow a straight line exactly, so only sampling is left: (m + (r - 1) x)^2 has variance 2 q^4
/// + 4 m^2 q^2, q = (r - 1) s0.
TEST(PathEnergy, StraightLinesBetweenNormalLaws) {
  const double s0 = 0.8, s1 = 1.6, m = 1.5, r = s1 / s0, q = (r - 1) * s0;
  const std::int64_t particles = 20000;
  const processes::ProcessPtr flow =
      test::process("expression", {{"drift", Json::array({"1.5 + (x - 1.5*t) / (1 + t)"})}, {"horizon", 1.0}});
  Objects objects;
  objects.laws["laws.source"] = normal(0, s0, 1);
  objects.laws["laws.target"] = normal(m, s1, 1);
  objects.ensembles["ensembles.x"] =
      run_ensemble(test::ensemble(flow, objects.laws["laws.source"], particles,
                                  {{"stepper", {{"kind", "euler"}}}, {"steps", 7}, {"path_energy", true}}),
                   test::world());
  const double exact = m * m + (s1 - s0) * (s1 - s0);
  const double deviation = std::sqrt((2 * std::pow(q, 4) + 4 * m * m * q * q) / particles);
  const std::vector<Measurement> found = objects.measure("path_energy", {{"of", "ensembles.x"},
                                                                         {"normalised", true},
                                                                         {"source", "laws.source"},
                                                                         {"target", "laws.target"},
                                                                         {"points", 2000}});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_NEAR(found[0].value, exact, 5 * deviation);
  EXPECT_GT(std::abs(found[0].value - exact), 0);
  // W_2^2 of 2000 points varies more: means by (s0^2 + s1^2) / n, deviations by s^2 / 2n.
  const double noise = std::sqrt((4 * m * m + 2 * (s1 - s0) * (s1 - s0)) * (s0 * s0 + s1 * s1) / 2000);
  EXPECT_LE(found[1].value, 5 * (noise + deviation) / exact);
}

TEST(PathEnergy, MustBeAskedFor) {
  const processes::ProcessPtr flow = test::process("expression", {{"drift", Json::array({"-x"})}, {"horizon", 1.0}});
  Objects objects;
  objects.ensembles["ensembles.x"] = run_ensemble(
      test::ensemble(flow, normal(0, 1, 1), 100, {{"stepper", {{"kind", "euler"}}}, {"steps", 2}}), test::world());
  EXPECT_THROW(objects.measure("path_energy", {{"of", "ensembles.x"}}), ParameterError);
  objects.ensembles["ensembles.x"].work["path_energy"] = 0;
  EXPECT_THROW(objects.measure("path_energy", {{"of", "ensembles.x"}, {"normalised", true}}), ParameterError);
  EXPECT_THROW(check_ensemble(test::ensemble(flow, normal(0, 1, 1), 100,
                                             {{"stepper", {{"kind", "dormand_prince"}}}, {"path_energy", true}})),
               ParameterError);
}

/// Of one point each: |x - y|, x - y ~ N(0, 2): mean 2 / sqrt(pi), variance 2 - 4 / pi.
TEST(Wasserstein, FloorOfOnePoint) {
  Objects objects;
  objects.laws["laws.a"] = normal(0, 1, 1);
  objects.laws["laws.b"] = normal(5, 1, 1);
  for (const char* kind : {"wasserstein", "sliced_wasserstein"}) {
    const Measurement found =
        objects.measure(kind, {{"of", "laws.b"}, {"against", "laws.a"}, {"points", 1}, {"floor_samples", 1000}})
            .front();
    const double deviation = std::sqrt(2 - 4 / std::numbers::pi);
    EXPECT_NEAR(found.floor.value(), 2 / std::sqrt(std::numbers::pi), 5 * deviation / std::sqrt(1000.0));
    EXPECT_NEAR(found.floor_deviation.value(), deviation, 0.1);
  }
}

/// Two normal laws a distance h apart: the difference of the sample means bounds W_2 from below, h and the floor from
/// above.
TEST(Wasserstein, Shift) {
  const Index n = 500;
  Objects objects;
  objects.laws["laws.a"] = normal(0, 1, 2);
  objects.laws["laws.b"] = normal(2, 1, 2);
  const double h = 2 * std::sqrt(2.0);
  const Measurement found =
      objects.measure("wasserstein", {{"of", "laws.b"}, {"against", "laws.a"}, {"points", n}}).front();
  EXPECT_EQ(found.quantity, "w2");
  EXPECT_GE(found.value, h - 5 * std::sqrt(2.0 / n));
  EXPECT_LE(found.value, h + 5 * std::sqrt(2.0 / n) + found.floor.value() + 5 * found.floor_deviation.value());
  // Every direction of the sliced distance sees the shift's projection: h^2 / 2 on average.
  const Measurement sliced =
      objects.measure("sliced_wasserstein", {{"of", "laws.b"}, {"against", "laws.a"}, {"points", n}}).front();
  EXPECT_NEAR(sliced.value * sliced.value, h * h / 2,
              5 * (h * h / 2 / std::sqrt(2.0 * 200) + 2 * h * std::sqrt(2.0 / n)));
}

/// Particles that are samples of the law stand at the floor, and every number of ranks says the same.
TEST(Wasserstein, ParticlesOfTheLawStandAtTheFloor) {
  const processes::ProcessPtr still =
      test::process("expression", {{"drift", Json::array({"0", "0"})}, {"horizon", 1.0}});
  Objects objects;
  objects.laws["laws.a"] = normal(0, 1, 2);
  objects.ensembles["ensembles.x"] = run_ensemble(
      test::ensemble(still, objects.laws["laws.a"], 1000, {{"stepper", {{"kind", "euler"}}}, {"steps", 1}}),
      test::world());
  objects.ensembles["ensembles.y"] = objects.ensembles["ensembles.x"];
  for (const char* kind : {"wasserstein", "sliced_wasserstein"}) {
    const Measurement found =
        objects.measure(kind, {{"of", "ensembles.x"}, {"against", "laws.a"}, {"points", 400}, {"floor_samples", 20}})
            .front();
    EXPECT_NEAR(found.value, found.floor.value(), 5 * found.floor_deviation.value());
    EXPECT_EQ(found.time, 1);
    const Measurement same = objects.measure(kind, {{"of", "ensembles.x"}, {"against", "ensembles.y"}}).front();
    EXPECT_EQ(same.value, 0);
    EXPECT_FALSE(same.floor.has_value());
    EXPECT_NE(same.note.find("no floor"), std::string::npos);
  }
}

/// The mean over samples: particles 0 .. 199, 200 .. 399 and 400 .. 599 of each side, here sorted by hand; and laws.
TEST(Wasserstein, MeanOverSamples) {
  const Index n = 200;
  const long samples = 3;
  const processes::ProcessPtr still = test::process("expression", {{"drift", Json::array({"0"})}, {"horizon", 1.0}});
  Objects objects;
  objects.laws["laws.a"] = normal(0, 1, 1);
  objects.laws["laws.b"] = normal(5, 1, 1);
  for (const char* side : {"a", "b"}) {
    objects.ensembles[std::string("ensembles.") + side] =
        run_ensemble(test::ensemble(still, objects.laws[std::string("laws.") + side], samples * n + 1,
                                    {{"stepper", {{"kind", "euler"}}}, {"steps", 1}}),
                     test::world());
  }
  const auto sorted = [&](const std::string& name, long s) {
    const ensembles::Snapshot& last = objects.ensembles[name].snapshots.back();
    std::vector<double> all = test::world().gather_all(
        std::span(last.positions.view().coordinate(0), static_cast<std::size_t>(last.positions.size())));
    all = {all.begin() + s * n, all.begin() + (s + 1) * n};
    std::sort(all.begin(), all.end());
    return all;
  };
  double mean = 0;
  for (long s = 0; s < samples; ++s) {
    const std::vector<double> x = sorted("ensembles.a", s), y = sorted("ensembles.b", s);
    double sum = 0;
    for (Index i = 0; i < n; ++i) sum += (x[i] - y[i]) * (x[i] - y[i]);
    mean += std::sqrt(sum / static_cast<double>(n)) / static_cast<double>(samples);
  }
  const Measurement found =
      objects.measure("wasserstein", {{"of", "ensembles.a"}, {"against", "ensembles.b"}, {"samples", samples}}).front();
  EXPECT_NEAR(found.value, mean, 1e-12);
  EXPECT_NE(found.note.find("3 x 200 points"), std::string::npos);
  // Of single points, 5 + sqrt(2) N(0, 1) apart.
  const Measurement points =
      objects
          .measure("wasserstein",
                   {{"of", "laws.a"}, {"against", "laws.b"}, {"points", 1}, {"samples", 1000}, {"floor_samples", 0}})
          .front();
  EXPECT_NEAR(points.value, 5, 5 * std::sqrt(2.0 / 1000));
}

TEST(Wasserstein, SidesThatDoNotFit) {
  Objects objects;
  objects.laws["laws.a"] = normal(0, 1, 2);
  objects.laws["laws.b"] = normal(0, 1, 1);
  EXPECT_THROW(objects.measure("wasserstein", {{"of", "laws.b"}, {"against", "laws.a"}}), ParameterError);
  EXPECT_THROW(objects.measure("wasserstein", {{"of", "densities.c"}, {"against", "laws.a"}}), ParameterError);
}

/// Residuals of heat flow, dp/dt = Laplace p / 2, in a density given by values at two times around 1/2: of the right
/// process, which is the floor too, and of one with the drift c (x, y) besides.
std::map<std::string, Measurement> heat_residuals(int cells, double apart, const char* boundary, double lower,
                                                  double upper, double (*density)(double t, double x, double y)) {
  Objects objects;
  objects.processes["processes.heat"] = test::process("brownian", {{"dimension", 2}});
  objects.processes["processes.wrong"] =
      test::process("expression", {{"drift", {"0.3*x", "0.3*y"}}, {"noise", 1.0}, {"horizon", 1.0}});
  densities::DensityPath path;
  path.name = "d";
  path.process = objects.processes["processes.heat"];
  path.grid = test::grid(
      {{"lower", {lower, lower}}, {"upper", {upper, upper}}, {"cells", {cells, cells + 2}}, {"boundary", boundary}});
  const PointArray x = path.grid->local_centres();
  for (const double t : {0.5 - apart / 2, 0.5 + apart / 2}) {
    densities::Snapshot snapshot{t, {}};
    for (Index i = 0; i < x.size(); ++i) snapshot.values.push_back(density(t, x(i, 0), x(i, 1)));
    path.snapshots.push_back(std::move(snapshot));
  }
  objects.densities["densities.d"] = std::move(path);
  std::map<std::string, Measurement> found;
  for (const char* process : {"heat", "wrong"}) {
    const auto both =
        objects.measure("pde_residual", {{"of", std::string("processes.") + process}, {"in", "densities.d"}});
    EXPECT_EQ(both.size(), 2U);
    for (const Measurement& one : both) found[std::string(process) + " " + one.quantity] = one;
  }
  return found;
}

/// N(0, (1 + t) I): the residual of the wrong drift over p is c sum_k (1 - x_k^2 / s^2), 2 c in L2(p); the rate of
/// change is that with 1 / (2 s^2) for c.
TEST(PdeResidual, OfAWrongDriftInASpreadingNormalLaw) {
  const auto normal = [](double t, double x, double y) {
    return std::exp(-(x * x + y * y) / (2 * (1 + t))) / (2 * std::numbers::pi * (1 + t));
  };
  std::vector<double> own;
  for (const int n : {32, 64, 128}) {
    auto found = heat_residuals(n, 6.4 / n, "no_flux", -9, 9, normal);
    own.push_back(found.at("heat pde_residual").value);
    EXPECT_EQ(found.at("wrong pde_residual").floor.value(), own.back());
    EXPECT_EQ(found.at("wrong pde_residual").time, 0.5);
    // Triangle inequality: off by no more than what the differences leave of both fields, of order 2.
    EXPECT_NEAR(found.at("wrong pde_residual").value, 0.6, 2 * own.back());
    EXPECT_NEAR(found.at("wrong relative_pde_residual").value, 0.6 * 1.5, 6 * own.back());
  }
  test::expect_order(own, 1.8, 2.2, "residual of the right process");
}

/// A wave on the torus, which sees the cells across the seams.
TEST(PdeResidual, AcrossPeriodicSides) {
  const auto wave = [](double t, double x, double y) {
    constexpr double k = 2 * std::numbers::pi;
    return 1 + 0.5 * std::exp(-k * k * (t - 0.5)) * std::sin(k * x + 0.3) * std::sin(k * y + 0.4);
  };
  std::vector<double> own;
  for (const int n : {16, 32, 64}) {
    own.push_back(heat_residuals(n, 0.32 / n, "periodic", 0, 1, wave).at("heat pde_residual").value);
  }
  test::expect_order(own, 1.8, 2.2, "residual on the torus");
}

}  // namespace
