// ranks: 1 2 3 4
// Schroedinger bridges have the same bits for any number of ranks and threads, with slices in memory or on disk.
#include "support/bridges.hpp"

#include <gtest/gtest.h>
#include <omp.h>

#include <cstring>

#include "fortet/densities/sliced_gradient.hpp"

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

std::uint64_t solved_bits(const char* propagator, const char* domain, const parallel::Communicator& communicator,
                          const char* slices_on = "memory") {
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
                                          {"slices_on", slices_on},
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
    EXPECT_EQ(one, solved_bits(propagator, domain, test::world(), "disk")) << propagator << " " << domain << ": disk";
    EXPECT_EQ(one, solved_bits(propagator, domain, parallel::Communicator(MPI_COMM_SELF), "disk"))
        << propagator << " " << domain << ": disk of one rank";
  }
}

/// Fields of each dimension, periodic and not, from slices that come in another order than that of their times.
TEST(SlicedGradient, SameBitsOnDisk) {
  const parallel::Communicator world = test::world();
  for (const int d : {1, 2, 3}) {
    Json description{{"lower", std::vector<double>(d, -1.0)}, {"upper", std::vector<double>(d, 2.0)}};
    description["cells"] = std::vector<int>{9, 7, 8};
    description["cells"].erase(description["cells"].begin() + d, description["cells"].end());
    description["boundary"] = Json::array({"periodic", "no_flux", "periodic"});
    description["boundary"].erase(description["boundary"].begin() + d, description["boundary"].end());
    const auto grid = densities::Grid::make(Parameters::make("grids", "", description), world);
    const std::vector<double> times{0, 0.4, 1};
    std::vector<std::vector<double>> slices;
    const PointArray centres = grid->local_centres();
    for (const double t : times) {
      std::vector<double> values(grid->local_count());
      for (Index i = 0; i < grid->local_count(); ++i) {
        for (int k = 0; k < d; ++k) values[i] += std::sin((k + 1 + t) * centres(i, k));
      }
      slices.push_back(std::move(values));
    }
    PointArray x(40, d);
    for (Index i = 0; i < 40; ++i) {
      for (int k = 0; k < d; ++k) x(i, k) = -1.3 + 0.09 * static_cast<double>((7 * i + 11 * k) % 40);
    }
    std::vector<std::uint64_t> hashes;
    for (const char* folder : {"", "."}) {
      const auto field = densities::sliced_gradient(grid, times, folder);
      for (const std::size_t k : {2, 0, 1}) field->write(k, slices[k]);
      for (std::size_t k = 0; k < 3; ++k) EXPECT_EQ(field->read(k), slices[k]);
      field->complete();
      for (std::size_t k = 0; k < 3; ++k) EXPECT_EQ(field->read(k), slices[k]);
      std::vector<double> all;
      for (const double t : {0.0, 0.3, 0.4, 0.9}) {
        PointArray gradient(40, d);
        field->evaluate(t, x, gradient);
        for (int k = 0; k < d; ++k) {
          all.insert(all.end(), gradient.view().coordinate(k), gradient.view().coordinate(k) + 40);
        }
      }
      hashes.push_back(hash(all));
    }
    EXPECT_EQ(hashes[0], hashes[1]) << d << " dimensions";
  }
}

/// The potential of a target with sharp sides is zero outside of it at the horizon: so must be the law there.
TEST(SlicedPotentials, ZerosStayZeros) {
  for (const char* slices_on : {"memory", "disk"}) {
    bridges::BridgeSettings settings;
    settings.name = "bridge";
    settings.source = test::law("gaussian", {{"mean", {-0.5}}, {"deviation", 0.5}});
    settings.target = test::law("uniform", {{"lower", {0.0}}, {"upper", {1.0}}});
    settings.reference = test::process("brownian", {{"dimension", 1}, {"sigma", 0.8}, {"horizon", 1.0}});
    settings.grid = densities::Grid::make(
        Parameters::make("grids", "", {{"lower", {-4}}, {"upper", {4}}, {"cells", {64}}}), test::world());
    settings.at = {0.5, 1};
    settings.parameters = Parameters::make("bridges", "schroedinger",
                                           {{"process", "r"},
                                            {"source", "s"},
                                            {"target", "t"},
                                            {"grid", "g"},
                                            {"potentials", true},
                                            {"slices_on", slices_on}},
                                           "bridge");
    const auto solver = bridges::make_bridge(settings);
    const bridges::BridgePath path = solver->solve();
    const PointArray centres = settings.grid->local_centres();
    for (Index i = 0; i < settings.grid->local_count(); ++i) {
      const bool inside = centres(i, 0) > 0 && centres(i, 0) < 1;
      EXPECT_NEAR(path.law.at(1).values[i], inside ? 1 : 0, inside ? 1e-7 : 0);
      EXPECT_EQ(std::isfinite(path.log_phi[1].values[i]), inside);
      EXPECT_TRUE(std::isfinite(path.log_phi[0].values[i]));
    }
    EXPECT_LT(path.quantities.at("mass_drift"), 1e-12);
  }
}

}  // namespace
