// Rates of the density solvers on one core, with the share of a limit measured in the same process.
//   BM_ResidentStencil   limit: the three-point update out = a x + b y + c z on arrays that stay in the first-level
//   cache BM_Triad             limit: memory bandwidth BM_StrangTerms       default propagator, cell-terms per second
//   (target: 600 M/s) BM_OrnsteinUhlenbeck 128^2 cells to t = 1 by strang (target 0.15 s, L1 error <= 1e-3) and
//   separable (0.02 s) BM_Cube              128^3 cells: seconds and resident memory (target: 2 GB)
#include <benchmark/benchmark.h>
#include <mpi.h>

#include <fstream>

#include "fortet/densities/density.hpp"
#include "fortet/parallel/petsc.hpp"

using namespace fortet;

namespace {

MPI_Comm world = MPI_COMM_NULL;
double resident_terms = 0;

processes::ProcessPtr make_process(const char* kind, Json values) {
  return processes::make_process(Parameters::make("processes", kind, std::move(values)));
}

densities::GridPtr make_grid(int dimension, int cells, double half) {
  const std::vector<double> lower(dimension, -half), upper(dimension, half);
  return densities::Grid::make(
      Parameters::make("grids", "",
                       {{"lower", lower}, {"upper", upper}, {"cells", std::vector<int>(dimension, cells)}}),
      parallel::Communicator(world));
}

double resident_megabytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word == "VmHWM:") {
      double kilobytes = 0;
      status >> kilobytes;
      return kilobytes / 1024;
    }
  }
  return 0;
}

/// The benchmarks are built for any processor; the limit is to be that of this one.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), optimize("O3")))
#endif
void resident_stencil(const double* __restrict a, const double* __restrict b, const double* __restrict c, const double* __restrict x,
                      double* __restrict out, Index n) {
  for (Index i = 0; i < n; ++i) out[i] = a[i] * x[i] + b[i] * x[i + 8] + c[i] * x[i + 16];
}

constexpr Index resident = 768;  // 5 arrays of 6 KB
alignas(64) double left[resident], middle[resident], right[resident], values[resident + 16], result[resident];

