// Dynamic optimal transport between two normal laws to a residual of 1e-3.
// The limit is the bandwidth of a triad on all threads.
//   BM_Plane     n x n cells, n/2 intervals: seconds (target: 64 x 64 x 32 in 2 s on two cores, at most 10 s),
//   iterations,
//                updates of cells of space-time per second, and what they move at least, as a share of the triad
//   BM_Obstacle  the same around a wall
//   BM_Cube      n^3 cells, 16 intervals
#include <benchmark/benchmark.h>
#include <mpi.h>

#include "fortet/bridges/bridge.hpp"

using namespace fortet;

namespace {

MPI_Comm world = MPI_COMM_NULL;
double triad_bytes = 0;

void measure_triad() {
  const Index n = 1 << 22;
  std::vector<double> a(n, 1.0), b(n, 2.0), c(n, 3.0);
  for (int repeat = 0; repeat < 20; ++repeat) {
    const double start = MPI_Wtime();
#pragma omp parallel for
    for (Index i = 0; i < n; ++i) a[i] = b[i] + 0.5 * c[i];
    benchmark::DoNotOptimize(a.data());
    benchmark::ClobberMemory();
    triad_bytes = std::max(triad_bytes, static_cast<double>(n) * 24 / (MPI_Wtime() - start));
  }
}

void transport(benchmark::State& state, int dimension, long intervals, const std::string& obstacle) {
  bridges::BridgeSettings settings;
  settings.name = "benchmark";
  std::vector<double> from(dimension, 0.1), to(dimension, 0.1);
  from[0] = -0.8;
  to[0] = 0.8;
  settings.source = laws::make_law(Parameters::make("laws", "gaussian", {{"mean", from}, {"deviation", 0.1}}));
  settings.target = laws::make_law(Parameters::make("laws", "gaussian", {{"mean", to}, {"deviation", 0.12}}));
  const std::vector<double> lower(dimension, -1.5), upper(dimension, 1.5);
  const std::vector<long> cells(dimension, state.range(0));
  settings.grid =
      densities::Grid::make(Parameters::make("grids", "", {{"lower", lower}, {"upper", upper}, {"cells", cells}}),
                            parallel::Communicator(world));
  settings.at = {0.5};
  Json values{{"source", "source"}, {"target", "target"}, {"grid", "grid"}, {"intervals", intervals}};
  if (!obstacle.empty()) values["obstacle"] = obstacle;
  settings.parameters = Parameters::make("bridges", "benamou_brenier", values, "benchmark");
  double iterations = 0, done = 0;
  for (auto _ : state) {
    const auto solver = bridges::make_bridge(settings);
    iterations = solver->solve().quantities.at("iterations");
    done += iterations;
  }
  const double updates = done * static_cast<double>(settings.grid->cell_count() * intervals);
  // Read and written once per pass: dual (d + 1) three times and once written, primal and extrapolated (d + 1) written
  // and read, the potential by the transforms (2 d + 1 in place, each both ways) and the steps.
  const double bytes = 8.0 * (8 * (dimension + 1) + 2 * (2 * dimension + 1) + 2);
  state.counters["iterations"] = iterations;
  state.counters["cells/s"] = benchmark::Counter(updates, benchmark::Counter::kIsRate);
  state.counters["share_of_triad"] = benchmark::Counter(updates * bytes / triad_bytes, benchmark::Counter::kIsRate);
}

void BM_Plane(benchmark::State& state) { transport(state, 2, state.range(0) / 2, ""); }
BENCHMARK(BM_Plane)->Arg(32)->Arg(64)->Arg(128)->Unit(benchmark::kSecond)->UseRealTime()->Repetitions(3);
void BM_Obstacle(benchmark::State& state) {
  transport(state, 2, state.range(0) / 2, "1 - max(abs(x)/0.2, abs(y)/0.7)");
}
BENCHMARK(BM_Obstacle)->Arg(32)->Arg(64)->Arg(128)->Unit(benchmark::kSecond)->UseRealTime();
void BM_Cube(benchmark::State& state) { transport(state, 3, 16, ""); }
BENCHMARK(BM_Cube)->Arg(32)->Unit(benchmark::kSecond)->UseRealTime();

}  // namespace

int main(int argc, char** argv) {
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  MPI_Comm_dup(MPI_COMM_WORLD, &world);
  benchmark::Initialize(&argc, argv);
  measure_triad();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  MPI_Comm_free(&world);
  MPI_Finalize();
}
