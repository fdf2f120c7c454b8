// ranks: 1 2 3 4
// Dynamic optimal transport has the same bits for any number of ranks and threads.
#include <omp.h>

#include <bit>

#include "support/transport.hpp"

namespace {
using namespace fortet;

std::vector<double> solved(int dimension, const Json& options, const parallel::Communicator& communicator) {
  Json values = test::cube(dimension, dimension == 3 ? 7 : 21, -1.5, 1.5);
  if (dimension == 2) values["cells"] = {19, 22};
  std::vector<double> from(dimension, -0.2), to(dimension, 0.1);
  from[0] = -0.8;
  to[0] = 0.7;
  test::TransportCase one{test::law("gaussian", {{"mean", from}, {"deviation", 0.07}}),
                          test::law("gaussian", {{"mean", to}, {"deviation", 0.08}}),
                          densities::Grid::make(Parameters::make("grids", "", values), communicator),
                          {{"intervals", 7}, {"tolerance", 0.1}}};
  one.options.update(options);
  const auto bridge = one.solve();
  std::vector<double> all;
  for (const auto& snapshot : bridge.law.snapshots) {
    const std::vector<double> part = communicator.gather_all(snapshot.values);
    all.insert(all.end(), part.begin(), part.end());
  }
  for (const auto& [name, value] : bridge.quantities) all.push_back(value);
  PointArray x(5, dimension), v(5, dimension);
  for (Index i = 0; i < 5; ++i) {
    for (int k = 0; k < dimension; ++k) x(i, k) = 0.4 * static_cast<double>(i) - 0.8 + 0.1 * k;
  }
  for (const double t : {0.0, 0.37, 1.0}) {
    bridge.process->drift(t, x, v);
    for (Index i = 0; i < 5; ++i) {
      for (int k = 0; k < dimension; ++k) all.push_back(v(i, k));
    }
  }
  return all;
}

TEST(BenamouBrenier, HasTheSameBitsForAnyNumberOfRanksAndThreads) {
  for (const int dimension : {1, 2, 3}) {
    std::vector<Json> cases{Json::object(), {{"cost", "1 + x^2/2"}}};
    if (dimension == 2) cases.push_back({{"obstacle", "1 - max(abs(x)/0.3, abs(y)/0.7)"}});
    for (const Json& options : cases) {
      const std::vector<double> alone = solved(dimension, options, parallel::Communicator(MPI_COMM_SELF));
      // Two threads on each of several ranks tell nothing new and wait for each other long on a busy machine.
      for (const int threads : test::world().size() == 1 ? std::vector{1, 2} : std::vector{1}) {
        omp_set_num_threads(threads);
        const std::vector<double> together = solved(dimension, options, test::world());
        EXPECT_EQ(alone.size(), together.size());
        Index different = 0;
        for (std::size_t i = 0; i < std::min(alone.size(), together.size()); ++i) {
          different += std::bit_cast<std::uint64_t>(alone[i]) != std::bit_cast<std::uint64_t>(together[i]);
        }
        EXPECT_EQ(different, 0) << dimension << " dimensions, " << threads << " threads, " << options.dump();
      }
      omp_set_num_threads(1);
    }
  }
}

}  // namespace
