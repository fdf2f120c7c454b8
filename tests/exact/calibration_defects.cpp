// What a check can see (docs/verdicts.md): an estimated discretisation error is forgiven, a defect of the printed size
// is not.
#include <gtest/gtest.h>

#include "../../src/comparisons/chi_square.hpp"
#include "support/checks.hpp"
#include "support/densities.hpp"
#include "support/ensembles.hpp"

namespace {
using namespace fortet;
using Masses = std::vector<double>;

constexpr double level = 0.01, power = 0.9;

TEST(Equivalence, CoarseGridWithEstimatedError) {
  const auto ou = test::process("ornstein_uhlenbeck", {{"dimension", 1}});
  const auto initial = test::law("gaussian", {{"mean", {2}}, {"covariance", {{0.2}}}});
  const test::DensityCase coarse{ou, initial, test::grid({{"lower", -5.0}, {"upper", 5.0}, {"cells", 25}}), {0.5}};
  auto forgiven = coarse.solve();
  auto blamed = forgiven;
  densities::estimate_errors(coarse.settings(), forgiven);
  const auto exact = ou->marginal(initial, 0.5);
  const std::vector<std::string> by{"cells", "kl", "l1", "ks", "w1", "energy", "moments"};
  test::Repetitions with_estimate, without;
  for (int r = 0; r < 200; ++r) {
    const auto particles = test::samples(*exact, 60000, r, "particles", 0.5);
    with_estimate.add(test::compare(test::side(particles), test::side(forgiven), by, r, {{"bins", 40}}, 0.5));
    if (r < 50)
      without.add(test::compare(test::side(particles), test::side(blamed), {"cells", "l1"}, r, {{"bins", 40}}, 0.5));
  }
  with_estimate.expect_not_above_level("coarse grid");
  for (const char* statistic : {"cells", "l1"})
    EXPECT_GE(without.rejections(statistic, level), test::Band(50, power).low) << statistic;
}

TEST(Equivalence, LargeStepsWithCoarserRun) {
  const auto ou = test::process("ornstein_uhlenbeck", {{"dimension", 1}});
  const auto initial = test::law("gaussian", {{"mean", {2}}, {"covariance", {{0.2}}}});
  const auto exact = ou->marginal(initial, 1);
  const std::vector<std::string> by{"cells", "kl", "l1", "ks", "w1", "energy", "moments"};
  test::Repetitions with_estimate, without;
  for (int r = 0; r < 200; ++r) {
    const auto settings = test::ensemble(ou, initial, 40000, {{"steps", 20}, {"at", {1.0}}}, r);
    const auto fine = ensembles::run_ensemble(settings, test::world()),
               coarser = ensembles::run_coarser(settings, test::world(), 2);
    with_estimate.add(test::compare(test::side(fine, &coarser), test::side(exact), by, r, {{"bins", 40}}));
    if (r < 50)
      without.add(test::compare(test::side(fine), test::side(exact), {"cells", "moments"}, r, {{"bins", 40}}));
  }
  with_estimate.expect_not_above_level("large steps");
  for (const char* statistic : {"cells", "moments"})
    EXPECT_GE(without.rejections(statistic, level), test::Band(50, power).low) << statistic;
}

/// Particles of a wrong method beside the right density, with the masses that both give exactly to the bins of the
/// check (outside last).
struct Defect {
  const char* name;
  densities::DensityPath density;
  std::function<ensembles::EnsemblePath(std::int64_t count, int seed)> particles;
  Masses right, wrong;
  Index bins;
};

/// The statistic between the exact laws. For `cells` in its printed unit, the relative size of the defect of the cells
/// that it uses with so many particles.
double size_of(const Defect& defect, const std::string& statistic, double count) {
  double sum = 0;
  if (statistic == "l1") {
    for (std::size_t b = 0; b < defect.right.size(); ++b) sum += std::abs(defect.wrong[b] - defect.right[b]);
    return sum;
  }
  comparisons::Sampling sampling;
  sampling.inverse_size = 1 / count;
  const comparisons::MergedBins merged(defect.right, sampling);
  const Masses p = merged.merge(defect.right), q = merged.merge(defect.wrong);
  for (std::size_t g = 0; g < p.size(); ++g) sum += (q[g] - p[g]) * (q[g] - p[g]) / p[g];
  return std::sqrt(sum);
}

/// The number of particles at which the printed smallest visible defect is this defect: visible ~ 1 / sqrt(N).
std::int64_t particles_needed(const Defect& defect, const std::string& statistic) {
  const double time = defect.density.snapshots.front().time;
  double count = 4000, ratio = 0;
  for (int i = 0; i < 8; ++i) {
    const auto particles = defect.particles(std::llround(count), 999);
    const double visible = test::compare(test::side(particles), test::side(defect.density), {statistic}, 999,
                                         {{"bins", defect.bins}}, time)
                               .front()
                               .smallest_visible_defect;
    ratio = visible / size_of(defect, statistic, count);
    count *= ratio * ratio;
  }
  EXPECT_NEAR(ratio, 1, 0.02) << defect.name << ": " << statistic;
  return std::llround(count);
}

void expect_caught(const Defect& defect, const std::vector<std::string>& by) {
  constexpr int repetitions = 50;
  for (const std::string& statistic : by) {
    const std::int64_t count = particles_needed(defect, statistic);
    test::Repetitions repeated;
    for (int r = 0; r < repetitions; ++r) {
      repeated.add(test::compare(test::side(defect.particles(count, r)), test::side(defect.density), {statistic}, r,
                                 {{"bins", defect.bins}}, defect.density.snapshots.front().time));
    }
    if (test::world().is_root()) {
      std::printf("%-32s %-6s defect %.4f, %7ld particles: seen %2.0f times of %d\n", defect.name, statistic.c_str(),
                  size_of(defect, statistic, static_cast<double>(count)), static_cast<long>(count),
                  repeated.rejections(statistic, level), repetitions);
    }
    EXPECT_GE(repeated.rejections(statistic, level), test::Band(repetitions, power).low)
        << defect.name << ": " << statistic;
  }
}

Masses masses(const laws::Law& law, const densities::Grid& grid, Index bins) {
  return comparisons::Bins::from_grid(grid, bins).masses(law);
}

/// `wrong` and `right` have closed forms; the particles are samples of the wrong marginal law.
Defect of_processes(const char* name, const processes::ProcessPtr& right, const processes::ProcessPtr& wrong,
                    const laws::LawPtr& initial, const Json& grid_values, double time, Index bins) {
  const auto grid = test::grid(grid_values);
  const auto truth = right->marginal(initial, time), mistaken = wrong->marginal(initial, time);
  return {name,
          test::DensityCase{right, initial, grid, {time}}.solve(),
          [=](std::int64_t count, int seed) { return test::samples(*mistaken, count, seed, "particles", time); },
          masses(*truth, *grid, bins),
          masses(*mistaken, *grid, bins),
          bins};
}

TEST(Defects, NoiseTwoPercentTooLarge) {
  const auto start = test::law("gaussian", {{"mean", {1}}, {"covariance", {{0.1}}}});
  const double sigma = std::sqrt(2.0);
  expect_caught(
      of_processes("noise 2 % too large", test::process("ornstein_uhlenbeck", {{"dimension", 1}, {"sigma", sigma}}),
                   test::process("ornstein_uhlenbeck", {{"dimension", 1}, {"sigma", 1.02 * sigma}}), start,
                   {{"lower", -6.0}, {"upper", 6.0}, {"cells", 480}}, 1, 16),
      {"cells", "l1"});
}

TEST(Defects, DriftSignFlippedInOneComponent) {
  const auto start = test::law("gaussian", {{"mean", {1, 1}}, {"covariance", {{0.5, 0}, {0, 0.5}}}});
  const Json noise{{0.5, 0}, {0, 0.5}};
  expect_caught(of_processes("drift sign of one component",
                             test::process("linear", {{"drift", {{-1, 0}, {0, -1}}}, {"noise", noise}}),
                             test::process("linear", {{"drift", {{-1, 0}, {0, 1}}}, {"noise", noise}}), start,
                             {{"lower", {-3, -3}}, {"upper", {5, 5}}, {"cells", {128, 128}}}, 0.05, 16),
                {"cells", "l1"});
}

TEST(Defects, MissingOneHalf) {  // sigma^2 read as the diffusion coefficient D, which is sigma^2 / 2
  const auto start = test::law("gaussian", {{"mean", {0}}, {"covariance", {{1.0}}}});
  expect_caught(of_processes("missing one half", test::process("brownian", {{"dimension", 1}, {"sigma", 1.0}}),
                             test::process("brownian", {{"dimension", 1}, {"sigma", std::sqrt(2.0)}}), start,
                             {{"lower", -8.0}, {"upper", 8.0}, {"cells", 480}}, 0.1, 16),
                {"cells", "l1"});
}

TEST(Defects, DivergenceOfTheDiffusionDropped) {
  // d_x (D d_x p) with D = s^2 x^2 / 2 has the Ito drift D' = s^2 x; particles without it are those of a geometric
  // Brownian motion without drift.
  const auto start = test::law("lognormal", {{"mean", {0}}, {"deviation", {0.4}}});
  const double s = 0.3;
  expect_caught(of_processes("div a dropped",
                             test::process("geometric_brownian", {{"dimension", 1}, {"mu", s * s}, {"sigma", s}}),
                             test::process("geometric_brownian", {{"dimension", 1}, {"mu", 0.0}, {"sigma", s}}), start,
                             {{"lower", 0.0}, {"upper", 8.0}, {"cells", 800}}, 1, 16),
                {"cells", "l1"});
}

/// Brownian motion over a wall at 0, put back onto the wall after each step that crosses it.
TEST(Defects, ProjectionInsteadOfReflection) {
  constexpr double step = 0.05, upper = 6, sigma = 1;
  constexpr int steps = 10, bins = 16, cells = 1200;
  const double deviation = sigma * std::sqrt(step), time = steps * step, width = upper / cells;
  const auto brownian = test::process("brownian", {{"dimension", 1}, {"sigma", sigma}});
  const auto start = test::law("uniform", {{"lower", {0}}, {"upper", {1.5}}});
  const auto grid = test::grid({{"lower", 0.0}, {"upper", upper}, {"cells", cells}});
  Defect defect{"projection at a wall", test::DensityCase{brownian, start, grid, {time}}.solve(), {}, {}, {}, bins};
  defect.particles = [=](std::int64_t count, int seed) {
    auto path = test::samples(*start, count, seed, "particles", time);
    ensembles::Snapshot& snapshot = path.snapshots.front();
    PointArray normals(snapshot.positions.size(), 1);
    for (int n = 0; n < steps; ++n) {
      parallel::Stream(seed, parallel::Purpose::increment).normals(snapshot.first, n, normals);
      for (Index i = 0; i < normals.size(); ++i)
        snapshot.positions(i, 0) = std::max(0.0, snapshot.positions(i, 0) + deviation * normals(i, 0));
    }
    return path;
  };
  // The chain of the projected particles: mass at 0 and in cells of a fine grid, moved from their centres.
  const auto below = [&](double x) { return 0.5 * std::erfc(-x / (deviation * std::sqrt(2.0))); };
  Masses fine(cells, 0.0), cumulative(cells + 1);
  start->cell_masses({grid->edges(0)}, fine);
  double atom = 0;
  for (int n = 0; n < steps; ++n) {
    Masses next(cells, 0.0);
    double at_wall = 0;
    for (int j = -1; j < cells; ++j) {
      const double x = j < 0 ? 0 : (j + 0.5) * width, mass = j < 0 ? atom : fine[j];
      if (mass < 1e-15) continue;
      at_wall += mass * below(-x);
      const int reach = static_cast<int>(8 * deviation / width), first = std::max(0, j - reach),
                last = std::min(cells, j + reach);
      double previous = below(first * width - x);
      for (int i = first; i < last; ++i) {
        const double here = below((i + 1) * width - x);
        next[i] += mass * (here - previous);
        previous = here;
      }
    }
    fine = next;
    atom = at_wall;
  }
  // Reflection: the law of |x + W|.
  const comparisons::Bins merged = comparisons::Bins::from_grid(*grid, bins);
  Masses exact(cells, 0.0);
  const auto free = brownian->marginal(test::law("uniform", {{"lower", {-1.5}}, {"upper", {1.5}}}), time);
  const std::vector<double>& edges = grid->edges(0);
  if (free) {
    free->cell_masses({edges}, exact);
    for (double& mass : exact) mass *= 2;
  } else {  // integral of the distribution function of the normal law over the starting points
    const double spread = sigma * std::sqrt(time);
    const auto integral = [&](double y) {
      return y * 0.5 * std::erfc(-y / (spread * std::sqrt(2.0))) +
             spread * std::exp(-y * y / (2 * spread * spread)) / std::sqrt(2 * M_PI);
    };
    const auto distribution = [&](double x) { return (integral(x + 1.5) - integral(x - 1.5)) / 3; };
    for (int i = 0; i < cells; ++i) exact[i] = 2 * (distribution(edges[i + 1]) - distribution(edges[i]));
  }
  const auto gather = [&](const Masses& values, double wall) {
    Masses result(bins + 1, 0.0);
    for (int i = 0; i < cells; ++i) {
      Index bin = 0;
      const double centre = (i + 0.5) * width;
      merged.locate(ConstPoints(&centre, 1, 1), &bin);
      result[bin] += values[i];
    }
    result[0] += wall;
    return result;
  };
  defect.right = gather(exact, 0);
  defect.wrong = gather(fine, atom);
  expect_caught(defect, {"cells", "l1"});
}

}  // namespace
