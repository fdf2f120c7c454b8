// ranks: 1 2 3 4
#include "fortet/parallel/communicator.hpp"

#include <gtest/gtest.h>

#include "fortet/parallel/threads.hpp"
#include "support/world.hpp"

using namespace fortet;
using namespace fortet::parallel;

TEST(Communicator, SharesAreContiguousAndBalanced) {
  const Communicator world = test::world();
  for (const std::int64_t count : {0, 1, 2, 5, 1000003}) {
    std::int64_t next = 0;
    for (int rank = 0; rank < world.size(); ++rank) {
      const Range share = world.share(count, rank);
      EXPECT_EQ(share.begin, next);
      EXPECT_LE(std::abs(share.size() - count / world.size()), 1);
      next = share.end;
    }
    EXPECT_EQ(next, count);
    EXPECT_EQ(world.sum_count(world.share(count).size()), count);
  }
}

TEST(Communicator, GathersInRankOrderAlsoFromEmptyRanks) {
  const Communicator world = test::world();
  const std::vector<double> part(static_cast<std::size_t>(world.rank()), world.rank());  // rank r gives r entries
  const std::vector<double> all = world.gather_all(part);
  std::vector<double> expected;
  for (int rank = 0; rank < world.size(); ++rank) expected.insert(expected.end(), rank, rank);
  EXPECT_EQ(all, expected);
}

TEST(Communicator, AnErrorOnOneRankIsThrownOnAll) {
  const Communicator world = test::world();
  const int culprit = world.size() - 1;
  try {
    together(world, [&] {
      if (world.rank() == culprit) throw IoError("rank " + std::to_string(culprit) + " cannot read");
    });
    ADD_FAILURE() << "no error on rank " << world.rank();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::io);
    EXPECT_EQ(std::string(error.what()), "rank " + std::to_string(culprit) + " cannot read");
  }
  together(world, [] {});  // and all ranks go on together
}

TEST(Communicator, AnErrorKeepsItsTypeAndKey) {
  const Communicator world = test::world();
  const auto at_one = [&](const auto& error) {
    together(world, [&] {
      if (world.rank() == world.size() - 1) throw error;
    });
  };
  EXPECT_THROW(at_one(DivergedError("not finite")), DivergedError);
  EXPECT_THROW(at_one(UsageError("a fault")), UsageError);
  EXPECT_THROW(at_one(IoError("no file")), IoError);
  try {
    at_one(ParameterError("beta.to", "must be positive"));
    ADD_FAILURE();
  } catch (const ParameterError& error) {
    EXPECT_EQ(error.parameter, "beta.to");
    EXPECT_EQ(std::string(error.what()), "must be positive");
  }
  try {
    at_one(std::bad_alloc());
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()), "out of memory");
  }
  std::error_code code = std::make_error_code(std::errc::permission_denied);
  EXPECT_THROW(at_one(std::filesystem::filesystem_error("status", "/root", code)), IoError);
}

TEST(Communicator, BroadcastsText) {
  const Communicator world = test::world();
  std::string text = world.is_root() ? "a deck\n" : "";
  world.broadcast(text);
  EXPECT_EQ(text, "a deck\n");
}

TEST(ForBlocks, CoversEveryItemOnceAndRethrows) {
  std::vector<int> hits(1000, 0);
  for_blocks(1000, 64, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) ++hits[i];
  });
  EXPECT_EQ(std::count(hits.begin(), hits.end(), 1), 1000);
  EXPECT_THROW(for_blocks(1000, 64,
                          [](Index begin, Index) {
                            if (begin == 512) throw DivergedError("here");
                          }),
               DivergedError);
}
