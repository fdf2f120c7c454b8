#include "fortet/base/vector_math.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace {
constexpr double infinity = std::numeric_limits<double>::infinity();

/// Distance to the reference in units of the last place of the reference.
double ulps(double value, long double exact, double scale = 0) {
  const double size = scale > 0 ? scale : std::abs(static_cast<double>(exact));
  const double unit = std::nextafter(size, infinity) - size;
  return static_cast<double>(std::abs(value - exact) / unit);
}

TEST(VectorMath, ExponentialIsWithinItsStatedError) {
  double worst = 0;
  for (int i = -200000; i <= 200000; ++i) {
    const double x = i * 0.00354 + 1e-7 * std::sin(i);
    worst = std::max(worst, ulps(fortet::vectorised::exp(x), std::exp(static_cast<long double>(x))));
  }
  EXPECT_LE(worst, 1.5);
  EXPECT_GT(worst, 0.4);  // a correctly rounded function would reach 0.5: the measure itself works
  EXPECT_EQ(fortet::vectorised::exp(0.0), 1.0);
  EXPECT_EQ(fortet::vectorised::exp(710.0), infinity);
  EXPECT_EQ(fortet::vectorised::exp(infinity), infinity);
  EXPECT_EQ(fortet::vectorised::exp(-infinity), 0.0);
  EXPECT_EQ(fortet::vectorised::exp(-760.0), 0.0);
  EXPECT_NEAR(fortet::vectorised::exp(-740.0), std::exp(-740.0), 5e-324);
  EXPECT_TRUE(std::isfinite(fortet::vectorised::exp(709.78)));
  EXPECT_TRUE(std::isnan(fortet::vectorised::exp(std::nan(""))));
}

TEST(VectorMath, LogarithmIsWithinItsStatedError) {
  double worst = 0;
  for (int i = -100000; i <= 100000; ++i) {
    for (const double x : {std::exp(i * 0.007), 1.0 + i * 1e-6, 1.0 + i * 0x1p-53}) {
      if (x <= 0 || x == 1.0) continue;
      worst = std::max(worst, ulps(fortet::vectorised::log(x), std::log(static_cast<long double>(x))));
    }
  }
  EXPECT_LE(worst, 1.5);
  EXPECT_GT(worst, 0.4);
  EXPECT_EQ(fortet::vectorised::log(1.0), 0.0);
  EXPECT_EQ(fortet::vectorised::log(0.0), -infinity);
  EXPECT_EQ(fortet::vectorised::log(infinity), infinity);
  EXPECT_NEAR(fortet::vectorised::log(5e-324), std::log(5e-324), 1.2e-13);
  EXPECT_TRUE(std::isnan(fortet::vectorised::log(-1.0)));
  EXPECT_TRUE(std::isnan(fortet::vectorised::log(std::nan(""))));
}

TEST(VectorMath, SineAndCosineOfTurns) {
  double worst = 0;
  const long double pi = std::acos(-1.0L);
  for (int i = -100000; i <= 100000; ++i) {
    const double x = i * 3.1e-5 + 1e-9 * std::cos(i);
    const auto [sine, cosine] = fortet::vectorised::sin_cos_turns(x);
    worst = std::max(worst, ulps(sine, std::sin(2 * pi * x), 0.75));
    worst = std::max(worst, ulps(cosine, std::cos(2 * pi * x), 0.75));
  }
  EXPECT_LE(worst, 1.5);
  const auto quarter = fortet::vectorised::sin_cos_turns(0.25);
  EXPECT_EQ(quarter.sin, 1.0);
  EXPECT_EQ(quarter.cos, 0.0);
  const auto far = fortet::vectorised::sin_cos_turns(1048576.5);
  EXPECT_EQ(far.sin, 0.0);
  EXPECT_EQ(far.cos, -1.0);
}
}  // namespace
