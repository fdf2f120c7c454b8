// Checks at their limits: no or one particle, none inside the grid, values that are not finite, laws on a half line,
// points.
#include <gtest/gtest.h>

#include "support/checks.hpp"
#include "support/densities.hpp"

namespace {
using namespace fortet;

const std::vector<std::string> all{"cells", "kl", "l1", "ks", "w1", "w2", "sliced_w2", "energy", "mmd", "moments"};

laws::LawPtr normal() { return test::law("gaussian", {{"dimension", 1}}); }

ensembles::EnsemblePath at(std::int64_t count, double x, const std::string& name = "a") {
  return test::particles(name, 1, count,
                         [&](std::int64_t, Points out) { std::fill_n(out.coordinate(0), out.size(), x); });
}

densities::DensityPath exact_density(const laws::Law& law, double lower, double upper, int cells) {
  densities::DensityPath path;
  path.name = "exact";
  path.process = test::process("brownian", {{"dimension", 1}});
  path.grid = test::grid({{"lower", lower}, {"upper", upper}, {"cells", cells}});
  densities::Snapshot snapshot;
  snapshot.time = 1;
  snapshot.values.resize(cells);
  law.cell_masses(path.grid->local_edges(), snapshot.values);
  const std::vector<double> volumes = path.grid->local_volumes();
  for (int i = 0; i < cells; ++i) snapshot.values[i] /= volumes[i];
  path.snapshots.push_back(std::move(snapshot));
  return path;
}

std::string message_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(CheckLimits, NoParticles) {
  const auto none = at(0, 0);
  EXPECT_NE(message_of([&] {
              test::compare(test::side(none), test::side(normal()), {"cells"}, 1);
            }).find("ensembles.a has no particles"),
            std::string::npos);
}

TEST(CheckLimits, OneParticle) {
  const auto density = exact_density(*normal(), -5, 5, 40);
  const auto one = at(1, 0.3);
  for (const comparisons::Result& result : test::compare(test::side(one), test::side(density), all, 1)) {
    EXPECT_GT(*result.p_value, 0.01) << result.statistic;  // a likely place
    const bool blind = result.statistic == "cells" || result.statistic == "kl";
    EXPECT_EQ(std::isinf(result.smallest_visible_defect), blind) << result.statistic;
    EXPECT_EQ(result.note.find("nothing could be seen") != std::string::npos, blind) << result.statistic;
  }
  const auto far = at(1, 4.9);
  for (const comparisons::Result& result :
       test::compare(test::side(far), test::side(density), {"w1", "energy", "moments"}, 1)) {
    EXPECT_LT(*result.p_value, 0.01) << result.statistic;
  }
}

TEST(CheckLimits, FarBeyondTheTails) {
  // Thousands of deviations from agreement, where the laws of the statistics are below the range of a double.
  const auto density = exact_density(*normal(), -5, 5, 400);
  const auto heap = at(200000, 0.1);
  for (const comparisons::Result& result : test::compare(test::side(heap), test::side(density), all, 1)) {
    EXPECT_LT(*result.p_value, 1e-4) << result.statistic;
    EXPECT_TRUE(std::isfinite(result.expected)) << result.statistic;
  }
}

TEST(CheckLimits, AllParticlesOutsideTheGrid) {
  const auto density = exact_density(*normal(), -5, 5, 40);
  const auto lost = at(1000, 7);
  for (const comparisons::Result& result : test::compare(test::side(lost), test::side(density), all, 1)) {
    EXPECT_LT(*result.p_value, 1e-4) << result.statistic;
    EXPECT_EQ(result.picture->observed.back(), 1);
  }
}

TEST(CheckLimits, NotFinite) {
  for (const double x : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    auto path = test::samples(*normal(), 100, 1);
    path.snapshots[0].positions(17, 0) = x;
    EXPECT_NE(message_of([&] {
                test::compare(test::side(path), test::side(normal()), {"cells"}, 1);
              }).find("1 coordinates are not finite"),
              std::string::npos);
  }
  auto path = test::samples(*normal(), 100, 1);
  path.snapshots[0].weights.assign(path.snapshots[0].positions.size(), 1.0);
  path.snapshots[0].weights[5] = std::nan("");
  EXPECT_THROW(test::compare(test::side(path), test::side(normal()), {"cells"}, 1), DivergedError);
}

TEST(CheckLimits, LawOnAHalfLine) {
  const auto law = test::law("lognormal", {{"mean", {0}}, {"deviation", {0.8}}}),
             wrong = test::law("lognormal", {{"mean", {0.1}}, {"deviation", {0.8}}});
  const auto path = test::samples(*law, 10000, 1);
  for (const comparisons::Result& result : test::compare(test::side(path), test::side(law), all, 1, {{"bins", 64}})) {
    EXPECT_GT(*result.p_value, 1e-3) << result.statistic;
  }
  for (const comparisons::Result& result : test::compare(test::side(path), test::side(wrong), all, 1, {{"bins", 64}})) {
    EXPECT_LT(*result.p_value, 1e-3) << result.statistic;
  }
}

TEST(CheckLimits, Points) {
  // At t = 0 a study compares a point with itself: every statistic agrees, and none divides by a variance of zero.
  const auto point = test::law("dirac", {{"at", {0.3}}});
  const auto here = at(500, 0.3), elsewhere = at(500, 0.9);
  const auto density = exact_density(*point, -1, 1, 8);
  for (const comparisons::Result& result : test::compare(test::side(here), test::side(density), all, 1))
    EXPECT_EQ(*result.p_value, 1) << result.statistic;
  for (const comparisons::Result& result : test::compare(test::side(elsewhere), test::side(density), all, 1)) {
    EXPECT_LT(*result.p_value, 1e-4) << result.statistic;
  }
}

TEST(CheckLimits, DuplicatedStreamsAreTooGood) {
  // Two ensembles with the same particles: the lower tail.
  const auto one = test::samples(*normal(), 20000, 1, "a");
  auto two = one;
  two.name = "b";
  for (const comparisons::Result& result : test::compare(test::side(one), test::side(two), all, 1, {{"bins", 64}})) {
    EXPECT_EQ(result.value, 0) << result.statistic;
    EXPECT_LT(*result.p_value, 1e-3) << result.statistic;
  }
}

}  // namespace
