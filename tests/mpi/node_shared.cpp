// ranks: 1 2 3 4
// Memory that the ranks of a node share: what all wrote is read by all, on one node and (as groups of ranks) on
// several, and objects may go in any order.
#include "fortet/parallel/node_shared.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "support/world.hpp"

namespace {
using namespace fortet;
using parallel::NodeShared;

/// Rows of three, shared out among the ranks.
NodeShared filled(const parallel::Communicator& ranks, std::int64_t rows, int most, double shift) {
  NodeShared shared(ranks, 3 * rows + 2, most);
  const parallel::Range own = ranks.share(rows);
  std::vector<double> part;
  for (std::int64_t i = 3 * own.begin; i < 3 * own.end; ++i) part.push_back(static_cast<double>(i) + shift);
  shared.write(1 + 3 * own.begin, part);
  shared.complete();
  return shared;
}

Index wrong(const NodeShared& shared, std::int64_t rows, double shift) {
  Index count = shared.values().front() != 0;
  count += shared.values().back() != 0;
  for (std::int64_t i = 0; i < 3 * rows; ++i) count += shared.values()[i + 1] != static_cast<double>(i) + shift;
  return count;
}

TEST(NodeShared, AllRanksReadWhatAllWrote) {
  // Fewer rows than ranks, too: some write nothing.
  for (const std::int64_t rows : {2, 1000}) {
    for (const int most : {0, 1, 2}) {
      const NodeShared shared = filled(test::world(), rows, most, 0.5);
      EXPECT_EQ(wrong(shared, rows, 0.5), 0) << rows << " rows, at most " << most << " ranks share";
    }
  }
}

TEST(NodeShared, RanksMayWriteInAnyOrder) {
  const parallel::Communicator world = test::world();
  for (const int most : {0, 1, 2}) {
    NodeShared shared(world, 31, most);
    const parallel::Range share = world.share(31, world.size() - 1 - world.rank());
    std::vector<double> part;
    for (std::int64_t i = share.begin; i < share.end; ++i) part.push_back(static_cast<double>(i * i));
    shared.write(share.begin, part);
    shared.complete();
    for (int i = 0; i < 31; ++i) EXPECT_EQ(shared.values()[i], i * i);
  }
}

TEST(NodeShared, TheLeaderChangesItForItsNode) {
  for (const int most : {0, 1, 2}) {
    NodeShared shared = filled(test::world(), 5, most, 0);
    if (shared.is_leader()) shared.change()[0] = 7;
    shared.complete();
    EXPECT_EQ(shared.values()[0], 7);
  }
}

TEST(NodeShared, ObjectsGoInAnyOrder) {
  const parallel::Communicator world = test::world();
  std::deque<NodeShared> kept;
  for (int round = 0; round < 20; ++round) {
    kept.push_back(filled(world, 50, 0, round));
    // Each rank lets go of another one at another time, so that what is given back together differs from round to
    // round.
    if (kept.size() > 4) kept.erase(kept.begin() + (round + world.rank()) % 3);
    for (const NodeShared& shared : kept) EXPECT_EQ(wrong(shared, 50, shared.values()[1]), 0);
  }
}

TEST(NodeShared, OutlivesTheCommunicatorWithoutHarm) {
  MPI_Comm handle = MPI_COMM_NULL;
  MPI_Comm_dup(test::world().handle(), &handle);
  NodeShared shared = filled(parallel::Communicator(handle), 50, 0, 1);
  NodeShared gone = filled(parallel::Communicator(handle), 50, 0, 2);
  EXPECT_EQ(wrong(gone, 50, 2), 0);
  gone = NodeShared();
  MPI_Comm_free(&handle);
}

}  // namespace
