// Sinkhorn, unbalanced and sliced transport against closed forms and limits.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "fortet/base/error.hpp"
#include "fortet/couplings/assignment.hpp"
#include "fortet/couplings/sinkhorn.hpp"
#include "fortet/couplings/transport.hpp"

using namespace fortet;
using namespace fortet::couplings;

namespace {

PointArray normals(Index n, int d, std::string_view name) {
  PointArray x(n, d);
  parallel::Stream(17, parallel::Purpose::law_sample, name).normals(0, 0, x);
  return x;
}

/// n points of equal weight whose law tends to N(mean, deviation^2): medians of n parts of equal mass.
PointArray quantiles(Index n, double mean, double deviation) {
  PointArray x(n, 1);
  for (Index i = 0; i < n; ++i) {
    const double u = (static_cast<double>(i) + 0.5) / static_cast<double>(n);
    double z = 0;
    for (int k = 0; k < 60; ++k)  // Newton's iteration for Phi(z) = u, damped
      z += std::clamp(
          (u - 0.5 * std::erfc(-z * std::numbers::sqrt2 / 2)) * std::sqrt(2 * std::numbers::pi) * std::exp(z * z / 2),
          -0.5, 0.5);
    x(i, 0) = mean + deviation * z;
  }
  return x;
}

EntropicPlan plan_of(ConstPoints x, ConstPoints y, double epsilon, double tolerance = 1e-9) {
  SinkhornSettings settings;
  settings.epsilon = epsilon;
  settings.tolerance = tolerance;
  return EntropicPlan(x, y, settings);
}

TEST(Sinkhorn, MarginalsAreMet) {
  const PointArray x = normals(90, 2, "x"), y = normals(130, 2, "y");
  const EntropicPlan plan = plan_of(x, y, 0.1, 1e-8);
  std::vector<double> row(130), columns(130, 0.0);
  double rows = 0, error = 0;
  for (Index i = 0; i < 90; ++i) {
    rows += std::abs(plan.row(i, row.data()) - 1 / 90.0);
    for (Index j = 0; j < 130; ++j) columns[j] += row[j];
  }
  for (const double column : columns) error += std::abs(column - 1 / 130.0);
  EXPECT_LE(rows, 1e-8);
  EXPECT_LE(error, 1e-12);
  EXPECT_NEAR(plan.mass(), 1, 1e-8);
}

/// Value for two normal laws (MATHS section 5): m^2 + s0^2 + s1^2 - D + v (1 - log 2v) + v log(D + v), v = sigma^2 =
/// epsilon / 2, D = sqrt(4 s0^2 s1^2 + v^2). Quantile points have lost variance of order 1/n, so the error does too.
TEST(Sinkhorn, ValueBetweenNormalLaws) {
  const double s0 = 0.7, s1 = 1.3, m = 0.8, v = 0.5;
  const double D = std::sqrt(4 * s0 * s0 * s1 * s1 + v * v);
  const double exact = m * m + s0 * s0 + s1 * s1 - D + v * (1 - std::log(2 * v)) + v * std::log(D + v);
  std::vector<double> errors;
  for (const Index n : {100, 200, 400, 800})
    errors.push_back(std::abs(plan_of(quantiles(n, 0, s0), quantiles(n, m, s1), 2 * v).value() - exact));
  for (std::size_t k = 1; k < errors.size(); ++k) {
    const double order = std::log2(errors[k - 1] / errors[k]);
    EXPECT_NEAR(order, 1, 0.2) << "errors " << errors[k - 1] << " " << errors[k];
  }
  EXPECT_LT(errors.back(), 1e-2 * exact);
}

/// The regularised plan costs more than the optimal one, by at most epsilon log n; and less and less as epsilon falls.
TEST(Sinkhorn, TendsToExact) {
  const Index n = 60;
  const PointArray x = normals(n, 2, "x"), y = normals(n, 2, "y");
  const double exact = assign(x, y).cost / n;
  double last = 1e300;
  for (const double epsilon : {1.0, 0.5, 0.25, 0.1}) {
    const EntropicPlan plan = plan_of(x, y, epsilon, 1e-7);
    const double excess = plan.transport_cost() - exact;
    EXPECT_GE(excess, -1e-5);  // marginals are off by 1e-7, costs are below 100
    EXPECT_LE(excess, epsilon * std::log(n));
    EXPECT_LT(excess, last);
    last = excess;
  }
}

/// One point against one point: mass^(epsilon + 2 rho) = e^{-c}.
TEST(Unbalanced, MassOfOnePair) {
  PointArray x(1, 2), y(1, 2);
  y(0, 0) = 1.1;
  y(0, 1) = -0.6;
  const double c = 1.1 * 1.1 + 0.6 * 0.6;
  for (const double rho : {0.2, 1.0, 5.0}) {
    SinkhornSettings settings;
    settings.epsilon = 0.3;
    settings.mass_penalty = rho;
    settings.tolerance = 1e-13;
    const EntropicPlan plan(x, y, settings);
    const double mass = std::exp(-c / (0.3 + 2 * rho));
    EXPECT_NEAR(plan.mass(), mass, 1e-12);
    EXPECT_NEAR(plan.value(), (0.3 + 2 * rho) * (1 - mass), 1e-11);
  }
}

/// With rho -> infinity the plan is the balanced one; the difference is of order 1 / rho.
TEST(Unbalanced, TendsToBalanced) {
  const PointArray x = normals(50, 2, "x"), y = normals(70, 2, "y");
  const double balanced = plan_of(x, y, 0.5).value();
  std::vector<double> errors;
  for (const double rho : {100.0, 200.0, 400.0}) {
    SinkhornSettings settings;
    settings.epsilon = 0.5;
    settings.mass_penalty = rho;
    settings.tolerance = 1e-10;
    const EntropicPlan plan(x, y, settings);
    EXPECT_LT(plan.value(), balanced);
    errors.push_back(balanced - plan.value());
  }
  EXPECT_NEAR(std::log2(errors[0] / errors[1]), 1, 0.1);
  EXPECT_NEAR(std::log2(errors[1] / errors[2]), 1, 0.1);
}

/// Sizes 2 and 3: in sixths, (0,0,0,6,6,6) against (1,1,2,2,9,9).
TEST(Line, DifferentSizes) {
  const std::vector<double> x{0, 6}, y{1, 2, 9};
  EXPECT_NEAR(sample_line_cost(x, y, 2), (1 + 1 + 4 + 16 + 9 + 9) / 6.0, 1e-14);
  EXPECT_NEAR(sample_line_cost(x, y, 1), (1 + 1 + 2 + 4 + 3 + 3) / 6.0, 1e-14);
  EXPECT_NEAR(sample_line_cost(y, x, 2), sample_line_cost(x, y, 2), 1e-14);
}

/// A shift by h costs |h|^2 / d on average over directions: each direction gives (h . theta)^2, with standard deviation
/// |h|^2 / 2 / sqrt(2) in the plane.
TEST(Sliced, Shift) {
  const Index n = 200;
  const long directions = 4000;
  const PointArray x = normals(n, 2, "x");
  PointArray y = x;
  for (Index i = 0; i < n; ++i) {
    y(i, 0) += 3;
    y(i, 1) -= 4;
  }
  const parallel::Stream stream(1, parallel::Purpose::projection, "sliced");
  EXPECT_NEAR(sliced_cost(x, y, directions, stream), 12.5, 5 * 12.5 / std::sqrt(2.0 * directions));
  EXPECT_EQ(sliced_cost(x, x, 10, stream), 0);
  const PointArray a = normals(100, 1, "a"), b = normals(100, 1, "b");
  EXPECT_NEAR(sliced_cost(a, b, 1, stream), assign(a, b).cost / 100, 1e-13);  // on the line all directions are one
}

TEST(Sinkhorn, StallIsAnError) {
  const PointArray x = normals(40, 2, "x"), y = normals(40, 2, "y");
  SinkhornSettings settings;
  settings.epsilon = 1e-4;
  settings.iterations = 3;
  EXPECT_THROW(EntropicPlan(x, y, settings), DivergedError);
  EXPECT_THROW(EntropicPlan(x, normals(40, 3, "z"), settings), UsageError);
  EXPECT_THROW(EntropicPlan(PointArray(0, 2), PointArray(0, 2), settings), UsageError);
}

}  // namespace
