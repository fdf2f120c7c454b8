// ranks: 1 2 3 4
// A training that is stopped and taken up again, on the same or another number of ranks, ends with the bits of one that
// ran whole: weights, curves and fields.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "fortet/base/error.hpp"
#include "support/training.hpp"

namespace {
using namespace fortet;
using parallel::Communicator;

/// Keeps the state in one file and ends the run at pass `last`, if that is positive.
class OneFile : public io::Checkpoints {
 public:
  OneFile(std::string file, int last) : file_(std::move(file)), last_(last) {}
  bool restore(const Communicator& communicator, const io::Exchange& exchange) override {
    if (!std::filesystem::exists(file_)) return false;
    io::read_state(communicator, file_, "model", exchange);
    return true;
  }
  void pass(const Communicator& communicator, const io::Exchange& exchange) override {
    if (++passes_ != last_) return;
    save(communicator, exchange);
    throw Error(ExitCode::stopped, "stopped on purpose");
  }
  void save(const Communicator& communicator, const io::Exchange& exchange) override {
    io::write_state(communicator, file_, "model", exchange);
  }

 private:
  std::string file_;
  int last_, passes_ = 0;
};

/// Everything that a model names of itself, as bytes.
class Bytes : public io::State {
 public:
  static std::string of(training::Model& model) {
    Bytes bytes;
    model.exchange(bytes);
    return bytes.all_;
  }
  bool restores() const override { return false; }

