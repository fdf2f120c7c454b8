/// Networks on one core: training step (forward, reverse per shard of an eighth of the batch, AdamW), evaluation, and
/// activations. Counters: GFLOP/s of the matrix products alone (2 x weights per sample and pass), and `share` of the
/// SGEMM rate: the better of Eigen's and BLAS's product batch x width x width, measured in this process.
/// Targets: training >= 0.40 (3 x 64, batch 512) and 0.65 (3 x 256, batch 4096), evaluation >= 0.60 and 0.70.
#include <benchmark/benchmark.h>
#include <dlfcn.h>

#include <Eigen/Dense>
#include <ctime>
#include <map>

#include "fortet/networks/network.hpp"
#include "fortet/networks/optimizer.hpp"

namespace {
using namespace fortet;
using networks::Activation;
using networks::Batch;
using networks::Network;

/// The BLAS that PETSc brings, if it has the routine.
using Sgemm = void (*)(const char*, const char*, const int*, const int*, const int*, const float*, const float*,
                       const int*, const float*, const int*, const float*, float*, const int*);
const Sgemm sgemm = reinterpret_cast<Sgemm>(dlsym(RTLD_DEFAULT, "sgemm_"));

/// Time of this thread on a core, which a busy machine does not stretch.
double seconds_now() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Least time of one call over several rounds of at least 10 ms.
template <class Body>
double least_seconds(Body&& body) {
  double least = 1e9;
  for (int round = 0; round < 7; ++round) {
    int calls = 0;
    const double start = seconds_now();
    do {
      body();
      ++calls;
    } while (seconds_now() - start < 0.01);
    least = std::min(least, (seconds_now() - start) / calls);
  }
  return least;
}

/// Flops per second of the better library for batch x width x width.
double product_rate(int batch, int width) {
  static std::map<std::pair<int, int>, double> known;
  double& rate = known[{batch, width}];
  if (rate > 0) return rate;
  const Eigen::MatrixXf x = Eigen::MatrixXf::Random(batch, width), w = Eigen::MatrixXf::Random(width, width);
  Eigen::MatrixXf y(batch, width);
  const double flops = 2.0 * batch * width * width;
  const double eigen = flops / least_seconds([&] { y.noalias() = x * w.transpose(); });
  const float one = 1, zero = 0;
  double blas = 0;
  if (sgemm) {
    blas = flops / least_seconds([&] {
             sgemm("N", "T", &batch, &width, &width, &one, x.data(), &batch, w.data(), &width, &zero, y.data(), &batch);
           });
  }
  std::printf("SGEMM %d x %d x %d: Eigen %.1f GFLOP/s, BLAS %.1f GFLOP/s\n", batch, width, width, eigen * 1e-9,
              blas * 1e-9);
  return rate = std::max(eigen, blas);
}

networks::Architecture architecture(int width, Activation activation = Activation::selu) {
  networks::Architecture a;
  a.inputs = a.outputs = 2;
  a.hidden = {width, width, width};
  a.activation = activation;
  return a;
}

struct Data {
  Data(int batch) : x(2 * batch, 0.3f), t(batch, 0.5f), out(2 * batch) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 97) / 48 - 1;
  }
  std::vector<float> x, t, out;
};

void report(benchmark::State& state, double flops, double least, int batch, int width) {
  state.counters["GFLOP/s"] = flops / least * 1e-9;
  state.counters["share"] = flops / least / product_rate(batch, width);
  state.counters["ns/sample"] = least / batch * 1e9;
}

void training(benchmark::State& state) {
  const int width = static_cast<int>(state.range(0)), batch = static_cast<int>(state.range(1));
  constexpr int shards = 8;
  const int part = batch / shards;
  Network<float> network(architecture(width, static_cast<Activation>(state.range(2))), 1, "benchmark");
  Data data(batch);
  const auto count = static_cast<Index>(network.parameters().size());
  std::vector<float> gradient(count);
  const auto workspace = network.workspace(part);
  const auto optimizer =
      networks::make_optimizer<float>(Parameters::make("optimizers", "adamw", Json::object()), count);
  const auto step = [&] {
    std::fill(gradient.begin(), gradient.end(), 0.0f);
    for (int s = 0; s < shards; ++s) {
      const Batch<float> out{data.out.data() + s * part, part, 2, batch};
      network.forward({data.x.data() + s * part, part, 2, batch}, data.t.data(), out, *workspace);
      network.reverse(out, gradient, {}, *workspace);
    }
    optimizer->step(network.parameters(), gradient, 1e-6);
  };
  step();
  double least = 1e9;
  for (auto _ : state) least = std::min(least, least_seconds(step));
  // Three products per weight, but the input's derivatives are not needed.
  const double products = 3.0 * static_cast<double>(count) - 3.0 * width;
  report(state, 2 * batch * products, least, batch, width);
}
BENCHMARK(training)
    ->Args({64, 512, 0})
    ->Args({64, 512, 1})
    ->Args({256, 4096, 0})
    ->Args({256, 4096, 1})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

void evaluation(benchmark::State& state) {
  const int width = static_cast<int>(state.range(0)), batch = static_cast<int>(state.range(1));
  const Network<float> network(architecture(width, static_cast<Activation>(state.range(2))), 1, "benchmark");
  Data data(batch);
  const auto workspace = network.workspace(0);
  const auto pass = [&] {
    network.evaluate({data.x.data(), batch, 2, batch}, data.t.data(), {data.out.data(), batch, 2, batch}, *workspace);
  };
  pass();
  double least = 1e9;
  for (auto _ : state) least = std::min(least, least_seconds(pass));
  report(state, 2.0 * batch * static_cast<double>(network.parameters().size()), least, batch, width);
}
BENCHMARK(evaluation)
    ->Args({64, 512, 0})
    ->Args({64, 512, 1})
    ->Args({64, 512, 2})
    ->Args({64, 512, 3})
    ->Args({64, 512, 4})
    ->Args({256, 4096, 0})
    ->Args({256, 4096, 1})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

/// Activations per second: the difference between networks with wide and no hidden layers is what they cost beside the
/// product of the first layer (three multiply-adds each).
void activations(benchmark::State& state) {
  networks::Architecture a = architecture(1, static_cast<Activation>(state.range(0)));
  constexpr int width = 1024, batch = 64;
  a.hidden = {width};
  const Network<float> network(a, 1, "benchmark");
  Data data(batch);
  const auto workspace = network.workspace(0);
  double least = 1e9;
  for (auto _ : state) {
    least = std::min(least, least_seconds([&] {
                       network.evaluate({data.x.data(), batch, 2, batch}, data.t.data(),
                                        {data.out.data(), batch, 2, batch}, *workspace);
                     }));
  }
  state.counters["per second"] = static_cast<double>(width) * batch / least;
  state.counters["ns each"] = least / (static_cast<double>(width) * batch) * 1e9;
}
BENCHMARK(activations)->DenseRange(0, 4)->Iterations(1)->Unit(benchmark::kMillisecond);
}  // namespace

BENCHMARK_MAIN();
