// Kinds of couplings: what is drawn, and from what.
#include <gtest/gtest.h>

#include <numeric>
#include <thread>

#include "fortet/couplings/assignment.hpp"
#include "fortet/couplings/coupling.hpp"
#include "fortet/couplings/sinkhorn.hpp"

using namespace fortet;
using namespace fortet::couplings;

namespace {

const parallel::Stream stream(3, parallel::Purpose::pairing, "test");

PointArray normals(Index n, int d, std::string_view name, double shift = 0) {
  PointArray x(n, d);
  parallel::Stream(5, parallel::Purpose::law_sample, name).normals(0, 0, x);
  for (Index i = 0; i < n; ++i) x(i, 0) += shift;
  return x;
}

Pairing pairing_of(const std::string& kind, const Json& values, ConstPoints x, ConstPoints y, std::uint32_t step = 0) {
  Pairing pairing;
  make_coupling(Parameters::make("couplings", kind, values))->pair({x, y, step, &pairing}, stream);
  return pairing;
}

std::vector<int> counts(const std::vector<std::int32_t>& chosen) {
  std::vector<int> result(chosen.size(), 0);
  for (const std::int32_t i : chosen) ++result.at(i);
  return result;
}

TEST(CouplingKinds, IndependentPairsInOrder) {
  const PointArray x = normals(5, 2, "x"), y = normals(5, 2, "y");
  const Pairing pairing = pairing_of("independent", Json::object(), x, y);
  EXPECT_EQ(pairing.source, (std::vector<std::int32_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(pairing.target, pairing.source);
  EXPECT_TRUE(make_coupling(Parameters::make("couplings", "independent", Json::object()))->is_independent());
}

TEST(CouplingKinds, ExactIsTheAssignment) {
  const PointArray x = normals(200, 2, "x"), y = normals(200, 2, "y", 4);
  const Pairing pairing = pairing_of("exact", Json::object(), x, y);
  EXPECT_EQ(pairing.target, assign(x, y).column);
  EXPECT_EQ(counts(pairing.source), std::vector<int>(200, 1));
}

TEST(CouplingKinds, ExactWithReplacementDrawsPairsOfThePlan) {
  const Index n = 400;
  const PointArray x = normals(n, 2, "x"), y = normals(n, 2, "y", 4);
  const std::vector<std::int32_t> column = assign(x, y).column;
  const Pairing first = pairing_of("exact", {{"replacement", true}}, x, y, 1);
  for (Index k = 0; k < n; ++k) EXPECT_EQ(first.target[k], column[first.source[k]]);
  // A share 1 - 1/e of the sources is drawn at least once; its deviation is sqrt((1/e - 2/e^2) n).
  const std::vector<int> drawn = counts(first.source);
  const double seen = static_cast<double>(n - std::count(drawn.begin(), drawn.end(), 0));
  EXPECT_NEAR(seen, n * (1 - std::exp(-1.0)), 5 * std::sqrt(n * (std::exp(-1.0) - 2 * std::exp(-2.0))));
  EXPECT_NE(first.source, pairing_of("exact", {{"replacement", true}}, x, y, 2).source);
  EXPECT_EQ(first.source, pairing_of("exact", {{"replacement", true}}, x, y, 1).source);
}

TEST(CouplingKinds, SinkhornDrawsFromItsPlan) {
  const Index n = 8;
  const PointArray x = normals(n, 2, "x"), y = normals(n, 2, "y");
  SinkhornSettings settings;
  settings.epsilon = 1;
  const EntropicPlan plan(x, y, settings);
  for (const bool replacement : {false, true}) {
    const int steps = 1000;
    std::vector<double> seen(n * n, 0.0);
    for (int step = 0; step < steps; ++step) {
      const Pairing pairing =
          pairing_of("sinkhorn", {{"epsilon", 1}, {"tolerance", 1e-6}, {"replacement", replacement}}, x, y, step);
      if (!replacement) {
        EXPECT_EQ(counts(pairing.source), std::vector<int>(n, 1));
      }
      for (Index k = 0; k < n; ++k) ++seen[pairing.source[k] * n + pairing.target[k]];
    }
    // chi-square with n^2 - 1 degrees of freedom (n (n - 1) with every source once).
    double chi_square = 0;
    std::vector<double> row(n);
    for (Index i = 0; i < n; ++i) {
      plan.row(i, row.data());
      for (Index j = 0; j < n; ++j) {
        const double expected = row[j] * steps * n;
        chi_square += (seen[i * n + j] - expected) * (seen[i * n + j] - expected) / expected;
      }
    }
    const double freedom = replacement ? n * n - 1 : n * (n - 1);
    EXPECT_NEAR(chi_square, freedom, 5 * std::sqrt(2 * freedom)) << "replacement " << replacement;
  }
}

TEST(CouplingKinds, UnbalancedLeavesOutliersAlone) {
  const Index n = 100;
  const PointArray x = normals(n, 2, "x");
  PointArray y = normals(n, 2, "y");
  for (Index i = 0; i < 10; ++i) y(i, 0) += 30;
  const Json settings{{"epsilon", 0.5}, {"mass_penalty", 2}};
  const Pairing unbalanced = pairing_of("unbalanced", settings, x, y);
  const auto outliers = [](const Pairing& pairing) {
    return std::count_if(pairing.target.begin(), pairing.target.end(), [](std::int32_t j) { return j < 10; });
  };
  EXPECT_EQ(outliers(unbalanced), 0);  // each has weight of order exp(-900 / 4.5)
  EXPECT_GT(outliers(pairing_of("sinkhorn", {{"epsilon", 0.5}}, x, y)), 0);
}

TEST(CouplingKinds, SamePairsFromManyThreads) {
  const PointArray x = normals(256, 2, "x"), y = normals(256, 2, "y", 4);
  const CouplingPtr coupling = make_coupling(Parameters::make("couplings", "exact", {{"replacement", true}}));
  std::vector<Pairing> pairings(4);
  {
    std::vector<std::jthread> threads;
    for (Pairing& pairing : pairings) threads.emplace_back([&] { coupling->pair({x, y, 7, &pairing}, stream); });
  }
  for (const Pairing& pairing : pairings) {
    EXPECT_EQ(pairing.source, pairings[0].source);
    EXPECT_EQ(pairing.target, pairings[0].target);
  }
}

TEST(CouplingKinds, TooFewIterationsAreAnError) {
  const PointArray x = normals(64, 2, "x"), y = normals(64, 2, "y", 3);
  EXPECT_THROW(pairing_of("sinkhorn", {{"epsilon", 0.01}, {"tolerance", 1e-8}, {"iterations", 2}}, x, y),
               DivergedError);
  EXPECT_THROW(pairing_of("exact", Json::object(), x, normals(63, 2, "z")), UsageError);
}

}  // namespace
