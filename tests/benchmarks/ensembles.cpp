/// Particle steps per second, and the share of what the random numbers alone would allow, measured in the same process.
/// Targets on one core: Ornstein-Uhlenbeck in 2-D 80 M/s, reverse VP with the score of 8 components 25 M/s; two threads
/// at least 1.8 times one. Threads are the benchmark's argument.
#include "support/ensembles.hpp"

#include <benchmark/benchmark.h>
#include <mpi.h>
#include <omp.h>
#include <sys/resource.h>

#include <array>
#include <chrono>
#include <cmath>

#include "fortet/base/vector_math.hpp"

namespace {
using fortet::Index;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Pairs of normals per second on one core: a bound for 2-D particle steps.
double random_rate() {
  static const double rate = [] {
    const fortet::parallel::Stream stream(1, fortet::parallel::Purpose::increment, "bound");
    fortet::PointArray values(fortet::block_size, 2);
    double best = 0;
    for (int repetition = 0; repetition < 5; ++repetition) {
      const auto start = std::chrono::steady_clock::now();
      constexpr int calls = 20000;
      for (int i = 0; i < calls; ++i) {
        stream.normals(0, i, values);
        benchmark::DoNotOptimize(values.view().coordinate(0));
      }
      best = std::max(best, calls * static_cast<double>(fortet::block_size) / seconds_since(start));
    }
    return best;
  }();
  return rate;
}

/// Exponentials per second on one core, in cache: what a score of K components asks K of for each particle.
double exponential_rate() {
  static const double rate = [] {
    std::array<double, fortet::block_size> from{}, to{};
    for (std::size_t i = 0; i < from.size(); ++i) from[i] = -0.05 * static_cast<double>(i);
    double best = 0;
    for (int repetition = 0; repetition < 20; ++repetition) {
      const auto start = std::chrono::steady_clock::now();
      constexpr int calls = 5000;
      for (int call = 0; call < calls; ++call) {
#pragma omp simd
        for (std::size_t i = 0; i < from.size(); ++i) to[i] = fortet::vectorised::exp(from[i]);
        benchmark::DoNotOptimize(to.data());
        benchmark::ClobberMemory();
      }
      best = std::max(best, calls * static_cast<double>(from.size()) / seconds_since(start));
    }
    return best;
  }();
  return rate;
}

/// `exponentials`: of one drift.
void run(benchmark::State& state, const fortet::ensembles::EnsembleSettings& settings, int exponentials = 0) {
  const fortet::parallel::Communicator communicator(MPI_COMM_WORLD);
  const int threads = static_cast<int>(state.range(0));
  omp_set_num_threads(threads);
  double steps = 0, drifts = 0;
  const auto start = std::chrono::steady_clock::now();
  for (auto _ : state) {
    const auto work = fortet::ensembles::run_ensemble(settings, communicator).work;
    steps += work.at("particle_steps");
    drifts += work.at("drift_evaluations") / 1e6;
  }
  const double seconds = seconds_since(start), rate = steps / seconds;
  state.counters["M_steps_per_s"] = rate / 1e6;
  state.counters["M_drifts_per_s"] = drifts / seconds;
  state.counters["share_of_random_rate"] = rate / (threads * random_rate());
  if (exponentials > 0) {
    const double least = 1 / random_rate() + exponentials / exponential_rate();
    state.counters["share_of_random_and_exponentials"] = rate * least / threads;
  }
}

fortet::laws::LawPtr normal() { return fortet::test::law("gaussian", {{"dimension", 2}}); }

void ornstein_uhlenbeck(benchmark::State& state) {
  run(state, fortet::test::ensemble(fortet::test::process("ornstein_uhlenbeck", {{"dimension", 2}}), normal(), 200000,
                                    {{"steps", 100}}));
}
BENCHMARK(ornstein_uhlenbeck)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

fortet::laws::LawPtr ring_of_eight() {
  fortet::Json means = fortet::Json::array();
  for (int k = 0; k < 8; ++k) means.push_back({4 * std::cos(k * 0.785398), 4 * std::sin(k * 0.785398)});
  return fortet::test::law("gaussian_mixture", {{"means", means}, {"deviations", {0.3}}});
}

fortet::processes::ProcessPtr vp() {
  return fortet::test::process("vp", {{"dimension", 2}, {"beta", {{"kind", "linear"}, {"from", 0.1}, {"to", 12}}}});
}

void reverse_vp(benchmark::State& state) {
  run(state, fortet::test::ensemble(fortet::test::reversal(vp(), ring_of_eight()), normal(), 100000, {{"steps", 100}}),
      8);
}
BENCHMARK(reverse_vp)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

void probability_flow_dormand_prince(benchmark::State& state) {
  run(state, fortet::test::ensemble(fortet::test::reversal(vp(), ring_of_eight(), 0), normal(), 20000,
                                    {{"stepper", "dormand_prince"}, {"tolerance", 1e-6}}));
}
BENCHMARK(probability_flow_dormand_prince)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);
/// Memory: 1e8 particles in 2-D within 2.5 GB. Runs last, because the peak is that of the whole process.
void hundred_million_particles(benchmark::State& state) {
  run(state, fortet::test::ensemble(fortet::test::process("ornstein_uhlenbeck", {{"dimension", 2}}), normal(),
                                    100000000, {{"steps", 1}}));
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  state.counters["peak_GB"] = static_cast<double>(usage.ru_maxrss) * 1024 / 1e9;
}
BENCHMARK(hundred_million_particles)->Arg(2)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);
}  // namespace

int main(int argc, char** argv) {
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  MPI_Finalize();
}
