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

TEST(SchroedingerBridge, JointLawOfStartAndEnd) {
  // MATHS section 5: the covariance of start and end, to the order of the scheme. Every cell is a box of its own.
  const Line line{-1, 0.8, 1.5, 1.2, 1};
  std::vector<double> errors;
  for (const long cells : {60, 120, 240}) {
    const Solved solved = solve(line, static_cast<int>(cells), {{"coupling", {cells}}, {"potentials", true}});
    const bridges::BridgePath& path = solved.path;
    const PointArray centres = path.law.grid->local_centres();
    const std::vector<double> volumes = path.law.grid->local_volumes();
    double product = 0, mean0 = 0, mean1 = 0;
    std::vector<double> ends(cells, 0.0);
    ASSERT_EQ(path.coupling.masses.size(), static_cast<std::size_t>(cells));
    for (Index b = 0; b < cells; ++b) {
      double row = 0;
      for (Index i = 0; i < cells; ++i) {
        const double mass = path.coupling.masses[b][i];
        row += mass;
        ends[i] += mass;
        product += mass * centres(b, 0) * centres(i, 0);
        mean0 += mass * centres(b, 0);
        mean1 += mass * centres(i, 0);
      }
      EXPECT_NEAR(row, path.law.at(0).values[b] * volumes[b], 1e-8);  // the tolerance of the marginals
    }
    for (Index i = 0; i < cells; ++i) EXPECT_NEAR(ends[i], path.law.at(1).values[i] * volumes[i], 1e-8);
    errors.push_back(std::abs(product - mean0 * mean1 - line.covariance()));
    for (std::size_t k = 0; k < path.log_phi.size(); ++k) {
      for (Index i = 0; i < cells; ++i) {
        EXPECT_NEAR(std::exp(path.log_phi[k].values[i] + path.log_hat[k].values[i]), path.law.snapshots[k].values[i],
                    1e-12);
      }
    }
  }
  for (std::size_t i = 1; i < errors.size(); ++i)
    EXPECT_NEAR(std::log2(errors[i - 1] / errors[i]), 2, 0.25) << errors[i];
}

TEST(SchroedingerBridge, BoxesOfTheJointLawAreSumsOfItsCells) {
  const Line line{-1, 0.8, 1.5, 1.2, 1};
  const auto fine = solve(line, 60, {{"coupling", {60}}}).path.coupling,
             coarse = solve(line, 60, {{"coupling", {7}}}).path.coupling;
  ASSERT_EQ(coarse.masses.size(), 7u);
  for (Index i = 0; i < 60; ++i) {
    for (Index b = 0; b < 7; ++b) {
      double sum = 0;
      for (Index cell = (b * 60 + 6) / 7; cell < ((b + 1) * 60 + 6) / 7; ++cell) sum += fine.masses[cell][i];
      EXPECT_NEAR(coarse.masses[b][i], sum, 1e-14);
    }
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

TEST(SchroedingerBridge, RateIsThatOfThePlainIterationUnderAcceleration) {
  const Line line{-0.5, 0.8, 0.7, 1.4, 1};
  const double h = 18.0 / 400;
  double first = 0;
  for (const char* acceleration : {"none", "relaxation", "anderson"}) {
    const auto quantities = solve(line, 400, {{"acceleration", acceleration}}).path.quantities;
    const double rate = quantities.at("contraction_rate");
    EXPECT_NEAR(rate, line.rate(), h * h) << acceleration;
    EXPECT_LE(std::abs(rate - line.rate()), quantities.at("contraction_rate_error") + h * h / 6) << acceleration;
    if (first == 0) first = rate;
    EXPECT_NEAR(rate, first, 1e-6) << acceleration;
  }
}

TEST(SchroedingerBridge, NumbersAreWithinTheirErrorsOrWithheld) {
  int withheld = 0, kept = 0;
  for (const double sigma : {0.1, 0.3, 1.0}) {
    const Line line{-0.6, 0.3, 0.6, 0.35, sigma};
    for (const int cells : {60, 120, 480}) {
      const auto path = solve(line, cells, {{"tolerance", 1e-9}}, 2.5).path;
      const auto& q = path.quantities;
      EXPECT_LE(std::abs(q.at("transport_cost") - line.transport_cost()), q.at("transport_cost_error"));
      EXPECT_EQ(q.contains("kinetic_energy"), path.notes.empty());
      if (!q.contains("kinetic_energy")) {
        EXPECT_NE(path.notes.front().find("kinetic_energy"), std::string::npos);
        ++withheld;
        continue;
      }
      ++kept;
      const double energy = 2 * sigma * sigma * line.relative_entropy();
      EXPECT_LE(std::abs(q.at("relative_entropy") - line.relative_entropy()), q.at("relative_entropy_error"));
      EXPECT_LE(std::abs(q.at("kinetic_energy") - energy), q.at("kinetic_energy_error"));
      EXPECT_LE(std::abs(q.at("contraction_rate") - line.rate()), q.at("contraction_rate_error"));
    }
  }
  EXPECT_GE(withheld, 2);
  EXPECT_GE(kept, 3);
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
