// ranks: 1 2 3 4
#include "support/ensembles.hpp"

#include <gtest/gtest.h>
#include <omp.h>

#include "fortet/laws/law.hpp"
#include "support/processes.hpp"
#include "support/world.hpp"

namespace {
using namespace fortet;
using namespace fortet::ensembles;
using test::ensemble;

laws::LawPtr normal(int dimension) { return test::law("gaussian", {{"dimension", dimension}}); }

/// Positions of all particles, axis by axis, in the order of ids, on every rank.
std::vector<double> gather(const Snapshot& snapshot) {
  std::vector<double> all;
  for (int k = 0; k < snapshot.positions.dimension(); ++k) {
    const double* x = snapshot.positions.view().coordinate(k);
    const auto column = test::world().gather_all({x, static_cast<std::size_t>(snapshot.positions.size())});
    all.insert(all.end(), column.begin(), column.end());
  }
  return all;
}

/// The same run on this rank alone is what any number of ranks and threads must give.
void expect_same_bits(const EnsembleSettings& settings) {
  const parallel::Communicator alone(MPI_COMM_SELF);
  omp_set_num_threads(1);
  const EnsemblePath expected = run_ensemble(settings, alone);
  const EnsemblePath expected_coarse = run_coarser(settings, alone, 3);
  for (const int threads : {1, 2}) {
    omp_set_num_threads(threads);
    const EnsemblePath path = run_ensemble(settings, test::world());
    const EnsemblePath coarse = run_coarser(settings, test::world(), 3);
    EXPECT_EQ(path.snapshots.size(), expected.snapshots.size());
    for (std::size_t j = 0; j < path.snapshots.size(); ++j) {
      const Snapshot& whole = expected.snapshots[j];
      const std::size_t values = whole.positions.size() * whole.positions.dimension();
      const double* reference = whole.positions.view().coordinate(0);
      const auto positions = gather(path.snapshots[j]);
      EXPECT_EQ(positions.size(), values);
      EXPECT_TRUE(std::equal(positions.begin(), positions.end(), reference))
          << settings.parameters.json() << " threads " << threads;
      const auto weights = test::world().gather_all(path.snapshots[j].weights),
                 densities = test::world().gather_all(path.snapshots[j].log_density);
      EXPECT_EQ(weights, whole.weights);
      EXPECT_EQ(densities, whole.log_density);
      const auto coarse_positions = gather(coarse.snapshots[j]);
      EXPECT_TRUE(std::equal(coarse_positions.begin(), coarse_positions.end(),
                             expected_coarse.snapshots[j].positions.view().coordinate(0)));
    }
    EXPECT_EQ(path.trajectories.values, expected.trajectories.values);
    EXPECT_EQ(path.trajectories.times, expected.trajectories.times);
    EXPECT_EQ(path.work.count("acceptance_rate") ? path.work.at("acceptance_rate") : 0,
              expected.work.count("acceptance_rate") ? expected.work.at("acceptance_rate") : 0);
  }
  omp_set_num_threads(1);
}

processes::ProcessPtr vp() {
  return test::process("vp", {{"dimension", 2}, {"beta", {{"kind", "linear"}, {"from", 0.1}, {"to", 12}}}});
}

laws::LawPtr two_bumps() {
  return test::law("gaussian_mixture",
                   {{"weights", {0.3, 0.7}}, {"means", {{-2, 0}, {2, 1}}}, {"deviations", {0.4, 0.6}}});
}

TEST(Ensembles, SameBitsForEveryStochasticStepper) {
  const auto process = test::process("ornstein_uhlenbeck", {{"dimension", 3}});
  for (const char* stepper :
       {"euler_maruyama", "milstein", "stochastic_heun", "srk_weak2", "sra1", "exact", "exponential", "ula", "mala"}) {
    expect_same_bits(ensemble(process, normal(3), 1111, {{"stepper", stepper}, {"steps", 7}, {"at", {0.0, 0.3, 1.0}}}));
  }
}

TEST(Ensembles, SameBitsForReversalsAndFlows) {
  expect_same_bits(ensemble(test::reversal(vp(), two_bumps()), normal(2), 3001,
                            {{"steps", 12}, {"schedule", "quadratic"}, {"at", {0.5, 1}}}));
  const auto flow = test::reversal(vp(), two_bumps(), 0);
  for (const char* stepper : {"euler", "midpoint", "heun", "rk4"}) {
    expect_same_bits(ensemble(flow, normal(2), 777, {{"stepper", stepper}, {"steps", 9}, {"log_density", true}}));
  }
  expect_same_bits(
      ensemble(flow, normal(2), 2500,
               {{"stepper", "dormand_prince"}, {"tolerance", 1e-4}, {"log_density", true}, {"at", {0.2, 0.9, 1}}}));
}

TEST(Ensembles, SameBitsForDiffusionSamplers) {
  const auto reversal = test::reversal(vp(), two_bumps(), 1, 0.01);
  for (const Json& stepper :
       {Json("ddpm_ancestral"), Json("ddim"), Json{{"kind", "ddim"}, {"eta", 0.5}},
        Json{{"kind", "dpm_solver"}, {"order", 1}}, Json{{"kind", "dpm_solver"}, {"order", 2}},
        Json{{"kind", "dpm_solver"}, {"order", 3}}, Json("dpm_solver_plus_plus"), Json("edm_heun"),
        Json{{"kind", "edm_heun"}, {"churn", 3}}, Json{{"kind", "predictor_corrector"}, {"corrector_steps", 2}}}) {
    expect_same_bits(ensemble(
        reversal, normal(2), 1300,
        {{"stepper", stepper}, {"steps", 9}, {"schedule", "log_snr"}, {"denoise_to_zero", true}, {"at", {0.3, 0.99}}}));
  }
}

TEST(Ensembles, SameBitsWithWallsAndTrajectories) {
  const auto process = test::process("brownian", {{"dimension", 2}});
  const Json walls{
      {"lower", {-1, -1}}, {"upper", {1, 1}}, {"conditions", {"absorbing", Json::array({"reflecting", "none"})}}};
  expect_same_bits(ensemble(
      process, normal(2), 1000,
      {{"steps", 10}, {"walls", walls}, {"trajectories", {{"particles", 300}, {"every", 3}}}, {"at", {0.5, 1}}}));
}

TEST(Ensembles, NoParticlesOneParticleAndFewerThanRanks) {
  const auto process = test::process("ornstein_uhlenbeck", {{"dimension", 2}});
  for (const int particles : {0, 1, 2, 3}) {
    const auto settings = ensemble(process, normal(2), particles, {{"steps", 5}, {"trajectories", {{"particles", 2}}}});
    const EnsemblePath path = run_ensemble(settings, test::world());
    EXPECT_EQ(test::world().sum_count(path.snapshots.back().positions.size()), particles);
    EXPECT_EQ(path.trajectories.count, std::min(2, particles));
    EXPECT_EQ(path.trajectories.values.size(), static_cast<std::size_t>(6 * 2 * std::min(2, particles)));
    expect_same_bits(settings);
  }
  expect_same_bits(ensemble(test::reversal(vp(), two_bumps(), 0), normal(2), 2, {{"stepper", "dormand_prince"}}));
}

TEST(Ensembles, TrajectoriesEndWhereTheParticlesAre) {
  const auto process = test::process("ornstein_uhlenbeck", {{"dimension", 2}});
  const auto path = run_ensemble(
      ensemble(process, normal(2), 500, {{"steps", 8}, {"trajectories", {{"particles", 400}, {"every", 4}}}}),
      test::world());
  EXPECT_EQ(path.trajectories.times, (std::vector<double>{0, 0.5, 1}));
  const auto positions = gather(path.snapshots.back());
  for (int i = 0; i < 400; ++i) {
    for (int k = 0; k < 2; ++k) EXPECT_EQ(path.trajectories.values[(2 * 400 + i) * 2 + k], positions[k * 500 + i]);
  }
}

TEST(Ensembles, ADivergenceOnOneRankReachesAll) {
  // Only ranks with large initial values meet the explosion of x' = x^3.
  const auto process = test::share(
      test::PointwiseProcess(1, 1.0, [](double, const double* x, double* out) { out[0] = x[0] * x[0] * x[0]; }));
  auto settings = ensemble(process, normal(1), 4000, {{"stepper", "euler"}, {"steps", 400}});
  std::string message;
  try {
    run_ensemble(settings, test::world());
  } catch (const Error& error) {
    message = error.what();
    EXPECT_EQ(error.exit_code(), ExitCode::diverged);
  }
  EXPECT_NE(message.find("ensembles.particles: particle "), std::string::npos) << message;
  EXPECT_NE(message.find("is not finite after step "), std::string::npos) << message;
  settings = ensemble(process, normal(1), 4000, {{"stepper", "dormand_prince"}});
  EXPECT_THROW(run_ensemble(settings, test::world()), Error);
}

TEST(Ensembles, ResultsDependOnSeedAndName) {
  const auto process = test::process("ornstein_uhlenbeck", {{"dimension", 1}});
  const auto run = [&](std::uint64_t seed, const std::string& name) {
    return gather(
        run_ensemble(ensemble(process, normal(1), 100, {{"steps", 2}}, seed, name), test::world()).snapshots.back());
  };
  const auto first = run(1, "a");
  EXPECT_EQ(first, run(1, "a"));
  EXPECT_NE(first, run(2, "a"));
  EXPECT_NE(first, run(1, "b"));
}
}  // namespace
