// ranks: 1 2 3 4
// State files: read back bit for bit in any partition; every changed byte and every truncation is noticed.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "fortet/io/checkpoint.hpp"
#include "support/world.hpp"

namespace {
using namespace fortet;
using parallel::Communicator;

/// An object with one of everything; each rank holds its share of `count` rows of three numbers.
struct Sample {
  Sample(const Communicator& communicator, std::int64_t count, bool filled) : count(count) {
    own = communicator.share(count);
    table.resize(3 * own.size());
    if (!filled) return;
    number = -7;
    value = std::numeric_limits<double>::denorm_min();
    flag = true;
    name = "Schr\u00f6dinger";
    reals = {0.1, -0.0, std::numeric_limits<double>::infinity()};
    floats = {1.5f, 3e-45f, 2};
    fixed = {1, 2, 3};
    for (std::int64_t i = 0; i < 3 * own.size(); ++i) table[i] = std::sin(static_cast<double>(3 * own.begin + i));
  }
  void exchange(io::State& state) {
    state.integer("number", number);
    state.real("value", value);
    state.rows("table", table, count, own.begin, 3);
    state.flag("flag", flag);
    state.text("name", name);
    state.list("reals", reals);
    state.list("floats", floats);
    state.list("none", none);
    state.span("fixed", std::span<double>(fixed));
  }
  bool operator==(const Sample&) const = default;

  std::int64_t count, number = 0;
  double value = 0;
  bool flag = false;
  std::string name;
  std::vector<double> reals{9}, table;
  std::vector<float> floats;
  std::vector<std::int64_t> none{4};
  std::array<double, 3> fixed{};
  struct Own : parallel::Range {
    Own& operator=(const parallel::Range& r) {
      begin = r.begin, end = r.end;
      return *this;
    }
    bool operator==(const Own& other) const { return begin == other.begin && end == other.end; }
  } own;
};

io::Exchange of(Sample& sample) {
  return [&sample](io::State& state) { sample.exchange(state); };
}

std::string folder() {
  static const std::string name = [] {
    const std::string made = "state_file_" + std::to_string(test::world().size());
    if (test::world().is_root()) std::filesystem::create_directories(made);
    test::world().barrier();
    return made;
  }();
  return name;
}

void expect_round_trip(const Communicator& writers, const Communicator& readers, std::int64_t count,
                       const std::string& file) {
  Sample written(writers, count, true);
  io::write_state(writers, file, "sample", of(written));
  Sample found(readers, count, false);
  io::read_state(readers, file, "sample", of(found));
  EXPECT_EQ(found, Sample(readers, count, true));
}

TEST(StateFile, IsReadBackBitByBit) {
  for (const std::int64_t count : {0, 1, 2, 101})
    expect_round_trip(test::world(), test::world(), count, folder() + "/a");
}

TEST(StateFile, FitsAnyPartition) {
  const Communicator& world = test::world();
  const Communicator self(MPI_COMM_SELF);
  Sample whole(self, 101, true);
  if (world.is_root()) io::write_state(self, folder() + "/one", "sample", of(whole));
  world.barrier();
  Sample part(world, 101, false);
  io::read_state(world, folder() + "/one", "sample", of(part));
  EXPECT_EQ(part, Sample(world, 101, true));

  io::write_state(world, folder() + "/many", "sample", of(part));
  Sample again(self, 101, false);
  io::read_state(self, folder() + "/many", "sample", of(again));
  EXPECT_EQ(again, whole);
  const auto bytes = [](const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream all;
    all << stream.rdbuf();
    return all.str();
  };
  EXPECT_EQ(bytes(folder() + "/one"), bytes(folder() + "/many"));  // whoever writes it
}

TEST(StateFile, NoticesEveryDamage) {
  const Communicator& world = test::world();
  Sample sample(world, 5, true);
  const std::string good = folder() + "/good", bad = folder() + "/bad";
  io::write_state(world, good, "sample", of(sample));
  std::string bytes;
  {
    std::ifstream stream(good, std::ios::binary);
    std::ostringstream all;
    all << stream.rdbuf();
    bytes = all.str();
  }
  const auto refuses = [&](const std::string& content) {
    world.barrier();
    if (world.is_root()) std::ofstream(bad, std::ios::binary) << content;
    world.barrier();
    Sample found(world, 5, false);
    const Sample before = found;
    bool damaged = false;
    try {
      io::read_state(world, bad, "sample", of(found));
    } catch (const io::DamagedState&) {
      damaged = true;
    }
    return damaged && found == before;
  };
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
    EXPECT_TRUE(refuses(flipped)) << "byte " << i << " of " << bytes.size();
  }
  for (std::size_t size = 0; size < bytes.size(); size += 13) EXPECT_TRUE(refuses(bytes.substr(0, size))) << size;
  EXPECT_TRUE(refuses(bytes + "more"));
  std::string swapped = bytes;  // two numbers that changed places
  std::swap_ranges(swapped.begin() + 16, swapped.begin() + 24, swapped.begin() + 24);
  EXPECT_TRUE(refuses(swapped));
  EXPECT_FALSE(refuses(bytes));
}

TEST(StateFile, RefusesAnotherState) {
  const Communicator& world = test::world();
  Sample sample(world, 5, true);
  const std::string file = folder() + "/other";
  io::write_state(world, file, "sample", of(sample));
  const auto message = [&](const std::string& kind, const io::Exchange& exchange) {
    try {
      io::read_state(world, file, kind, exchange);
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), ExitCode::io);
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(message("another", of(sample)).find("is the state of sample, not of another"), std::string::npos);
  Sample longer(world, 6, false);
  EXPECT_NE(message("sample", of(longer)).find("'table' has 5 rows of 3 numbers, not 6 of 3"), std::string::npos);
  EXPECT_NE(message("sample", [&](io::State& state) { state.real("number", sample.value); })
                .find("holds 'number' where 'number' was expected"),
            std::string::npos);
  EXPECT_NE(message("sample", [&](io::State& state) { state.integer("number", sample.number); })
                .find("holds 'value', which is not expected"),
            std::string::npos);
}

TEST(StateFile, LeavesTheOldFileWhenItCannotWrite) {
  const Communicator& world = test::world();
  Sample sample(world, 5, true);
  try {
    io::write_state(world, folder() + "/no/such/folder", "sample", of(sample));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::io);
    EXPECT_NE(std::string(error.what()).find("No such file or directory"), std::string::npos);
  }
}

}  // namespace
