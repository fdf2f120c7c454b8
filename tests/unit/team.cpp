#include "fortet/parallel/team.hpp"

#include <gtest/gtest.h>
#include <omp.h>

#include <chrono>
#include <thread>

#include "fortet/base/error.hpp"

namespace {
using fortet::parallel::Team;

const Team::Spare nothing = [](bool) { return false; };

class Teams : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { omp_set_num_threads(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(Threads, Teams, testing::Values(1, 2, 3, 5));

TEST_P(Teams, EveryItemOfEveryStepIsDoneOnce) {
  std::vector<std::atomic<int>> done(64);
  std::int64_t expected = 0, sum = 0;
  Team::gather(nothing, [&](Team& team) {
    for (int step = 0; step < 3000; ++step) {
      const int count = step % 65;
      std::vector<int> values(64, -1);  // not atomic: what the others wrote must be there when the step is done
      team.for_each(count, [&](int i) {
        ++done[i];
        values[i] = i;
      });
      for (int i = 0; i < count; ++i) sum += values[i];
      expected += count * (count - 1) / 2;
    }
  });
  EXPECT_EQ(sum, expected);
  for (int i = 0; i < 64; ++i) {
    int times = 0;
    for (int step = 0; step < 3000; ++step) times += step % 65 > i ? 1 : 0;
    EXPECT_EQ(done[i], times);
  }
}

TEST_P(Teams, ThreadsThatFellAsleepWakeUp) {
  std::atomic<int> done{0};
  Team::gather(nothing, [&](Team& team) {
    for (int step = 0; step < 5; ++step) {
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
      team.for_each(4, [&](int) { ++done; });
    }
  });
  EXPECT_EQ(done, 20);
}

TEST_P(Teams, SpareWorkIsDoneBesideTheLeaderAndNeverByIt) {
  std::atomic<int> pieces{0}, of_leader{0};
  const Team::Spare spare = [&](bool) {
    ++pieces;
    if (omp_get_thread_num() == 0) ++of_leader;
    return true;  // there is always some: the leader does all items
  };
  int items = 0;
  Team::gather(spare, [&](Team& team) {
    if (GetParam() > 1) {
      while (pieces == 0) std::this_thread::yield();
    }
    for (int step = 0; step < 100; ++step) team.for_each(7, [&](int) { ++items; });
  });
  EXPECT_EQ(items, 700);
  EXPECT_EQ(of_leader, 0);
}

TEST_P(Teams, WorkThatCanWaitLeavesTheItemsButTheLastToTheOthers) {
  if (GetParam() == 1) return;  // nobody else
  std::atomic<int> of_others{0};
  std::atomic<bool> helped{false};
  const Team::Spare spare = [](bool wanted) { return !wanted; };
  Team::gather(spare, [&](Team& team) {
    team.for_each(3, [&](int item) {
      if (omp_get_thread_num() > 0) {
        helped = true;
      } else if (item == 0) {
        while (!helped) std::this_thread::yield();
      }
    });
    for (int step = 0; step < 200; ++step) {
      team.for_each(1, [&](int) { of_others += omp_get_thread_num() > 0 ? 1 : 0; });
    }
  });
  EXPECT_EQ(of_others, 0);
}

TEST_P(Teams, FailuresOfItemsAndOfTheLeaderReachTheCaller) {
  int steps = 0;
  const auto lead = [&](Team& team) {
    for (;; ++steps) {
      try {
        team.for_each(16, [](int i) {
          if (i % 5 == 3) throw fortet::UsageError("item");
        });
        ADD_FAILURE() << "no exception";
      } catch (const fortet::UsageError&) {
      }
      if (steps == 50) throw std::runtime_error("leader");
    }
  };
  EXPECT_THROW(Team::gather(nothing, lead), std::runtime_error);
  EXPECT_EQ(steps, 50);
  EXPECT_THROW(Team::gather(nothing, [](Team& team) { team.for_each(1 << 20, [](int) {}); }), fortet::UsageError);
}

}  // namespace
