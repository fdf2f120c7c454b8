// The law of Brownian motion between two walls: images, the forward equation with its boundary conditions, masses.
#include <gtest/gtest.h>

#include <cmath>

#include "fortet/laws/law.hpp"

using namespace fortet;
using namespace fortet::laws;

namespace {
constexpr double lower = -1, upper = 2, at = 0.1;

LawPtr between(const char* walls, double variance, double shift) {
  return make_law(Parameters::make(
      "laws", "bounded_brownian",
      {{"lower", lower}, {"upper", upper}, {"at", at}, {"variance", variance}, {"shift", shift}, {"walls", walls}}));
}

double density(const Law& law, double x) {
  PointArray point(1, 1);
  point(0, 0) = x;
  double log = 0;
  law.log_density(point, &log);
  return std::exp(log);
}

double normal(double x, double mean, double variance) {
  return std::exp(-(x - mean) * (x - mean) / (2 * variance)) / std::sqrt(2 * M_PI * variance);
}

double mass(const Law& law) {
  double total = 0;
  law.cell_masses({{lower, upper}}, std::span(&total, 1));
  return total;
}
}  // namespace

TEST(BoundedBrownian, AgreesWithTheSumOverImages) {
  const double variance = 0.5, length = upper - lower, shift = 0.4;
  for (const double x : {-0.9, -0.2, 0.1, 1.0, 1.9}) {
    double odd = 0, even = 0;
    for (int n = -8; n <= 8; ++n) {
      const double direct = normal(x, at + 2 * n * length, variance),
                   mirrored = normal(x, 2 * lower - at + 2 * n * length, variance);
      odd += direct - mirrored, even += direct + mirrored;
    }
    EXPECT_NEAR(density(*between("reflecting", variance, 0), x), even, 1e-14);
    EXPECT_NEAR(density(*between("absorbing", variance, 0), x), odd, 1e-14);
    // Girsanov's factor of a drift between absorbing walls.
    EXPECT_NEAR(density(*between("absorbing", variance, shift), x),
                odd * std::exp(shift * (x - at) / variance - shift * shift / (2 * variance)), 1e-13);
  }
}

TEST(BoundedBrownian, SolvesTheForwardEquationWithItsBoundaryConditions) {
  // sigma = 1 and drift v: variance t, shift v t. d/dt p + v p' - p''/2 = 0, and v p - p'/2 = 0 (or p = 0) at the
  // walls. Central differences of step e are off by e^2 times derivatives of order 1 to 100.
  const double v = 0.7, t = 0.4, e = 1e-4;
  for (const char* walls : {"reflecting", "absorbing"}) {
    const LawPtr now = between(walls, t, v * t), before = between(walls, t - e, v * (t - e)),
                 after = between(walls, t + e, v * (t + e));
    for (const double x : {-0.6, 0.1, 0.8, 1.7}) {
      const double rate = (density(*after, x) - density(*before, x)) / (2 * e);
      const double low = density(*now, x - e), middle = density(*now, x), high = density(*now, x + e);
      EXPECT_NEAR(rate + v * (high - low) / (2 * e) - (high - 2 * middle + low) / (2 * e * e), 0, 1e-5)
          << walls << " at " << x;
    }
    PointArray ends(2, 1), score(2, 1);
    ends(0, 0) = lower, ends(1, 0) = upper;
    now->score(ends, score);
    for (int k = 0; k < 2; ++k) {
      if (walls[0] == 'r')
        EXPECT_NEAR(score(k, 0), 2 * v, 1e-12);
      else
        EXPECT_NEAR(density(*now, ends(k, 0)), 0, 1e-14);
    }
  }
}

TEST(BoundedBrownian, CellMassesIntegrateTheDensity) {
  for (const char* walls : {"reflecting", "absorbing"}) {
    const LawPtr law = between(walls, 0.3, 0.5);
    std::vector<double> edges, masses(300);
    for (int i = 0; i <= 300; ++i) edges.push_back(lower + (upper - lower) * i / 300);
    law->cell_masses({edges}, masses);
    for (int i = 0; i < 300; i += 30) {
      const double middle = (edges[i] + edges[i + 1]) / 2, width = edges[i + 1] - edges[i];
      const double simpson = (density(*law, edges[i]) + 4 * density(*law, middle) + density(*law, edges[i + 1])) / 6;
      EXPECT_NEAR(masses[i], width * simpson, 1e-11);
    }
  }
  EXPECT_NEAR(mass(*between("reflecting", 0.3, 0.5)), 1, 1e-14);
  EXPECT_NEAR(mass(*between("reflecting", 1e-4, 0)), 1, 1e-12);
  EXPECT_NEAR(density(*between("reflecting", 300, 60), 1.5) / density(*between("reflecting", 300, 60), 0.5),
              std::exp(0.4), 1e-12);
}

TEST(BoundedBrownian, SurvivalDecaysWithTheFirstEigenvalue) {
  // exp(-k^2 s^2 / 2) with k = pi / L, up to the third mode.
  const double k = M_PI / (upper - lower);
  EXPECT_NEAR(mass(*between("absorbing", 9, 0)) / mass(*between("absorbing", 8, 0)), std::exp(-k * k / 2), 1e-12);
}

TEST(BoundedBrownian, RefusesWhatTheSeriesCannotGive) {
  EXPECT_THROW(between("absorbing", 1e-7, 0), ParameterError);
  EXPECT_THROW(between("reflecting", 0.1, 10), ParameterError);
}
