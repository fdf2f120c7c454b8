/// Rates of the random numbers on one core: Philox4x32-10 alone (uniforms) and with Box-Muller (normals).
#include "fortet/parallel/random.hpp"

#include <benchmark/benchmark.h>

#include <chrono>
#include <vector>

namespace {
using fortet::Index;
using fortet::Points;

constexpr Index particles = fortet::block_size;

/// Runs draw(step) over and over; counter `nanoseconds`: time per number.
template <class Draw>
void measure(benchmark::State& state, int dimension, Draw&& draw) {
  std::vector<double> values(particles * dimension);
  std::uint32_t step = 0;
  const auto start = std::chrono::steady_clock::now();
  for (auto _ : state) {
    draw(step++, Points(values.data(), particles, dimension));
    benchmark::DoNotOptimize(values.data());
    benchmark::ClobberMemory();
  }
  const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - start;
  const double count = static_cast<double>(state.iterations()) * particles * dimension;
  state.SetItemsProcessed(state.iterations() * particles * dimension);
  state.counters["nanoseconds"] = elapsed.count() / count;
}

const fortet::parallel::Stream stream(1, fortet::parallel::Purpose::increment, "benchmark");

void uniforms(benchmark::State& state) {
  measure(state, 2, [](std::uint32_t step, Points out) { stream.uniforms(0, step, out); });
}
BENCHMARK(uniforms);

/// Target: at most 4.5 ns per normal.
void normals(benchmark::State& state) {
  measure(state, static_cast<int>(state.range(0)),
          [](std::uint32_t step, Points out) { stream.normals(0, step, out); });
}
BENCHMARK(normals)->Arg(1)->Arg(2)->Arg(8);
}  // namespace

BENCHMARK_MAIN();