void BM_ResidentStencil(benchmark::State& state) {
  for (auto _ : state) {
    resident_stencil(left, middle, right, values, result, resident);
    benchmark::DoNotOptimize(result);
    benchmark::ClobberMemory();
  }
  state.counters["terms/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * resident), benchmark::Counter::kIsRate);
}
BENCHMARK(BM_ResidentStencil)->MinTime(0.2);

void BM_Triad(benchmark::State& state) {
  const Index n = 1 << 23;
  std::vector<double> a(n, 1.0), b(n, 2.0), c(n, 3.0);
  for (auto _ : state) {
    for (Index i = 0; i < n; ++i) a[i] = b[i] + 0.5 * c[i];
    benchmark::DoNotOptimize(a.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * n * 24);
}
BENCHMARK(BM_Triad)->MinTime(0.2);

void measure_limit() {
  for (int repeat = 0; repeat < 20; ++repeat) {
    const double start = MPI_Wtime();
    for (int k = 0; k < 2000; ++k) {
      resident_stencil(left, middle, right, values, result, resident);
      benchmark::DoNotOptimize(result);
      benchmark::ClobberMemory();
    }
    resident_terms = std::max(resident_terms, 2000.0 * resident / (MPI_Wtime() - start));
  }
}

void strang_terms(benchmark::State& state, const char* kind, Json values) {
  const auto process = make_process(kind, std::move(values));
  const auto grid = make_grid(2, static_cast<int>(state.range(0)), 5);
  const auto propagator =
      densities::make_propagator(Parameters::make("propagators", "strang", Json::object()), process, grid);
  std::vector<double> masses(grid->local_count(), 1.0 / static_cast<double>(grid->local_count()));
  for (auto _ : state) propagator->forward(0, 0.2, 4, masses);
  state.counters["terms/s"] = benchmark::Counter(propagator->terms(), benchmark::Counter::kIsRate);
  state.counters["share_of_resident_stencil"] =
      benchmark::Counter(propagator->terms() / resident_terms, benchmark::Counter::kIsRate);
}
void BM_StrangTerms(benchmark::State& state) { strang_terms(state, "ornstein_uhlenbeck", {{"dimension", 2}}); }
BENCHMARK(BM_StrangTerms)->Arg(64)->Arg(128)->Arg(256)->Arg(512)->MinTime(0.2);
/// Rates that differ from line to line: two more arrays in cache.
void BM_StrangTermsVariable(benchmark::State& state) {
  strang_terms(state, "expression", {{"drift", {"-x + 0.1*sin(y)", "-y + 0.1*sin(x)"}}, {"noise", 1.4142}});
}
BENCHMARK(BM_StrangTermsVariable)->Arg(64)->Arg(128)->Arg(256)->MinTime(0.2);

void ornstein_uhlenbeck(benchmark::State& state, const char* propagator) {
  const auto process = make_process("ornstein_uhlenbeck", {{"dimension", 2}});
  densities::DensitySettings settings;
  settings.name = "benchmark";
  settings.process = process;
  settings.initial =
      laws::make_law(Parameters::make("laws", "gaussian", {{"mean", {1.0, -0.5}}, {"deviation", {0.6, 0.8}}}));
  settings.grid = make_grid(2, 128, 5);
  settings.at = {1};
  settings.parameters =
      Parameters::make("densities", "", {{"process", "p"}, {"grid", "g"}, {"propagator", propagator}, {"steps", 40}});
  double error = 0, seconds = 0;
  for (auto _ : state) {
    const auto path = densities::solve_density(settings);
    std::vector<double> exact(settings.grid->local_count());
    process->marginal(settings.initial, 1)->cell_masses(settings.grid->local_edges(), exact);
    const std::vector<double> volumes = settings.grid->local_volumes();
    error = 0;
    for (std::size_t i = 0; i < exact.size(); ++i)
      error += std::abs(path.snapshots[0].values[i] * volumes[i] - exact[i]);
    const double one = path.work.at("seconds_solve") + path.work.at("seconds_setup");
    seconds = seconds == 0 ? one : std::min(seconds, one);
  }
  state.counters["l1_error"] = error;
  state.counters["solve_seconds"] = seconds;
}
void BM_OrnsteinUhlenbeckStrang(benchmark::State& state) { ornstein_uhlenbeck(state, "strang"); }
void BM_OrnsteinUhlenbeckSeparable(benchmark::State& state) { ornstein_uhlenbeck(state, "separable"); }
BENCHMARK(BM_OrnsteinUhlenbeckStrang)->MinTime(0.2)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_OrnsteinUhlenbeckSeparable)->MinTime(0.2)->Unit(benchmark::kMillisecond);

/// The general path as a process that does not commute meets it: 40 real Strang steps.
void BM_SpiralStrang(benchmark::State& state) {
  const auto process =
      make_process("linear", {{"drift", {{-1.0, 0.5}, {-0.5, -1.0}}}, {"noise", {{1.4, 0.0}, {0.0, 1.4}}}});
  const auto grid = make_grid(2, 128, 5);
  std::vector<double> masses(grid->local_count(), 1.0 / static_cast<double>(grid->local_count()));
  for (auto _ : state) {
    const auto propagator =
        densities::make_propagator(Parameters::make("propagators", "strang", Json::object()), process, grid);
    propagator->forward(0, 1, 40, masses);
  }
}
BENCHMARK(BM_SpiralStrang)->MinTime(0.2)->Unit(benchmark::kMillisecond);

void BM_Cube(benchmark::State& state) {
  const auto process =
      make_process("expression", {{"drift", {"-x + 0.1*y", "-y + 0.1*z", "-z + 0.1*x"}}, {"noise", 1.4142}});
  densities::DensitySettings settings;
  settings.name = "cube";
  settings.process = process;
  settings.initial = laws::make_law(Parameters::make("laws", "gaussian", {{"dimension", 3}}));
  settings.grid = make_grid(3, 128, 5);
  settings.at = {0.05};
  settings.parameters =
      Parameters::make("densities", "", {{"process", "p"}, {"grid", "g"}, {"propagator", "strang"}, {"steps", 20}});
  for (auto _ : state) benchmark::DoNotOptimize(densities::solve_density(settings).snapshots.size());
  state.counters["peak_megabytes"] = resident_megabytes();
}
BENCHMARK(BM_Cube)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace

int main(int argc, char** argv) {
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  MPI_Comm_dup(MPI_COMM_WORLD, &world);
  {
    const parallel::PetscSession session(world, {});
    benchmark::Initialize(&argc, argv);
    measure_limit();
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
  }
  MPI_Comm_free(&world);
  MPI_Finalize();
}