 private:
  void replicated(const std::string& name, Type type, std::int64_t count,
                  const std::function<void*(std::int64_t)>& place) override {
    const std::int64_t size = type == Type::real32 ? 4 : type == Type::character ? 1 : 8;
    all_ += name;
    if (count > 0) all_.append(static_cast<const char*>(place(count)), size * count);
  }
  void distributed(const std::string& name, double*, std::int64_t, std::int64_t, std::int64_t, std::int64_t) override {
    ADD_FAILURE() << name << ": weights are whole on every rank";
  }
  std::string all_;
};

const Communicator& alone() {
  static const Communicator self(MPI_COMM_SELF);
  return self;
}

struct Case {
  std::string kind;
  Json values;
};

training::ModelPtr made(const Case& what) {
  return test::model(
      what.kind, what.values,
      {{"moons", test::law("moons", Json::object())}, {"normal", test::law("gaussian", {{"dimension", 2}})}},
      {{"vp", test::process("vp", {{"dimension", 2}, {"beta", 5.0}})}});
}

/// Trains and returns the lines of the curves without their timings; `code` is how it ended.
std::string trained(training::Model& model, const Communicator& communicator, io::Checkpoints* checkpoints,
                    ExitCode& code, const std::string& weights = "") {
  std::string curves;
  training::TrainingContext context{communicator, weights, {}, {}, checkpoints};
  context.metrics = [&](Json line) {
    line.erase("steps_per_second");
    curves += line.dump() + "\n";
  };
  code = ExitCode::done;
  try {
    model.train(context);
  } catch (const Error& error) {
    code = error.exit_code();
  }
  return curves;
}

/// Stops at pass `at` on `before`, goes on on `after`.
void expect_same_as_whole(const Case& what, int at, const Communicator& before, const Communicator& after,
                          const std::string& whole_bytes, const std::string& whole_curves) {
  const std::string label =
      fmt::format("{} stopped at {} on {}, continued on {}", what.kind, at, before.size(), after.size());
  const Communicator world = test::world();
  const std::string file = fmt::format("training_{}.state", world.size()), weights = file + ".weights.h5";
  if (world.is_root()) {
    std::filesystem::remove(file);
    std::filesystem::remove(weights);
  }
  world.barrier();
  ExitCode code{};
  std::string curves;
  if (before.size() == world.size() || world.is_root()) {
    OneFile stops(file, at);
    const auto model = made(what);
    curves = trained(*model, before, &stops, code, weights);
    EXPECT_EQ(code, ExitCode::stopped) << label;  // on the ranks that wait too
  }
  world.barrier();
  const auto model = made(what);
  if (after.size() == world.size() || world.is_root()) {
    OneFile continues(file, 0);
    curves += trained(*model, after, &continues, code, weights);
    EXPECT_EQ(code, ExitCode::done) << label;
    EXPECT_TRUE(std::filesystem::exists(weights)) << label;
    EXPECT_EQ(Bytes::of(*model) == whole_bytes, true) << label;
  }
  if (world.is_root()) {
    EXPECT_EQ(curves, whole_curves) << label;
  }
  world.barrier();
}

/// Stops at each of these passes on all ranks, and at the last one on one rank before or after.
/// Returns the number of lines of the curves.
long expect_continues(const Case& what, const std::vector<int>& stops) {
  ExitCode code{};
  const auto whole = made(what);
  const std::string curves = trained(*whole, alone(), nullptr, code), bytes = Bytes::of(*whole);
  EXPECT_EQ(code, ExitCode::done);
  for (const int at : stops) expect_same_as_whole(what, at, test::world(), test::world(), bytes, curves);
  if (test::world().size() > 1) {
    expect_same_as_whole(what, stops.back(), alone(), test::world(), bytes, curves);
    expect_same_as_whole(what, stops.back(), test::world(), alone(), bytes, curves);
  }
  return std::count(curves.begin(), curves.end(), '\n');
}

/// 23 steps of a batch that is no multiple of the shards.
Json small(Json values) {
  values["steps"] = 23;
  values["batch"] = 35;
  values["network"] = {{"kind", "mlp"}, {"hidden", {12, 8}}};
  return values;
}

Json between(Json values) {
  values["source"] = "normal";
  values["target"] = "moons";
  return small(std::move(values));
}

TEST(TrainingCheckpoints, Denoising) {
  expect_continues({"denoising_score_matching", small({{"data", "moons"},
                                                       {"process", "vp"},
                                                       {"average", 0.9},
                                                       {"training_points", 50},
                                                       {"rate_schedule", {{"kind", "cosine"}, {"warm_up", 4}}}})},
                   {11, 23});
}

TEST(TrainingCheckpoints, FlowsOfCoupledBatches) {
  for (const char* scope : {"global", "shard"}) {
    expect_continues({"ot_cfm", between({{"coupling_scope", scope},
                                         {"clip", 1.0},
                                         {"optimizer", {{"kind", "sgd"}, {"rate", 1e-2}, {"momentum", 0.9}}}})},
                     {11});
  }
}

TEST(TrainingCheckpoints, TwoHeadsThatStopEarly) {
  // The rate is far too large: an early validation is the best.
  Case what{"sf2m",
            between({{"validation_points", 40}, {"validate_every", 2}, {"patience", 1}, {"training_points", 80}})};
  what.values["optimizer"] = {{"kind", "adam"}, {"rate", 0.3}};
  EXPECT_LT(expect_continues(what, {5, 6}), 23);
}

TEST(TrainingCheckpoints, LossesBetweenTwoLinesOfTheCurves) {
  Case what{"conditional_flow_matching", between(Json::object())};
  what.values["steps"] = 402;
  what.values["batch"] = 8;
  EXPECT_EQ(expect_continues(what, {201}), 201);
}

TEST(TrainingCheckpoints, RectifiedFlow) {
  expect_continues({"rectified_flow", between({{"pairs", 103}, {"pair_steps", 3}, {"average", 0.9}})}, {23, 35});
  expect_continues({"rectified_flow", between({{"pairs", 103}, {"pair_steps", 3}})}, {35});
}

TEST(TrainingCheckpoints, BridgesInRounds) {
  for (const char* kind : {"dsbm_imf", "dsbm_ipf", "dsb"}) {
    Case what{kind, between({{"pairs", 103}, {"pair_steps", 3}, {"rounds", 3}, {"average", 0.9}})};
    if (kind == std::string("dsbm_ipf")) what.values["target"] = "normal";  // also reports its couplings
    if (kind == std::string("dsb")) what.values["network"]["precision"] = "double";
    expect_continues(what, {30, 46});
  }
}

TEST(TrainingCheckpoints, NothingIsWrittenOfAStoppedTraining) {
  const std::string file = fmt::format("training_nothing_{}.state", test::world().size());
  if (test::world().is_root()) {
    std::filesystem::remove(file);
    std::filesystem::remove(file + ".weights.h5");
  }
  test::world().barrier();
  OneFile stops(file, 5);
  const auto model = made({"conditional_flow_matching", between(Json::object())});
  ExitCode code{};
  trained(*model, test::world(), &stops, code, file + ".weights.h5");
  EXPECT_EQ(code, ExitCode::stopped);
  EXPECT_FALSE(std::filesystem::exists(file + ".weights.h5"));
  EXPECT_THROW(test::values(*model->velocity(), 0.5, 2), UsageError);
}

TEST(TrainingCheckpoints, FinishedModelsAreRestored) {
  const Case what{"sf2m", between({{"average", 0.9}})};
  const auto first = made(what), second = made(what);
  ExitCode code{};
  trained(*first, test::world(), nullptr, code);
  const std::string file = fmt::format("training_finished_{}", test::world().size());
  io::write_state(test::world(), file, "model", [&](io::State& state) { first->exchange(state); });
  io::read_state(test::world(), file, "model", [&](io::State& state) { second->exchange(state); });
  EXPECT_EQ(Bytes::of(*first), Bytes::of(*second));
  EXPECT_EQ(test::values(*first->velocity(), 0.4, 2), test::values(*second->velocity(), 0.4, 2));
  EXPECT_EQ(test::values(*first->score(), 0.4, 2), test::values(*second->score(), 0.4, 2));
  second->write_weights(file + ".weights.h5", test::world());
  Case started = what;
  started.values["steps"] = 0;
  started.values["weights"] = file + ".weights.h5";
  const auto third = made(started);
  trained(*third, test::world(), nullptr, code);
  EXPECT_EQ(test::values(*first->velocity(), 0.4, 2), test::values(*third->velocity(), 0.4, 2));
  // Another architecture is refused.
  Case other = what;
  other.values["network"] = {{"kind", "mlp"}, {"hidden", {13, 8}}};
  const auto fourth = made(other);
  EXPECT_THROW(io::read_state(test::world(), file, "model", [&](io::State& state) { fourth->exchange(state); }),
               IoError);
}

}  // namespace
