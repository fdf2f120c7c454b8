// ranks: 1 2 3 4
// Bridges that were interrupted, or solved and stored, are to the last bit those that were never: on the same ranks and
// on another number of them.
#include <gtest/gtest.h>

#include <bit>

#include "support/bridges.hpp"
#include "support/memory_checkpoints.hpp"
#include "support/transport.hpp"

namespace {
using namespace fortet;
using test::MemoryCheckpoints;
using test::SavedState;

using Settings = std::function<bridges::BridgeSettings(const parallel::Communicator&)>;

Settings schroedinger(const char* propagator, const Json& more) {
  return [=](const parallel::Communicator& communicator) {
    bridges::BridgeSettings settings;
    settings.name = "bridge";
    settings.source = test::law("gaussian", {{"mean", {-0.5, 0.2}}, {"deviation", 0.5}});
    settings.target = test::law("gaussian", {{"mean", {0.6, -0.3}}, {"deviation", 0.6}});
    settings.reference =
        std::string(propagator) == "strang"
            ? test::process("expression",
                            {{"drift", {"-0.5*x + sin(3*t)*y", "-0.5*y"}}, {"noise", 0.6}, {"horizon", 1.0}})
            : test::process("brownian", {{"dimension", 2}, {"sigma", 0.45}, {"horizon", 1.0}});
    settings.grid = densities::Grid::make(
        Parameters::make("grids", "", {{"lower", {-3, -3}}, {"upper", {3, 3}}, {"cells", {21, 18}}}), communicator);
    settings.at = {0, 0.3, 1};
    Json values{{"process", "r"}, {"source", "s"}, {"target", "t"},     {"grid", "g"},
                {"steps", 10},    {"slices", 5},   {"tolerance", 1e-7}, {"propagator", {{"kind", propagator}}}};
    values.update(more);
    settings.parameters = Parameters::make("bridges", "schroedinger", values, "bridge");
    return settings;
  };
}

Settings transport(const Json& more) {
  return [=](const parallel::Communicator& communicator) {
    test::TransportCase one{
        test::law("gaussian", {{"mean", {-0.8, -0.2}}, {"deviation", 0.07}}),
        test::law("gaussian", {{"mean", {0.7, 0.1}}, {"deviation", 0.08}}),
        densities::Grid::make(
            Parameters::make("grids", "", {{"lower", {-1.5, -1.5}}, {"upper", {1.5, 1.5}}, {"cells", {19, 16}}}),
            communicator),
        {{"intervals", 7}, {"tolerance", 0.05}}};
    one.options.update(more);
    return one.settings();
  };
}

/// All numbers of a bridge, and of its processes at some points.
std::vector<double> numbers(const bridges::BridgePath& path, const processes::ProcessPtr& flow,
                            const parallel::Communicator& communicator) {
  std::vector<double> all;
  for (const auto& snapshot : path.law.snapshots) {
    all.push_back(snapshot.time);
    const std::vector<double> part = communicator.gather_all(snapshot.values);
    all.insert(all.end(), part.begin(), part.end());
  }
  for (const auto& [name, value] : path.quantities) all.push_back(value);
  PointArray x(5, 2), v(5, 2);
  for (Index i = 0; i < 5; ++i) {
    for (int k = 0; k < 2; ++k) x(i, k) = 0.4 * static_cast<double>(i) - 0.8 + 0.1 * k;
  }
  for (const auto& process : {path.process, flow}) {
    if (!process) continue;
    for (const double t : {0.0, 0.37, 1.0}) {
      process->drift(t, x, v);
      for (Index i = 0; i < 5; ++i) all.insert(all.end(), {v(i, 0), v(i, 1)});
    }
  }
  return all;
}

Index different(const std::vector<double>& a, const std::vector<double>& b) {
  Index count = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    count += std::bit_cast<std::uint64_t>(a[i]) != std::bit_cast<std::uint64_t>(b[i]);
  }
  return count;
}

struct Outcome {
  std::vector<double> numbers;
  SavedState stored;
};

Outcome solved(const Settings& make, const parallel::Communicator& communicator, io::Checkpoints* checkpoints) {
  bridges::BridgeSettings settings = make(communicator);
  settings.checkpoints = checkpoints;
  const auto solver = bridges::make_bridge(std::move(settings));
  const auto flow = solver->flow();
  bridges::BridgePath path = solver->solve();
  Outcome outcome{numbers(path, flow, communicator), {}};
  outcome.stored = test::save_state(communicator, [&](io::State& state) { solver->exchange(state, path); });
  return outcome;
}

