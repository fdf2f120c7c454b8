// Rates of the inner loops of processes: drift of an OU process, score of a mixture, drift of a reversed VP diffusion,
// a formula. The limit named beside each is that of the same bytes copied inside the first-level cache, measured here.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstring>

#include "fortet/base/expression.hpp"
#include "fortet/processes/process.hpp"

using namespace fortet;

namespace {
laws::LawPtr ring() { return laws::make_law(Parameters::make("laws", "eight_gaussians", {{"variant", "tutorial"}})); }

PointArray points() {
  PointArray x(block_size, 2);
  ring()->sample(parallel::Stream(1, parallel::Purpose::initial_law), 0, x);
  return x;
}

void rate(benchmark::State& state) {
  state.counters["points/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * block_size), benchmark::Counter::kIsRate);
}

void copy_limit(benchmark::State& state) {
  PointArray x = points(), out(block_size, 2);
  for (auto _ : state) {
    std::memcpy(out.view().coordinate(0), x.view().coordinate(0), 2 * block_size * sizeof(double));
    benchmark::ClobberMemory();
  }
  rate(state);
}
BENCHMARK(copy_limit);

void ornstein_uhlenbeck_drift(benchmark::State& state) {
  const auto p = processes::make_process(Parameters::make("processes", "ornstein_uhlenbeck", {{"dimension", 2}}));
  PointArray x = points(), out(block_size, 2);
  for (auto _ : state) {
    p->drift(0.5, x, out);
    benchmark::ClobberMemory();
  }
  rate(state);
}
BENCHMARK(ornstein_uhlenbeck_drift);

void mixture_score(benchmark::State& state) {
  const auto p = ring();
  PointArray x = points(), out(block_size, 2);
  for (auto _ : state) {
    p->score(x, out);
    benchmark::ClobberMemory();
  }
  rate(state);
}
BENCHMARK(mixture_score);

void reversed_vp_drift(benchmark::State& state) {
  processes::ProcessContext context;
  const auto forward =
      processes::make_process(Parameters::make("processes", "vp", {{"dimension", 2}, {"beta", {{"kind", "linear"}}}}));
  context.process = [&](const std::string&) { return forward; };
  context.law = [](const std::string&) { return ring(); };
  const auto p = processes::make_process(
      Parameters::make("processes", "time_reversal", {{"of", "f"}, {"score", {{"law", "d"}}}}), context);
  PointArray x = points(), out(block_size, 2);
  std::int64_t block = 0;
  for (auto _ : state) {
    p->drift(0.3 + 1e-6 * static_cast<double>(block++ / 64), x, out);  // a new time every 64 blocks
    benchmark::ClobberMemory();
  }
  rate(state);
}
BENCHMARK(reversed_vp_drift);

void double_well_formula(benchmark::State& state) {
  const auto slope = Expression::parse("(x^2-1)^2 + y^2/2 + exp(-x^2)*sin(3*y)", {"x", "y"}).derivative(0);
  PointArray x = points();
  std::vector<double> out(block_size);
  for (auto _ : state) {
    slope.evaluate(0, x, out.data());
    benchmark::ClobberMemory();
  }
  rate(state);
}
BENCHMARK(double_well_formula);
}  // namespace

BENCHMARK_MAIN();
