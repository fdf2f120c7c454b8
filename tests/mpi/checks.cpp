// ranks: 1 2 3 4
// Checks give the same numbers on any number of ranks, and end on all ranks when the particles of one are faulty.
#include "support/checks.hpp"

#include <gtest/gtest.h>

#include "support/densities.hpp"

namespace {
using namespace fortet;

const std::vector<std::string> all{"cells", "kl", "l1", "ks", "w2", "sliced_w2", "energy", "mmd", "moments"};

laws::LawPtr tilted() { return test::law("gaussian", {{"mean", {0.5, -1}}, {"covariance", {{1, 0.6}, {0.6, 2}}}}); }

/// Numbers written down from one rank: what this rank alone computes of the same particles.
ensembles::EnsemblePath alone(const laws::Law& law, std::int64_t total, std::uint64_t seed, const std::string& name) {
  ensembles::EnsemblePath path;
  path.name = name;
  ensembles::Snapshot snapshot;
  snapshot.time = 1;
  snapshot.total = total;
  snapshot.positions = PointArray(total, law.dimension());
  law.sample(parallel::Stream(seed, parallel::Purpose::initial_law, name), 0, snapshot.positions);
  path.snapshots.push_back(std::move(snapshot));
  return path;
}

void expect_same(const std::vector<comparisons::Result>& found, const std::vector<comparisons::Result>& expected) {
  EXPECT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].value, expected[i].value) << found[i].statistic;
    EXPECT_EQ(found[i].expected, expected[i].expected) << found[i].statistic;
    EXPECT_EQ(found[i].p_value, expected[i].p_value) << found[i].statistic;
    EXPECT_EQ(found[i].smallest_visible_defect, expected[i].smallest_visible_defect) << found[i].statistic;
    EXPECT_EQ(found[i].budget, expected[i].budget) << found[i].statistic;
    EXPECT_EQ(found[i].picture->observed, expected[i].picture->observed);
    EXPECT_EQ(found[i].picture->expected, expected[i].picture->expected);
  }
}

TEST(Checks, SameNumbersOnAnyRanks) {
  const parallel::Communicator self(MPI_COMM_SELF);
  const auto law = tilted();
  const Json few{{"bins", 25}};
  const auto ours = test::samples(*law, 3001, 1, "a"), others = test::samples(*law, 1999, 1, "b");
  const auto mine = alone(*law, 3001, 1, "a"), theirs = alone(*law, 1999, 1, "b");
  expect_same(
      comparisons::run_check(test::check_settings(test::side(ours), test::side(law), all, 5, few), test::world()),
      comparisons::run_check(test::check_settings(test::side(mine), test::side(law), all, 5, few), self));
  expect_same(
      comparisons::run_check(test::check_settings(test::side(ours), test::side(others), all, 5, few), test::world()),
      comparisons::run_check(test::check_settings(test::side(mine), test::side(theirs), all, 5, few), self));
  // A law that is sampled, as it has no cell masses.
  const auto moons = test::law("moons", {{"variant", "runner"}});
  const auto points = test::samples(*moons, 2000, 3, "m");
  const auto points_alone = alone(*moons, 2000, 3, "m");
  expect_same(comparisons::run_check(
                  test::check_settings(test::side(points), test::side(moons), {"cells", "ks"}, 5, few), test::world()),
              comparisons::run_check(
                  test::check_settings(test::side(points_alone), test::side(moons), {"cells", "ks"}, 5, few), self));
}

TEST(Checks, SameNumbersAgainstADensity) {
  const auto law = tilted();
  const auto exact_masses = [&](const parallel::Communicator& communicator) {
    densities::DensityPath path;
    path.name = "exact";
    path.process = test::process("brownian", {{"dimension", 2}});
    path.grid = densities::Grid::make(
        Parameters::make("grids", "", {{"lower", {-5, -8}}, {"upper", {6, 6}}, {"cells", {30, 31}}}), communicator);
    densities::Snapshot snapshot;
    snapshot.time = 1;
    snapshot.values.resize(path.grid->local_count());
    law->cell_masses(path.grid->local_edges(), snapshot.values);
    const std::vector<double> volumes = path.grid->local_volumes();
    for (std::size_t i = 0; i < volumes.size(); ++i) snapshot.values[i] /= volumes[i];
    path.snapshots.push_back(std::move(snapshot));
    return path;
  };
  const parallel::Communicator self(MPI_COMM_SELF);
  const auto shared = exact_masses(test::world()), whole = exact_masses(self);
  const auto ours = test::samples(*law, 3001, 1, "a");
  const auto mine = alone(*law, 3001, 1, "a");
  expect_same(
      comparisons::run_check(test::check_settings(test::side(ours), test::side(shared), all, 5, {{"bins", 25}}),
                             test::world()),
      comparisons::run_check(test::check_settings(test::side(mine), test::side(whole), all, 5, {{"bins", 25}}), self));
  expect_same(
      comparisons::run_check(test::check_settings(test::side(shared), test::side(law), {"l1", "kl"}, 5), test::world()),
      comparisons::run_check(test::check_settings(test::side(whole), test::side(law), {"l1", "kl"}, 5), self));
}

TEST(Checks, AFaultyParticleOfOneRankEndsTheCheckOnAll) {
  const auto law = tilted();
  auto path = test::samples(*law, 1000, 1, "a");
  if (test::world().rank() == test::world().size() - 1) path.snapshots[0].positions(3, 1) = std::nan("");
  EXPECT_THROW(test::compare(test::side(path), test::side(law), {"cells"}, 1), DivergedError);
}

}  // namespace
