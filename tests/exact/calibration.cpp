// Calibration (docs/verdicts.md): where two descriptions agree, every statistic is rejected at the stated rate, on both
// sides.
#include <gtest/gtest.h>

#include "support/checks.hpp"
#include "support/densities.hpp"

namespace {
using namespace fortet;

constexpr int repetitions = 500;
const std::vector<std::string> on_the_line{"cells", "kl", "l1", "ks", "w1", "w2", "energy", "mmd", "moments"};
const std::vector<std::string> in_the_plane{"cells", "sliced_w2", "moments"};
const Json few_bins{{"bins", 24}}, plane_bins{{"bins", 36}};

laws::LawPtr bumps() {
  return test::law("gaussian_mixture", {{"weights", {0.3, 0.7}}, {"means", {{-1.5}, {1}}}, {"deviations", {0.6, 0.8}}});
}
laws::LawPtr tilted() { return test::law("gaussian", {{"mean", {0.5, -1}}, {"covariance", {{1, 0.6}, {0.6, 2}}}}); }

TEST(Calibration, ParticlesAgainstLaw) {
  test::Repetitions line, plane;
  for (int r = 0; r < repetitions; ++r) {
    line.add(
        test::compare(test::side(test::samples(*bumps(), 3000, r)), test::side(bumps()), on_the_line, r, few_bins));
    plane.add(test::compare(test::side(test::samples(*tilted(), 3000, r)), test::side(tilted()), in_the_plane, r,
                            plane_bins));
  }
  line.expect_calibrated("law, line");
  plane.expect_calibrated("law, plane");
}

TEST(Calibration, ParticlesAgainstDensity) {
  // The density's own error is far below the noise: sum of squares over masses times N is much less than one.
  const auto ou = test::process("ornstein_uhlenbeck", {{"dimension", 1}});
  const auto ou2 = test::process("ornstein_uhlenbeck", {{"dimension", 2}});
  const auto density =
      test::DensityCase{ou, bumps(), test::grid({{"lower", -5.0}, {"upper", 5.0}, {"cells", 240}}), {0.5}}.solve();
  const auto density2 = test::DensityCase{
      ou2,
      tilted(),
      test::grid({{"lower", {-6, -9}}, {"upper", {7, 7}}, {"cells", {96, 96}}}),
      {0.5}}.solve();
  const auto exact = ou->transition(0, 0.5), exact2 = ou2->transition(0, 0.5);
  const auto moved = [](const laws::Law& initial, const processes::Transition& transition, int r) {
    auto path = test::samples(initial, 3000, r, "particles", 0.5);
    PointArray& x = path.snapshots.front().positions;
    PointArray normals(x.size(), transition.draws());
    parallel::Stream(r, parallel::Purpose::increment).normals(path.snapshots.front().first, 0, normals);
    transition.apply(normals, x);
    return path;
  };
  test::Repetitions line, plane;
  for (int r = 0; r < repetitions; ++r) {
    line.add(test::compare(test::side(moved(*bumps(), *exact, r)), test::side(density), on_the_line, r, few_bins, 0.5));
    plane.add(test::compare(test::side(moved(*tilted(), *exact2, r)), test::side(density2), in_the_plane, r, plane_bins,
                            0.5));
  }
  line.expect_calibrated("density, line");
  plane.expect_calibrated("density, plane");
}

}  // namespace
