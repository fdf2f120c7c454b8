/// Whole training steps through the models of a deck: draws, coupling, forward, backward, optimiser. The argument is
/// the number of threads; share_of_sgemm is floating-point work of the matrix products over what Eigen's product
/// reaches at that shape on as many cores, measured in the same process.
#include "support/training.hpp"

#include <benchmark/benchmark.h>
#include <omp.h>

#include <Eigen/Dense>
#include <algorithm>
#include <chrono>

namespace {
using namespace fortet;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Flop/s of one core at (samples x width) (width x width).
double sgemm_rate(Index samples, Index width) {
  const Eigen::MatrixXf a = Eigen::MatrixXf::Random(samples, width), b = Eigen::MatrixXf::Random(width, width);
  Eigen::MatrixXf c(samples, width);
  double best = 0;
  for (int repetition = 0; repetition < 5; ++repetition) {
    const auto start = std::chrono::steady_clock::now();
    int calls = 0;
    do {
      c.noalias() = a * b;
      benchmark::DoNotOptimize(c.data());
      ++calls;
    } while (seconds_since(start) < 0.05);
    best = std::max(best, 2.0 * static_cast<double>(samples * width * width) * calls / seconds_since(start));
  }
  return best;
}

double model_flops(int width, int batch) {  // forward, and twice that backward
  return 6.0 * batch * (3.0 * width + 2.0 * width * width + 2.0 * width);
}

training::ModelPtr make(const std::string& kind, int width, int batch, long steps) {
  Json values{{"target", "target"}, {"steps", steps}, {"batch", batch}};
  values["source"] = "source";
  values["network"] = {{"kind", "mlp"}, {"hidden", {width, width, width}}, {"activation", "selu"}};
  values["optimizer"] = {{"kind", "adamw"}, {"rate", 1e-3}};
  return test::model(
      kind, values,
      {{"source", test::law("gaussian", {{"dimension", 2}})}, {"target", test::law("moons", Json::object())}});
}

double seconds_per_step(const std::string& kind, int width, int batch, long steps) {
  const auto model = make(kind, width, batch, steps);
  const auto start = std::chrono::steady_clock::now();
  test::train(*model);
  return seconds_since(start) / static_cast<double>(steps);
}

void count_steps(benchmark::State& state, double step, int batch) {
  state.counters["steps_per_s"] = 1 / step;
  state.counters["samples_per_s"] = batch / step;
}

void cfm_step(benchmark::State& state, int width, int batch, long steps) {
  omp_set_num_threads(static_cast<int>(state.range(0)));
  double spent = 0;
  for (auto _ : state) {
    const double step = seconds_per_step("conditional_flow_matching", width, batch, steps);
    state.SetIterationTime(step * static_cast<double>(steps));
    spent += step;
  }
  const double step = spent / static_cast<double>(state.iterations());
  count_steps(state, step, batch);
  state.counters["share_of_sgemm"] =
      model_flops(width, batch) / step / (sgemm_rate(batch, width) * static_cast<double>(state.range(0)));
}
BENCHMARK_CAPTURE(cfm_step, width_64_batch_256, 64, 256, 4000)->Arg(1)->Arg(2)->UseManualTime();
BENCHMARK_CAPTURE(cfm_step, width_64_batch_512, 64, 512, 2000)->Arg(1)->Arg(2)->UseManualTime();
BENCHMARK_CAPTURE(cfm_step, width_64_batch_4096, 64, 4096, 300)->Arg(1)->Arg(2)->UseManualTime();
BENCHMARK_CAPTURE(cfm_step, width_256_batch_4096, 256, 4096, 50)->Arg(1)->Arg(2)->UseManualTime();

/// Also over the step without a coupling on the same threads: medians of runs in turn.
void ot_cfm_step(benchmark::State& state) {
  constexpr long steps = 3000;
  omp_set_num_threads(static_cast<int>(state.range(0)));
  std::vector<double> coupled, plain;
  for (auto _ : state) {
    coupled.push_back(seconds_per_step("ot_cfm", 64, 256, steps));
    plain.push_back(seconds_per_step("conditional_flow_matching", 64, 256, steps));
    state.SetIterationTime(coupled.back() * steps);
  }
  const auto median = [](std::vector<double>& values) {
    std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
    return values[values.size() / 2];
  };
  const double step = median(coupled);
  count_steps(state, step, 256);
  state.counters["over_cfm"] = step / median(plain);
  state.counters["seconds_of_20000_steps"] = 20000 * step;
}
BENCHMARK(ot_cfm_step)->Arg(1)->Iterations(1)->UseManualTime();
BENCHMARK(ot_cfm_step)->Arg(2)->Iterations(9)->UseManualTime();

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  MPI_Finalize();
  return 0;
}
