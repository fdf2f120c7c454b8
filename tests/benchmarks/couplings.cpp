// Exact assignment and Sinkhorn: whole-call times. Scans of all columns for one row are given as a share of the rate at
// which such a scan can run when it reads every column, from first-level cache, and does nothing else (a share above
// one is what the bounds of the blocks save).
#include <benchmark/benchmark.h>

#include <chrono>

#include "fortet/couplings/assignment.hpp"
#include "fortet/couplings/sinkhorn.hpp"
#include "fortet/laws/law.hpp"

namespace {

using namespace fortet;

PointArray sample(const std::string& kind, Json values, Index n, std::string_view name) {
  PointArray x(n, 2);
  laws::make_law(Parameters::make("laws", kind, std::move(values)))
      ->sample(parallel::Stream(1, parallel::Purpose::law_sample, name), 0, x);
  return x;
}

/// 0: gaussian to eight_gaussians, 1: moons to eight_gaussians, 2: two samples of eight_gaussians, 3: gaussian to
/// moons.
std::pair<PointArray, PointArray> clouds(long pair, Index n) {
  const auto modes = [&](const char* name) { return sample("eight_gaussians", Json::object(), n, name); };
  const auto moons = [&] { return sample("moons", Json::object(), n, "moons"); };
  const auto normal = [&] { return sample("gaussian", {{"dimension", 2}}, n, "normal"); };
  if (pair == 0) return {normal(), modes("first")};
  if (pair == 1) return {moons(), modes("first")};
  if (pair == 2) return {modes("first"), modes("second")};
  return {normal(), moons()};
}

/// Columns per second of min_j (|x - y_j|^2 - v_j) over 1024 columns in cache.
double plain_scan_rate() {
  constexpr Index n = 1024;
  alignas(64) static double y[2][n], v[n], reduced[n];
  double best = 0;
  for (int repetition = 0; repetition < 20; ++repetition) {
    const auto start = std::chrono::steady_clock::now();
    constexpr int scans = 2000;
    for (int s = 0; s < scans; ++s) {
      const double a = s, b = -s;
#pragma omp simd
      for (Index j = 0; j < n; ++j) reduced[j] = (a - y[0][j]) * (a - y[0][j]) + (b - y[1][j]) * (b - y[1][j]) - v[j];
      benchmark::DoNotOptimize(&reduced[0]);
      benchmark::ClobberMemory();
    }
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    best = std::max(best, scans * static_cast<double>(n) / elapsed.count());
  }
  return best;
}

void assignment(benchmark::State& state) {
  static const double limit = plain_scan_rate();
  const Index n = state.range(0);
  const auto [x, y] = clouds(state.range(1), n);
  double least = 1e300, columns = 0;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    const couplings::Assignment result = couplings::assign(x, y);
    least = std::min(least, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    columns = static_cast<double>(result.scans) * static_cast<double>(n);
  }
  state.counters["least_milliseconds"] = 1e3 * least;
  state.counters["columns_per_second"] = columns / least;
  state.counters["share_of_plain_scan"] = columns / least / limit;
}
BENCHMARK(assignment)
    ->ArgsProduct({{256, 512, 1024, 4096}, {0, 1, 2, 3}})
    ->ArgsProduct({{10000}, {0, 1, 2, 3}})
    ->Unit(benchmark::kMillisecond);

void sinkhorn(benchmark::State& state) {
  const Index n = state.range(0);
  const auto [x, y] = clouds(0, n);
  couplings::SinkhornSettings settings;
  settings.epsilon = 2;  // the bridge with sigma = 1
  settings.tolerance = 1e-3;
  double least = 1e300;
  long iterations = 0;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    const couplings::EntropicPlan plan(x, y, settings);
    least = std::min(least, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    iterations = plan.iterations();
  }
  state.counters["least_milliseconds"] = 1e3 * least;
  state.counters["iterations"] = static_cast<double>(iterations);
  state.counters["nanoseconds_per_exponential"] =
      1e9 * least / (2.0 * static_cast<double>(iterations) * static_cast<double>(n) * static_cast<double>(n));
}
BENCHMARK(sinkhorn)->Arg(256)->Arg(512)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
