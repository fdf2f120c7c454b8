// ranks: 1 2 3 4
#include "support/training.hpp"

#include <gtest/gtest.h>
#include <omp.h>

#include "fortet/base/error.hpp"

namespace {
using namespace fortet;

/// Trained on this rank alone is what any number of ranks and threads must give, bit for bit.
void expect_same_bits(const std::string& kind, const Json& values, const std::map<std::string, laws::LawPtr>& laws,
                      const std::map<std::string, processes::ProcessPtr>& processes = {}) {
  omp_set_num_threads(1);
  const auto alone = test::model(kind, values, laws, processes);
  test::train(*alone);
  for (const int threads : {1, 2, 3}) {
    omp_set_num_threads(threads);
    const auto shared = test::model(kind, values, laws, processes);
    test::train(*shared, test::world());
    for (const auto& [one, other] :
         {std::pair{alone->velocity(), shared->velocity()}, std::pair{alone->score(), shared->score()}}) {
      EXPECT_EQ(one == nullptr, other == nullptr);
      if (one && other) {
        EXPECT_EQ(test::values(*one, 0.4, 2), test::values(*other, 0.4, 2)) << kind << " threads " << threads;
      }
    }
  }
}

Json small(Json values) {
  values["steps"] = 40;
  values["batch"] = 70;  // not a multiple of the shards
  values["network"] = {{"kind", "mlp"}, {"hidden", {20, 12}}};
  return values;
}

TEST(Training, SameBitsOnAnyRanksAndThreads) {
  const auto moons = test::law("moons", Json::object()), normal = test::law("gaussian", {{"dimension", 2}});
  const auto vp = test::process("vp", {{"dimension", 2}, {"beta", {{"kind", "linear"}, {"from", 0.1}, {"to", 20}}}});
  expect_same_bits("denoising_score_matching", small({{"data", "moons"}, {"process", "vp"}, {"average", 0.99}}),
                   {{"moons", moons}}, {{"vp", vp}});
  expect_same_bits("sliced_score_matching", small({{"data", "moons"}, {"process", "vp"}, {"clip", 1.0}}),
                   {{"moons", moons}}, {{"vp", vp}});
  for (const char* scope : {"global", "shard"}) {
    expect_same_bits("ot_cfm", small({{"source", "normal"}, {"target", "moons"}, {"coupling_scope", scope}}),
                     {{"moons", moons}, {"normal", normal}});
  }
  expect_same_bits("sf2m",
                   small({{"source", "normal"},
                          {"target", "moons"},
                          {"training_points", 200},
                          {"validation_points", 90},
                          {"validate_every", 7},
                          {"patience", 2}}),
                   {{"moons", moons}, {"normal", normal}});
  expect_same_bits("rectified_flow",
                   small({{"source", "normal"}, {"target", "moons"}, {"pairs", 203}, {"pair_steps", 3}}),
                   {{"moons", moons}, {"normal", normal}});
}

TEST(Training, SameBitsOfSimulatedCouplings) {
  const auto moons = test::law("moons", Json::object()), normal = test::law("gaussian", {{"dimension", 2}});
  for (const char* kind : {"dsbm_imf", "dsb"}) {
    expect_same_bits(
        kind, small({{"source", "normal"}, {"target", "moons"}, {"pairs", 203}, {"pair_steps", 5}, {"rounds", 3}}),
        {{"moons", moons}, {"normal", normal}});
  }
}

TEST(Training, MoreRanksThanShards) {
  const auto moons = test::law("moons", Json::object()), normal = test::law("gaussian", {{"dimension", 2}});
  Json values = small({{"source", "normal"}, {"target", "moons"}});
  values["shards"] = 1;
  const auto model = test::model("conditional_flow_matching", values, {{"moons", moons}, {"normal", normal}});
  if (test::world().size() == 1) {
    EXPECT_NO_THROW(test::train(*model, test::world()));
  } else {
    EXPECT_THROW(test::train(*model, test::world()), UsageError);
  }
}

TEST(Training, DivergesOnAllRanks) {
  const auto moons = test::law("moons", Json::object()), normal = test::law("gaussian", {{"dimension", 2}});
  Json values = small({{"source", "normal"}, {"target", "moons"}});
  values["optimizer"] = {{"kind", "sgd"}, {"rate", 1e8}};
  const auto model = test::model("conditional_flow_matching", values, {{"moons", moons}, {"normal", normal}});
  try {
    test::train(*model, test::world());
    ADD_FAILURE() << "it did not diverge";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::diverged);
  }
}

}  // namespace
