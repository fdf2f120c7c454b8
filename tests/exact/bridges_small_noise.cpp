// The log domain: small noise against closed forms, and agreement with the linear domain.
#include <gtest/gtest.h>

#include "support/bridges.hpp"

namespace {
using namespace fortet;
using test::Line;
using test::solve;
using test::Solved;

TEST(LogDomain, AgreesWithTheLinearDomain) {
  const Line line{-1, 0.8, 1.5, 1.2, 0.5};
  const Json tight{{"tolerance", 1e-11}};
  Json linear = tight, log = tight;
  linear["domain"] = "linear";
  log["domain"] = "log";
  const Solved a = solve(line, 200, linear), b = solve(line, 200, log);
  EXPECT_EQ(a.path.quantities.at("log_domain"), 0);
  EXPECT_EQ(b.path.quantities.at("log_domain"), 1);
  for (const char* quantity : {"transport_cost", "relative_entropy", "entropic_cost", "contraction_rate"}) {
    EXPECT_NEAR(a.path.quantities.at(quantity), b.path.quantities.at(quantity), 1e-9) << quantity;
  }
  for (const double t : {0.25, 0.5, 1.0}) {
    for (Index i = 0; i < 200; ++i) EXPECT_NEAR(a.path.law.at(t).values[i], b.path.law.at(t).values[i], 1e-9);
  }
  EXPECT_LT(b.path.quantities.at("mass_drift"), 1e-11);
}

TEST(LogDomain, SmallNoise) {
  for (const double sigma : {0.05, 0.02}) {
    const Line line{-0.06, 0.05, 0.06, 0.07, sigma};
    std::vector<double> errors;
    for (const int cells : {128, 256, 512}) {
      const Solved solved = solve(line, cells, {{"tolerance", 1e-9}, {"annealing", sigma < 0.03}}, 0.5);
      const double h = 1.0 / cells;
      const auto [mean, variance] = test::mean_and_variance(solved.path.law, 0.5);
      EXPECT_NEAR(mean, line.mean(0.5), 1e-7);
      errors.push_back(std::abs(variance - h * h / 12 - line.variance(0.5)));
      // Where a cell is crossed |displacement| h / sigma^2 is the expansion parameter of the jump process.
      const double z = 0.12 * h / (sigma * sigma);
      EXPECT_NEAR(solved.path.quantities.at("transport_cost"), line.transport_cost(),
                  sigma * sigma * z * z + 2 * h * h);
      EXPECT_LT(solved.path.quantities.at("mass_drift"), 1e-9);
    }
    const double w2 = std::pow(line.m1 - line.m0, 2) + std::pow(line.s1 - line.s0, 2);
    EXPECT_LT(std::abs(line.transport_cost() - w2), 1.5 * sigma * sigma);
    for (std::size_t i = 1; i < errors.size(); ++i) {
      EXPECT_NEAR(std::log2(errors[i - 1] / errors[i]), 2, 0.5) << sigma << " " << errors[i];
    }
  }
}

TEST(LogDomain, IsTakenWhereTheLinearOneFails) {
  const Line far{-3, 0.2, 3, 0.2, 0.1};
  const Solved solved = solve(far, 600, {{"tolerance", 1e-8}}, 4);
  EXPECT_EQ(solved.path.quantities.at("log_domain"), 1);
  EXPECT_NEAR(test::mean_and_variance(solved.path.law, 0.5).first, 0, 1e-4);
}

TEST(LogDomain, AnnealingEndsAtTheSameBridge) {
  const Line line{-0.5, 0.9, 0.5, 1.1, 0.3};
  const Solved plain = solve(line, 300), annealed = solve(line, 300, {{"annealing", true}});
  EXPECT_GT(annealed.path.quantities.at("annealing_iterations"), 0);
  for (Index i = 0; i < 300; ++i)
    EXPECT_NEAR(plain.path.law.at(0.5).values[i], annealed.path.law.at(0.5).values[i], 1e-9);
}

}  // namespace
