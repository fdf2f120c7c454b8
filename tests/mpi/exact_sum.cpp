// ranks: 1 2 3 4
#include "fortet/parallel/exact_sum.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "fortet/parallel/random.hpp"
#include "support/world.hpp"

namespace {
using fortet::parallel::ExactSum;
constexpr double infinity = std::numeric_limits<double>::infinity();

/// Every value is given to the rank that number `rotate` decides, so that the partition changes.
double sum_over_ranks(const std::vector<double>& values, std::size_t rotate) {
  const auto world = fortet::test::world();
  ExactSum part;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (static_cast<int>((i + rotate) % world.size()) == world.rank()) part.add(values[i]);
  }
  return world.sum(part);
}

TEST(ExactSum, CancellationIsExact) {
  EXPECT_EQ(sum_over_ranks({1e308, 1.0, -1e308, 1e-300, -1.0}, 0), 1e-300);
  EXPECT_EQ(sum_over_ranks({1e16, 1.0, -1e16}, 1), 1.0);
  EXPECT_EQ(sum_over_ranks({-1e16, -3.0, 1e16}, 1), -3.0);
  EXPECT_EQ(sum_over_ranks({0.1, -0.1}, 0), 0.0);
  EXPECT_EQ(sum_over_ranks({}, 0), 0.0);
}

TEST(ExactSum, RoundsOnceToNearestEven) {
  EXPECT_EQ(sum_over_ranks({1.0, 0x1p-53}, 0), 1.0);                      // tie, even below
  EXPECT_EQ(sum_over_ranks({1.0 + 0x1p-52, 0x1p-53}, 0), 1.0 + 0x1p-51);  // tie, even above
  EXPECT_EQ(sum_over_ranks({1.0, 0x1p-53, 5e-324}, 0), 1.0 + 0x1p-52);    // just above the tie
  EXPECT_EQ(sum_over_ranks({-1.0, -0x1p-53, -5e-324}, 0), -1.0 - 0x1p-52);
  EXPECT_EQ(sum_over_ranks({0x1p53 - 1, 0.5, 0.25}, 0), 0x1p53);  // carries into a new power of two
}

TEST(ExactSum, DenormalsAndTheLargestNumbers) {
  EXPECT_EQ(sum_over_ranks({5e-324, 5e-324, 5e-324}, 0), 1.5e-323);
  EXPECT_EQ(sum_over_ranks({0x1p-1022, -5e-324}, 0), 0x1p-1022 - 5e-324);
  const double largest = std::numeric_limits<double>::max();
  EXPECT_EQ(sum_over_ranks({largest, largest, -largest}, 0), largest);
  EXPECT_EQ(sum_over_ranks({largest, largest}, 0), infinity);
  EXPECT_EQ(sum_over_ranks({-largest, -largest}, 0), -infinity);
}

TEST(ExactSum, NonFiniteValuesAreRemembered) {
  EXPECT_EQ(sum_over_ranks({1.0, infinity, 2.0}, 0), infinity);
  EXPECT_EQ(sum_over_ranks({1.0, -infinity, -infinity}, 0), -infinity);
  EXPECT_TRUE(std::isnan(sum_over_ranks({infinity, 1.0, -infinity}, 0)));
  EXPECT_TRUE(std::isnan(sum_over_ranks({1.0, std::nan("")}, 0)));
}

TEST(ExactSum, SameBitsForAnyOrderAndPartition) {
  const fortet::parallel::Stream stream(1, fortet::parallel::Purpose::law_sample, "sum");
  std::vector<double> values;
  for (int i = 0; i < 5000; ++i)
    values.push_back(std::ldexp(stream.uniform(i, 0) - 0.5, static_cast<int>(400 * stream.uniform(i, 1)) - 200));
  const double expected = sum_over_ranks(values, 0);
  for (std::size_t rotate = 1; rotate < 4; ++rotate) {
    std::rotate(values.begin(), values.begin() + 777, values.end());
    EXPECT_EQ(sum_over_ranks(values, rotate), expected);
  }
  ExactSum parts[7], whole;
  for (std::size_t i = 0; i < values.size(); ++i) parts[i % 7].add(values[i]);
  for (const ExactSum& part : parts) whole.add(part);
  EXPECT_EQ(whole.value(), expected);
}

TEST(ExactSum, ManyAdditionsDoNotOverflowADigit) {
  ExactSum sum;
  const double value = std::nextafter(1.0, 0.0);
  constexpr int count = 3000000;  // beyond the point where carries must be propagated
  for (int i = 0; i < count; ++i) sum.add(-value);
  ExactSum total;
  for (int i = 0; i < 1000; ++i) total.add(sum);
  EXPECT_EQ(total.value(), -std::nextafter(3e9, 0.0));  // 3e9 (1 - 2^-53), rounded
}
}  // namespace