std::vector<double> restored(const Settings& make, const parallel::Communicator& communicator,
                             const SavedState& stored) {
  const auto solver = bridges::make_bridge(make(communicator));
  const auto flow = solver->flow();
  bridges::BridgePath path;
  test::restore_state(communicator, stored, [&](io::State& state) { solver->exchange(state, path); });
  return numbers(path, flow, communicator);
}

/// Interrupted after `passes` iterations.
SavedState interrupted(const Settings& make, const parallel::Communicator& communicator, long passes) {
  MemoryCheckpoints checkpoints(passes);
  try {
    solved(make, communicator, &checkpoints);
    ADD_FAILURE() << "ended before iteration " << passes;
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::stopped) << error.what();
  }
  return checkpoints.saved().value_or(SavedState{});
}

void check(const std::string& name, const Settings& make) {
  const parallel::Communicator world = test::world(), self(MPI_COMM_SELF);
  MemoryCheckpoints watching;
  const Outcome whole = solved(make, world, &watching);
  const long all = watching.passes();
  EXPECT_GT(all, 4) << name;
  for (const long passes : {1L, all / 2, all - 1}) {
    const SavedState state = interrupted(make, world, passes);
    MemoryCheckpoints here(0, state), alone(0, state);
    EXPECT_EQ(different(whole.numbers, solved(make, world, &here).numbers), 0) << name << " from iteration " << passes;
    EXPECT_EQ(here.passes(), all - passes) << name;
    EXPECT_EQ(different(whole.numbers, solved(make, self, &alone).numbers), 0)
        << name << " from iteration " << passes << " on one rank";
  }
  EXPECT_EQ(different(whole.numbers, restored(make, world, whole.stored)), 0) << name << ": stored";
  EXPECT_EQ(different(whole.numbers, restored(make, self, whole.stored)), 0) << name << ": stored, on one rank";
  // What one rank stored is read by all.
  const Outcome single = solved(make, self, nullptr);
  EXPECT_EQ(different(whole.numbers, restored(make, world, single.stored)), 0) << name << ": stored by one rank";
}

TEST(BridgeRestart, Schroedinger) {
  check("linear", schroedinger("separable", {{"domain", "linear"}}));
  check("anderson", schroedinger("separable", {{"acceleration", "anderson"}}));
  check("time-dependent", schroedinger("strang", Json::object()));
}

/// Stored with slices in memory, gone on from with slices on disk, and the other way round.
TEST(BridgeRestart, SchroedingerOnDisk) {
  const parallel::Communicator world = test::world(), self(MPI_COMM_SELF);
  const Settings memory = schroedinger("separable", Json::object()),
                 disk = schroedinger("separable", {{"slices_on", "disk"}});
  check("disk", disk);
  MemoryCheckpoints watching;
  const Outcome whole = solved(memory, world, &watching), other = solved(disk, world, nullptr);
  EXPECT_EQ(different(whole.numbers, other.numbers), 0);
  MemoryCheckpoints state(0, interrupted(memory, world, watching.passes() / 2));
  EXPECT_EQ(different(whole.numbers, solved(disk, world, &state).numbers), 0);
  EXPECT_EQ(different(whole.numbers, restored(disk, self, whole.stored)), 0);
  EXPECT_EQ(different(whole.numbers, restored(memory, self, other.stored)), 0);
}

TEST(BridgeRestart, SchroedingerInLogarithmsWithAnnealing) {
  check("log", schroedinger("separable", {{"domain", "log"}}));
  check("annealing", schroedinger("separable", {{"annealing", true}}));
}

TEST(BridgeRestart, BenamouBrenier) {
  check("plain", transport(Json::object()));
  check("obstacle", transport({{"obstacle", "1 - max(abs(x)/0.3, abs(y)/0.7)"}, {"cost", "1 + x^2/2"}}));
}

/// A solver that gives up saves its state; with other limits it goes on from there.
TEST(BridgeRestart, GivingUpSaves) {
  const parallel::Communicator world = test::world();
  for (const bool is_transport : {false, true}) {
    const auto limited = [&](int iterations) {
      const Json more{{"iterations", iterations}};
      return is_transport ? transport(more) : schroedinger("separable", more);
    };
    MemoryCheckpoints first;
    try {
      solved(limited(7), world, &first);
      ADD_FAILURE() << "solved in 7 iterations";
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), ExitCode::diverged);
      EXPECT_NE(std::string(error.what()).find("ive more iterations"), std::string::npos) << error.what();
    }
    EXPECT_EQ(first.saves(), 1);
    if (!first.saved()) continue;
    MemoryCheckpoints second(0, first.saved()), never;
    solved(limited(1000), world, &second);
    solved(limited(1000), world, &never);
    EXPECT_LT(second.passes(), never.passes());
  }
}

}  // namespace
