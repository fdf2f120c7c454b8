// ranks: 1 2 3 4
// Memory, or a file, that the ranks of a node share: what all wrote is read by all, on one node and (as groups of
// ranks) on several, objects may go in any order, and no file is left behind.
#include "fortet/parallel/node_shared.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <deque>
#include <filesystem>

#include "support/world.hpp"

namespace {
using namespace fortet;
using parallel::NodeShared;

const std::string disk = "node_shared_files";

/// Where numbers can lie: in memory, and in files of a folder that exists on all ranks.
std::vector<std::string> places() {
  std::filesystem::create_directory(disk);
  test::world().barrier();
  return {"", disk};
}

/// Rows of three, shared out among the ranks.
NodeShared filled(const parallel::Communicator& ranks, std::int64_t rows, const std::string& folder, int most,
                  double shift) {
  NodeShared shared(ranks, 3 * rows + 2, folder, most);
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
  for (const std::string& folder : places()) {
    for (const std::int64_t rows : {0, 2, 1000}) {
      for (const int most : {0, 1, 2}) {
        const NodeShared shared = filled(test::world(), rows, folder, most, 0.5);
        EXPECT_EQ(wrong(shared, rows, 0.5), 0) << rows << " rows, at most " << most << " ranks share " << folder;
      }
    }
  }
}

TEST(NodeShared, NoNumbersAndOne) {
  for (const std::string& folder : places()) {
    NodeShared none(test::world(), 0, folder), one(test::world(), 1, folder);
    none.complete();
    EXPECT_TRUE(none.values().empty());
    ASSERT_EQ(one.values().size(), 1u);
    EXPECT_EQ(one.values()[0], 0);
    test::world().barrier();  // all have read it
    if (one.is_leader()) one.change()[0] = -0.5;
    one.complete();
    EXPECT_EQ(one.values()[0], -0.5);
  }
}

TEST(NodeShared, RanksMayWriteInAnyOrder) {
  const parallel::Communicator world = test::world();
  for (const std::string& folder : places()) {
    for (const int most : {0, 1, 2}) {
      NodeShared shared(world, 31, folder, most);
      const parallel::Range share = world.share(31, world.size() - 1 - world.rank());
      std::vector<double> part;
      for (std::int64_t i = share.begin; i < share.end; ++i) part.push_back(static_cast<double>(i * i));
      shared.write(share.begin, part);
      shared.complete();
      for (int i = 0; i < 31; ++i) EXPECT_EQ(shared.values()[i], i * i);
    }
  }
}

TEST(NodeShared, TheLeaderChangesItForItsNode) {
  for (const std::string& folder : places()) {
    for (const int most : {0, 1, 2}) {
      NodeShared shared = filled(test::world(), 5, folder, most, 0);
      if (shared.is_leader()) shared.change()[0] = 7;
      shared.complete();
      EXPECT_EQ(shared.values()[0], 7);
    }
  }
}

TEST(NodeShared, ObjectsGoInAnyOrder) {
  const parallel::Communicator world = test::world();
  const std::vector<std::string> folders = places();
  std::deque<NodeShared> kept;
  for (int round = 0; round < 20; ++round) {
    kept.push_back(filled(world, 50, folders[round % 3 == 0], 0, round));
    // Each rank lets go of another one at another time, so that what is given back together differs from round to
    // round.
    if (kept.size() > 4) kept.erase(kept.begin() + (round + world.rank()) % 3);
    for (const NodeShared& shared : kept) EXPECT_EQ(wrong(shared, 50, shared.values()[1]), 0);
  }
}

TEST(NodeShared, OutlivesTheCommunicatorWithoutHarm) {
  for (const std::string& folder : places()) {
    MPI_Comm handle = MPI_COMM_NULL;
    MPI_Comm_dup(test::world().handle(), &handle);
    NodeShared shared = filled(parallel::Communicator(handle), 50, folder, 0, 1);
    NodeShared gone = filled(parallel::Communicator(handle), 50, folder, 0, 2);
    EXPECT_EQ(wrong(gone, 50, 2), 0);
    gone = NodeShared();
    MPI_Comm_free(&handle);
  }
}

TEST(NodeShared, FilesHaveNoName) {
  places();
  const NodeShared shared = filled(test::world(), 50, disk, 0, 1), other = filled(test::world(), 50, disk, 1, 2);
  EXPECT_TRUE(std::filesystem::is_empty(disk));
  test::world().barrier();  // before another file has a name for a moment
}

/// The message that all ranks get for `count` numbers in a folder.
std::string refusal(std::int64_t count, const std::string& folder) {
  std::string message;
  try {
    const NodeShared shared(test::world(), count, folder);
    ADD_FAILURE() << folder << " holds " << count << " numbers";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::io);
    message = error.what();
  }
  std::string first = message;
  test::world().broadcast(first);
  EXPECT_EQ(message, first);
  return message;
}

TEST(NodeShared, FoldersThatCannotHoldThem) {
  places();
  EXPECT_NE(refusal(2'500'000, disk + "/missing").find("20 MB"), std::string::npos);
  EXPECT_NE(refusal(8, disk + "/missing").find("into the folder " + disk + "/missing: No such file"),
            std::string::npos);
  EXPECT_NE(refusal(8, "/sys").find("/sys: "), std::string::npos);                // where nobody creates files
  EXPECT_NE(refusal(std::int64_t{1} << 58, disk).find(disk), std::string::npos);  // more than any disk holds
}

TEST(NodeShared, ADiskThatIsFullIsAnError) {
  places();
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const NodeShared kept = filled(test::world(), 50, disk, 0, 3);
  rlimit small = before;
  small.rlim_cur = 1'000'000;
  setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_NE(refusal(1'000'000, disk).find("slices_folder"), std::string::npos);
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_TRUE(std::filesystem::is_empty(disk));
  test::world().barrier();  // before another file has a name for a moment
  EXPECT_EQ(wrong(kept, 50, 3), 0);
  EXPECT_EQ(wrong(filled(test::world(), 500'000, disk, 0, 4), 500'000, 4), 0);
}

}  // namespace
