// Schroedinger bridges between normal laws, reference sigma B (MATHS section 5).
#include <gtest/gtest.h>

#include "fortet/bridges/bridge.hpp"
#include "support/kinds.hpp"
#include "support/world.hpp"

namespace {
using namespace fortet;

/// The bridge N(m0, s0^2) -> N(m1, s1^2) on the line: Dm = sqrt(4 s0^2 s1^2 + sigma^4), C = cov(X_0, X_1) = (Dm -
/// sigma^2) / 2.
struct Line {
  double m0, s0, m1, s1, sigma;
  double dm() const { return std::sqrt(4 * s0 * s0 * s1 * s1 + std::pow(sigma, 4)); }
  double covariance() const { return 0.5 * (dm() - sigma * sigma); }
  double rate() const { return (dm() - sigma * sigma) / (dm() + sigma * sigma); }
  double mean(double t) const { return (1 - t) * m0 + t * m1; }
  double variance(double t) const {
    return (1 - t) * (1 - t) * s0 * s0 + t * t * s1 * s1 + t * (1 - t) * (2 * covariance() + sigma * sigma);
  }
  double drift(double t, double x) const {
    const double p = t * s1 * s1 + (1 - t) * covariance(), q = (1 - t) * s0 * s0 + t * covariance();
    return m1 - m0 + (p - q - t * sigma * sigma) / variance(t) * (x - mean(t));
  }
  double transport_cost() const { return std::pow(m1 - m0, 2) + s0 * s0 + s1 * s1 - 2 * covariance(); }
  double relative_entropy() const {
    const double conditional = s1 * s1 - std::pow(covariance() / s0, 2);
    return 0.5 * (std::log(sigma * sigma / conditional) + transport_cost() / (sigma * sigma) - 1);
  }
};

struct Solved {
  std::unique_ptr<bridges::BridgeSolver> solver;
  bridges::BridgePath path;
};

Solved solve(const Line& line, int cells, Json more = Json::object(), double half_width = 9) {
  bridges::BridgeSettings settings;
  settings.name = "bridge";
  settings.source = test::law("gaussian", {{"mean", {line.m0}}, {"deviation", line.s0}});
  settings.target = test::law("gaussian", {{"mean", {line.m1}}, {"deviation", line.s1}});
  settings.reference = test::process("brownian", {{"dimension", 1}, {"sigma", line.sigma}, {"horizon", 1.0}});
  settings.grid = densities::Grid::make(
      Parameters::make("grids", "", {{"lower", {-half_width}}, {"upper", {half_width}}, {"cells", {cells}}}, "line"),
      test::world());
  settings.at = {0, 0.25, 0.5, 1};
  Json values{
      {"process", "reference"}, {"source", "source"}, {"target", "target"}, {"grid", "line"}, {"tolerance", 1e-11}};
  values.update(more);
  settings.parameters = Parameters::make("bridges", "schroedinger", values, "bridge");
  Solved solved{bridges::make_bridge(settings), {}};
  solved.path = solved.solver->solve();
  return solved;
}

std::pair<double, double> mean_and_variance(const densities::DensityPath& path, double t) {
  const auto& snapshot = path.at(t);
  double mass = 0, first = 0, second = 0;
  for (Index i = 0; i < path.grid->cells(0); ++i) {
    const double x = path.grid->centres(0)[i], p = snapshot.values[i] * path.grid->width(0, i);
    mass += p;
    first += p * x;
    second += p * x * x;
  }
  first /= mass;
  return {first, second / mass - first * first};
}

TEST(SchroedingerBridge, NormalLawsToTheOrderOfTheScheme) {
  const Line line{-1, 0.8, 1.5, 1.2, 1};
  std::vector<double> variance_errors, drift_errors;
  for (const int cells : {90, 180, 360}) {
    const Solved solved = solve(line, cells);
    const double h = 18.0 / cells;
    double worst = 0;
    for (const double t : {0.25, 0.5}) {
      const auto [mean, variance] = mean_and_variance(solved.path.law, t);
      EXPECT_NEAR(mean, line.mean(t), h * h);
      // Cell averages of a density have h^2/12 more variance than the density.
      worst = std::max(worst, std::abs(variance - h * h / 12 - line.variance(t)));
    }
    variance_errors.push_back(worst);
    double drift = 0;
    for (const double x : {-1.0, 0.3, 1.7}) {
      PointArray point(1, 1), out(1, 1);
      point(0, 0) = x;
      solved.path.process->drift(0.5, point, out);
      drift = std::max(drift, std::abs(out(0, 0) - line.drift(0.5, x)));
    }
    drift_errors.push_back(drift);
    EXPECT_LT(solved.path.quantities.at("mass_drift"), 1e-12);
    EXPECT_NEAR(solved.path.quantities.at("transport_cost"), line.transport_cost(), 2 * h * h);
    EXPECT_NEAR(solved.path.quantities.at("relative_entropy"), line.relative_entropy(), 2 * h * h);
  }
  for (std::size_t i = 1; i < variance_errors.size(); ++i) {
    EXPECT_NEAR(std::log2(variance_errors[i - 1] / variance_errors[i]), 2, 0.25) << variance_errors[i];
    EXPECT_NEAR(std::log2(drift_errors[i - 1] / drift_errors[i]), 2, 0.35) << drift_errors[i];
  }
}

TEST(SchroedingerBridge, RateOfFortetsIteration) {
  for (const double sigma : {2.0, 1.0, 0.42}) {
    // Means that differ: between centred laws the slowest mode, a shift, is not excited.
    const Line line{-0.5, 0.9, 0.7, 1.1, sigma};
    const auto rate = [&](int cells) {
      return solve(line, cells, {{"relaxation", 1.0}, {"tolerance", 1e-9}}).path.quantities.at("contraction_rate");
    };
    const double coarse = rate(400), fine = rate(800), h = 18.0 / 400;
    EXPECT_NEAR((4 * fine - coarse) / 3, line.rate(), 1e-5 + std::pow(h / sigma, 4)) << sigma;
    EXPECT_NEAR((line.rate() - coarse) / (line.rate() - fine), 4, 0.2) << sigma;  // second order
  }
}

TEST(SchroedingerBridge, RelaxationNeedsFewerIterations) {
  const Line line{-0.5, 0.9, 0.5, 1.1, 0.42};
  const Solved plain = solve(line, 300, {{"relaxation", 1.0}}), relaxed = solve(line, 300);
  EXPECT_LT(2.5 * relaxed.path.quantities.at("iterations"), plain.path.quantities.at("iterations"));
  const auto& a = plain.path.law.at(0.5).values;
  const auto& b = relaxed.path.law.at(0.5).values;
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-9);
}

TEST(SchroedingerBridge, StrangAgreesWithTheExactPropagator) {
  const Line line{-1, 0.8, 1.5, 1.2, 1};
  const Solved exact = solve(line, 120, {{"propagator", {{"kind", "separable"}}}}),
               strang = solve(line, 120, {{"propagator", {{"kind", "strang"}}}, {"steps", 100}});
  EXPECT_LT(strang.path.quantities.at("mass_drift"), 1e-12);
  for (Index i = 0; i < 120; ++i)
    EXPECT_NEAR(exact.path.law.at(0.5).values[i], strang.path.law.at(0.5).values[i], 1e-4);
}

TEST(SchroedingerBridge, NamesWhatCannotBeReached) {
  const auto message = [](const Line& line, Json more) -> std::string {
    try {
      solve(line, 200, std::move(more));
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), ExitCode::diverged);
      return error.what();
    }
    return "";
  };
  EXPECT_NE(message({-6, 0.2, 6, 0.2, 0.05}, Json::object()).find("cannot get there"), std::string::npos);
  EXPECT_NE(message({-1, 0.8, 1.5, 1.2, 0.4}, {{"iterations", 3}}).find("not solved after 3"), std::string::npos);
}

}  // namespace
