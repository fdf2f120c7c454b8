// Calibration (docs/verdicts.md) of two ensembles against each other, and of weighted particles.
#include <gtest/gtest.h>

#include "support/checks.hpp"
#include "support/densities.hpp"
#include "support/ensembles.hpp"

namespace {
using namespace fortet;

constexpr int repetitions = 500;
const std::vector<std::string> on_the_line{"cells", "kl", "l1", "ks", "w1", "w2", "energy", "mmd", "moments"};
const std::vector<std::string> in_the_plane{"cells", "sliced_w2", "moments"};

TEST(Calibration, TwoEnsembles) {
  const auto bumps =
      test::law("gaussian_mixture", {{"weights", {0.3, 0.7}}, {"means", {{-1.5}, {1}}}, {"deviations", {0.6, 0.8}}});
  const auto tilted = test::law("gaussian", {{"mean", {0.5, -1}}, {"covariance", {{1, 0.6}, {0.6, 2}}}});
  test::Repetitions line, plane;
  for (int r = 0; r < repetitions; ++r) {
    line.add(test::compare(test::side(test::samples(*bumps, 3000, r, "a")),
                           test::side(test::samples(*bumps, 5000, r, "b")), on_the_line, r, {{"bins", 24}}));
    plane.add(test::compare(test::side(test::samples(*tilted, 5000, r, "a")),
                            test::side(test::samples(*tilted, 3000, r, "b")), in_the_plane, r, {{"bins", 36}}));
  }
  line.expect_calibrated("two ensembles, line");
  plane.expect_calibrated("two ensembles, plane");
}

/// Brownian particles over an absorbing wall in a single step: a particle at x > 0 has survived with probability 1 -
/// exp(-2 x0 x / t), which is exact for any step. The law of the survivors is that of the PDE.
TEST(Calibration, WeightsOfSurvival) {
  const auto brownian = test::process("brownian", {{"dimension", 1}, {"sigma", 1.0}});
  const auto initial = test::law("uniform", {{"lower", {0.1}}, {"upper", {1.5}}});
  const auto density = test::DensityCase{
      brownian,
      initial,
      test::grid({{"lower", 0.0},
                  {"upper", 7.0},
                  {"cells", 700},
                  {"boundary", Json::array({Json::array({"absorbing", "no_flux"})})}}),
      {1}}.solve();
  const Json walls{{"lower", {0}}, {"upper", {100}}, {"conditions", Json::array({Json::array({"absorbing", "none"})})}};
  const Json survival{{"steps", 1}, {"at", {1.0}}, {"walls", walls}};
  const auto survivors = [&](int r, std::int64_t count, const std::string& name) {
    return ensembles::run_ensemble(test::ensemble(brownian, initial, count, survival, r, name), test::world());
  };
  test::Repetitions against_density, against_ensemble;
  for (int r = 0; r < repetitions; ++r) {
    const auto one = survivors(r, 4000, "one"), two = survivors(r, 2500, "two");
    against_density.add(test::compare(test::side(one), test::side(density), on_the_line, r, {{"bins", 28}}));
    against_ensemble.add(test::compare(test::side(one), test::side(two), on_the_line, r, {{"bins", 24}}));
  }
  against_density.expect_calibrated("survivors, density");
  against_ensemble.expect_calibrated("survivors, two ensembles");
}

}  // namespace
