// Schroedinger bridges between normal laws, reference sigma B (MATHS section 5).
#include <gtest/gtest.h>

#include "support/bridges.hpp"

namespace {
using namespace fortet;

using test::Line;
using test::mean_and_variance;
using test::solve;
using test::Solved;

TEST(SchroedingerBridge, NormalLawsToTheOrderOfTheScheme) {
  const Line line{-1, 0.8, 1.5, 1.2, 1};
  std::vector<double> variance_errors, drift_errors, energy_errors;
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
    EXPECT_NEAR(solved.path.quantities.at("entropic_cost"), line.entropic_cost(), 4 * h * h);
    energy_errors.push_back(2 * line.relative_entropy() - solved.path.quantities.at("kinetic_energy"));
  }
  for (std::size_t i = 1; i < variance_errors.size(); ++i) {
    EXPECT_NEAR(std::log2(variance_errors[i - 1] / variance_errors[i]), 2, 0.25) << variance_errors[i];
    EXPECT_NEAR(std::log2(drift_errors[i - 1] / drift_errors[i]), 2, 0.35) << drift_errors[i];
    EXPECT_NEAR(std::log2(energy_errors[i - 1] / energy_errors[i]), 2, 0.25) << energy_errors[i];
  }
}

TEST(SchroedingerBridge, RateOfFortetsIteration) {
  // MATHS section 5: deviations 0.8 and 1.4 with sigma^2 = 4, 1, 0.2. The means differ: between centred laws the
  // slowest mode, a shift, is not excited.
  for (const auto& [variance, theta] : {std::pair{4.0, 0.0681}, {1.0, 0.4208}, {0.2, 0.8367}}) {
    const Line line{-0.5, 0.8, 0.7, 1.4, std::sqrt(variance)};
    EXPECT_NEAR(line.rate(), theta, 5e-5);
    const auto rate = [&](int cells) {
      return solve(line, cells, {{"relaxation", 1.0}, {"tolerance", 1e-9}}).path.quantities.at("contraction_rate");
    };
    const int cells = variance < 1 ? 640 : 400;
    const double coarse = rate(cells), fine = rate(2 * cells), h = 18.0 / cells;
    EXPECT_NEAR((4 * fine - coarse) / 3, theta, 5e-5 + 1e-5 + h * h * h * h / (variance * variance)) << variance;
    EXPECT_NEAR((line.rate() - coarse) / (line.rate() - fine), 4, 0.2) << variance;  // second order
  }
}

TEST(SchroedingerBridge, AccelerationNeedsFewerIterations) {
  const Line line{-0.5, 0.9, 0.5, 1.1, 0.42};
  const Solved plain = solve(line, 300, {{"acceleration", "none"}}),
               relaxed = solve(line, 300, {{"acceleration", "relaxation"}}),
               anderson = solve(line, 300, {{"acceleration", "anderson"}});
  EXPECT_LT(2.5 * relaxed.path.quantities.at("iterations"), plain.path.quantities.at("iterations"));
  EXPECT_LT(2 * anderson.path.quantities.at("iterations"), relaxed.path.quantities.at("iterations"));
  const auto& a = plain.path.law.at(0.5).values;
  for (const Solved* other : {&relaxed, &anderson}) {
    const auto& b = other->path.law.at(0.5).values;
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-9);
  }
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
  EXPECT_NE(message({-6, 0.2, 6, 0.2, 0.05}, {{"domain", "linear"}}).find("cannot get there"), std::string::npos);
  EXPECT_NE(message({-1, 0.8, 1.5, 1.2, 0.4}, {{"iterations", 3}}).find("not solved after 3"), std::string::npos);
}

}  // namespace
