#include "fortet/parallel/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "fortet/parallel/exact_sum.hpp"

namespace {
using fortet::Index;
using fortet::PointArray;
using fortet::Points;
using fortet::parallel::Purpose;
using fortet::parallel::Stream;

TEST(Philox, KnownAnswers) {  // Random123, kat_vectors
  using Words = std::array<std::uint32_t, 4>;
  const std::uint32_t all = 0xffffffff;
  EXPECT_EQ(fortet::parallel::philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(fortet::parallel::philox({all, all, all, all}, {all, all}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(fortet::parallel::philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Stream, BlocksAreThePhiloxWordsOfTheirCounters) {
  const Stream stream(77, Purpose::increment, "ensemble");
  const std::int64_t first = (std::int64_t{1} << 32) - 50;  // the id's upper word changes inside
  PointArray u(200, 5);
  stream.uniforms(first, 9, u, 4);
  for (Index i = 0; i < u.size(); ++i) {
    for (int k = 0; k < 5; ++k) {
      const std::uint64_t id = first + i;
      const auto word = fortet::parallel::philox({static_cast<std::uint32_t>(id), static_cast<std::uint32_t>(id >> 32),
                                                  9, static_cast<std::uint32_t>(4 + k) / 2},
                                                 stream.key());
      const std::uint64_t bits = k % 2 ? static_cast<std::uint64_t>(word[2]) << 32 | word[3]
                                       : static_cast<std::uint64_t>(word[0]) << 32 | word[1];
      EXPECT_EQ(u(i, k), (2.0 * static_cast<double>(bits >> 12) + 1) * 0x1p-53);
      EXPECT_EQ(u(i, k), stream.uniform(first + i, 9, 4 + k));
    }
  }
}

TEST(Stream, DoesNotDependOnThePartition) {
  const Stream stream(5, Purpose::increment, "a");
  PointArray whole(1000, 3);
  stream.normals(123, 4, whole);
  for (const Index part : {1, 3, 17, 64, 65, 500}) {
    PointArray pieces(1000, 3);
    for (Index begin = 0; begin < 1000; begin += part) {
      const Index count = std::min<Index>(part, 1000 - begin);
      stream.normals(123 + begin, 4, pieces.view().slice(begin, count));
    }
    for (Index i = 0; i < 1000; ++i) {
      for (int k = 0; k < 3; ++k) EXPECT_EQ(whole(i, k), pieces(i, k));
    }
  }
  PointArray tail(1000, 1);
  stream.normals(123, 4, tail, 2);  // draws 2.. of a longer call
  for (Index i = 0; i < 1000; ++i) EXPECT_EQ(whole(i, 2), tail(i, 0));
}

TEST(Stream, SeedPurposeAndNameSelectDifferentNumbers) {
  std::map<double, int> seen;
  for (const std::uint64_t seed : {0ull, 1ull, 1ull << 32}) {
    for (const Purpose purpose : {Purpose::increment, Purpose::acceptance}) {
      for (const char* name : {"", "a", "b", "ab"}) ++seen[Stream(seed, purpose, name).uniform(0, 0)];
    }
  }
  EXPECT_EQ(seen.size(), 24u);
}

/// Ten million normals: the even moments up to the eighth feel the tails.
TEST(Stream, MomentsOfNormals) {
  const Stream stream(2024, Purpose::increment, "moments");
  constexpr Index block = 10000;
  constexpr int blocks = 1000;
  const double count = static_cast<double>(block) * blocks;
  PointArray z(block, 1);
  std::array<fortet::parallel::ExactSum, 9> sums;
  for (int b = 0; b < blocks; ++b) {
    stream.normals(0, b, z);
    for (const int power : {1, 2, 3, 4, 6, 8}) {
      double sum = 0;
      for (Index i = 0; i < block; ++i) sum += std::pow(z(i, 0), power);
      sums[power].add(sum);
    }
  }
  const std::map<int, double> exact{{1, 0}, {2, 1}, {3, 0}, {4, 3}, {6, 15}, {8, 105}};
  const std::map<int, double> squares{{1, 1}, {2, 3}, {3, 15}, {4, 105}, {6, 10395}, {8, 2027025}};  // E z^(2 power)
  for (const auto& [power, value] : exact) {
    const double deviation = std::sqrt((squares.at(power) - value * value) / count);
    EXPECT_LT(std::abs(sums[power].value() / count - value), 4 * deviation) << "moment " << power;
  }
}

TEST(Stream, KolmogorovDistanceIsAtItsNoiseFloor) {
  const Stream stream(11, Purpose::increment, "ks");
  constexpr Index count = 1000000;
  PointArray x(count, 2);
  const auto distance = [&](int k, auto&& cumulative) {
    std::vector<double> values(x.view().coordinate(k), x.view().coordinate(k) + count);
    std::sort(values.begin(), values.end());
    double worst = 0;
    for (Index i = 0; i < count; ++i) {
      const double f = cumulative(values[i]);
      worst = std::max({worst, f - static_cast<double>(i) / count, static_cast<double>(i + 1) / count - f});
    }
    return std::sqrt(static_cast<double>(count)) * worst;
  };
  // Kolmogorov's limit law: quantiles 0.0005 and 0.9995 are 0.35 and 2.04.
  stream.uniforms(0, 0, x);
  for (int k = 0; k < 2; ++k) {
    const double d = distance(k, [](double u) { return u; });
    EXPECT_GT(d, 0.35);
    EXPECT_LT(d, 2.04);
  }
  stream.normals(0, 1, x);
  for (int k = 0; k < 2; ++k) {
    const double d = distance(k, [](double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); });
    EXPECT_GT(d, 0.35);
    EXPECT_LT(d, 2.04);
  }
}

TEST(Stream, NeighboursInIdStepAndDrawAreUncorrelated) {
  const Stream stream(3, Purpose::increment, "correlation");
  constexpr Index count = 1 << 20;
  PointArray now(count + 1, 4), next(count + 1, 4);
  stream.normals(0, 0, now);
  stream.normals(0, 1, next);
  const auto correlation = [&](auto&& a, auto&& b) {
    double sum = 0;
    for (Index i = 0; i < count; ++i) sum += a(i) * b(i);
    return sum / std::sqrt(static_cast<double>(count));  // standard normal under independence
  };
  const auto squared = [](double z) { return (z * z - 1) / std::sqrt(2.0); };
  for (int k = 0; k < 4; ++k) {
    EXPECT_LT(std::abs(correlation([&](Index i) { return now(i, k); }, [&](Index i) { return now(i + 1, k); })), 4);
    EXPECT_LT(std::abs(correlation([&](Index i) { return now(i, k); }, [&](Index i) { return next(i, k); })), 4);
    EXPECT_LT(std::abs(correlation([&](Index i) { return squared(now(i, k)); },
                                   [&](Index i) { return squared(next(i, k)); })),
              4);
    const int other = (k + 1) % 4;
    EXPECT_LT(std::abs(correlation([&](Index i) { return now(i, k); }, [&](Index i) { return now(i, other); })), 4);
    EXPECT_LT(std::abs(correlation([&](Index i) { return squared(now(i, k)); },
                                   [&](Index i) { return squared(now(i, other)); })),
              4);
  }
}
}  // namespace
