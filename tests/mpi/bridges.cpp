// ranks: 1 2 3 4
// Schroedinger bridges have the same bits for any number of ranks and threads.
#include "support/bridges.hpp"

#include <gtest/gtest.h>
#include <omp.h>

#include <cstring>

using namespace fortet;

namespace {

std::uint64_t hash(const std::vector<double>& values) {
  std::uint64_t h = 1469598103934665603ull;
  for (double v : values) {
    std::uint64_t bits;
    std::memcpy(&bits, &v, sizeof bits);
    h = (h ^ bits) * 1099511628211ull;
  }
  return h;
}

std::uint64_t solved_bits(const char* propagator, const char* domain, const parallel::Communicator& communicator) {
  bridges::BridgeSettings settings;
  settings.name = "bridge";
  settings.source = test::law("gaussian", {{"mean", {-0.5, 0.2}}, {"deviation", 0.5}});
  settings.target = test::law("gaussian", {{"mean", {0.6, -0.3}}, {"deviation", 0.6}});
  settings.reference = test::process("brownian", {{"dimension", 2}, {"sigma", 0.8}, {"horizon", 1.0}});
  settings.grid = densities::Grid::make(
      Parameters::make("grids", "", {{"lower", {-3, -3}}, {"upper", {3, 3}}, {"cells", {37, 22}}}), communicator);
  settings.at = {0, 0.3, 1};
  settings.parameters = Parameters::make("bridges", "schroedinger",
                                         {{"process", "r"},
                                          {"source", "s"},
                                          {"target", "t"},
                                          {"grid", "g"},
                                          {"propagator", {{"kind", propagator}}},
                                          {"domain", domain},
                                          {"steps", 20},
                                          {"slices", 5},
                                          {"tolerance", 1e-7}},
                                         "bridge");
  const auto solver = bridges::make_bridge(settings);
  const auto flow = solver->flow();
  const bridges::BridgePath path = solver->solve();
  std::vector<double> all;
  for (const auto& snapshot : path.law.snapshots) {
    const std::vector<double> values = communicator.gather_all(snapshot.values);
    all.insert(all.end(), values.begin(), values.end());
  }
  for (const auto& [name, value] : path.quantities) all.push_back(value);
  PointArray x(3, 2), drift(3, 2);
  for (int i = 0; i < 3; ++i) x(i, 0) = x(i, 1) = 0.37 * i - 0.4;
  for (const auto& process : {path.process, flow}) {
    process->drift(0.43, x, drift);
    for (int i = 0; i < 3; ++i) all.insert(all.end(), {drift(i, 0), drift(i, 1)});
  }
  return hash(all);
}

TEST(BridgesSameBits, RanksAndThreads) {
  for (const auto& [propagator, domain] :
       {std::pair{"separable", "linear"}, {"separable", "log"}, {"strang", "linear"}}) {
    omp_set_num_threads(1);
    const std::uint64_t one = solved_bits(propagator, domain, test::world());
    omp_set_num_threads(2);
    EXPECT_EQ(one, solved_bits(propagator, domain, test::world())) << propagator << " " << domain << ": threads";
    omp_set_num_threads(1);
    EXPECT_EQ(one, solved_bits(propagator, domain, parallel::Communicator(MPI_COMM_SELF)))
        << propagator << " " << domain << ": ranks";
  }
}

}  // namespace
