// Schroedinger bridges on grids: seconds, iterations and the rate of the propagator.
//   BM_DenseProduct     limit: Eigen's product of 1024 x 1024 matrices of doubles, threads as given
//   BM_Apply            one application of the separable propagator, multiply-adds per second and share of the limit
//   BM_Brownian         noise of 0.2 of the laws' scale to 1e-6 in the marginals (targets on two cores: 256^2 2 s,
//                       512^2 12 s, 64^3 30 s), and the same in the log domain
//   BM_SmallNoise       noise 0.02 on the unit square, 256^2 cells, in the log domain
//   BM_TimeDependent    a drift with t by strang: 256^2 cells, 100 steps (target 60 s), with so many gigabytes for rates
//                       that recur
//   BM_Particles        particle-steps per second of the bridge's process on one core (target 10 M/s)
#include <benchmark/benchmark.h>
#include <mpi.h>
#include <omp.h>

#include <Eigen/Dense>

#include "fortet/bridges/bridge.hpp"
#include "fortet/parallel/petsc.hpp"
#include "support/ensembles.hpp"

using namespace fortet;

namespace {

MPI_Comm world = MPI_COMM_NULL;
double dense_rate = 0;  // multiply-adds per second

laws::LawPtr gaussian(std::vector<double> mean, double deviation) {
  return test::law("gaussian", {{"mean", mean}, {"deviation", deviation}});
}
densities::GridPtr make_grid(int dimension, int cells, double lower, double upper) {
  return densities::Grid::make(Parameters::make("grids", "",
                                                {{"lower", std::vector<double>(dimension, lower)},
                                                 {"upper", std::vector<double>(dimension, upper)},
                                                 {"cells", std::vector<int>(dimension, cells)}}),
                               parallel::Communicator(world));
}

std::unique_ptr<bridges::BridgeSolver> make_solver(processes::ProcessPtr reference, densities::GridPtr grid,
                                                   laws::LawPtr source, laws::LawPtr target, Json more) {
  bridges::BridgeSettings settings;
  settings.name = "bridge";
  settings.source = std::move(source);
  settings.target = std::move(target);
  settings.reference = std::move(reference);
  settings.grid = std::move(grid);
  settings.at = {0, 0.5, 1};
  Json values{{"process", "reference"}, {"source", "source"}, {"target", "target"}, {"grid", "grid"}};
  values.update(more);
  settings.parameters = Parameters::make("bridges", "schroedinger", values, "bridge");
  return bridges::make_bridge(std::move(settings));
}

void run_bridge(benchmark::State& state, const processes::ProcessPtr& reference, const densities::GridPtr& grid,
                const laws::LawPtr& source, const laws::LawPtr& target, const Json& more) {
  double iterations = 0, error = 0;
  for (auto _ : state) {
    const auto solver = make_solver(reference, grid, source, target, more);
    const bridges::BridgePath path = solver->solve();
    iterations = path.quantities.at("iterations");
    error = path.quantities.at("marginal_error");
  }
  state.counters["iterations"] = iterations;
  state.counters["error"] = error;
}

void BM_DenseProduct(benchmark::State& state) {
  const Eigen::MatrixXd a = Eigen::MatrixXd::Random(1024, 1024), b = Eigen::MatrixXd::Random(1024, 1024);
  Eigen::MatrixXd c(1024, 1024);
  const double start = MPI_Wtime();
  for (auto _ : state) {
    c.noalias() = a * b;
    benchmark::DoNotOptimize(c.data());
  }
  dense_rate = static_cast<double>(state.iterations()) * std::pow(1024.0, 3) / (MPI_Wtime() - start);
  state.counters["multiply_adds/s"] = dense_rate;
}
BENCHMARK(BM_DenseProduct)->MinTime(0.3)->UseRealTime();

void BM_Apply(benchmark::State& state) {
  const int dimension = static_cast<int>(state.range(0)), cells = static_cast<int>(state.range(1));
  const auto reference = test::process("brownian", {{"dimension", dimension}, {"sigma", 0.2}, {"horizon", 1.0}});
  const auto grid = make_grid(dimension, cells, -4, 4);
  const auto propagator =
      densities::make_propagator(Parameters::make("propagators", "separable", Json::object()), reference, grid);
  std::vector<double> masses(grid->local_count(), 1.0);
  propagator->forward(0, 1, 1, masses);
  const double start = MPI_Wtime();
  for (auto _ : state) propagator->forward(0, 1, 1, masses);
  const double rate =
      static_cast<double>(state.iterations() * grid->cell_count()) * cells * dimension / (MPI_Wtime() - start);
  state.counters["multiply_adds/s"] = rate;
  state.counters["share"] = dense_rate > 0 ? rate / dense_rate : 0;
}
BENCHMARK(BM_Apply)->Args({2, 256})->Args({2, 512})->Args({3, 64})->MinTime(0.3)->UseRealTime();

void BM_Brownian(benchmark::State& state) {
  const int dimension = static_cast<int>(state.range(0)), cells = static_cast<int>(state.range(1));
  std::vector<double> left(dimension, -0.7), right(dimension, 0.4);
  run_bridge(state, test::process("brownian", {{"dimension", dimension}, {"sigma", 0.2}, {"horizon", 1.0}}),
             make_grid(dimension, cells, -4, 4), gaussian(left, 0.5), gaussian(right, 0.6),
             {{"tolerance", 1e-6}, {"domain", state.range(2) ? "log" : "linear"}});
}
BENCHMARK(BM_Brownian)
    ->Args({2, 256, 0})
    ->Args({2, 512, 0})
    ->Args({3, 64, 0})
    ->Args({2, 256, 1})
    ->Unit(benchmark::kSecond)
    ->Iterations(1)
    ->UseRealTime();

void BM_SmallNoise(benchmark::State& state) {
  run_bridge(state, test::process("brownian", {{"dimension", 2}, {"sigma", 0.02}, {"horizon", 1.0}}),
             make_grid(2, static_cast<int>(state.range(0)), 0, 1), gaussian({0.4, 0.4}, 0.06),
             gaussian({0.55, 0.6}, 0.08), {{"tolerance", 1e-6}});
}
BENCHMARK(BM_SmallNoise)->Arg(256)->Unit(benchmark::kSecond)->Iterations(1)->UseRealTime();

void BM_TimeDependent(benchmark::State& state) {
  run_bridge(
      state,
      test::process("expression",
                    {{"drift", {"-0.5*x + sin(3*t)*y", "-0.5*y + cos(3*t)*x"}}, {"noise", 0.5}, {"horizon", 1.0}}),
      make_grid(2, static_cast<int>(state.range(0)), -4, 4), gaussian({-0.7, -0.7}, 0.5), gaussian({0.4, 0.4}, 0.6),
      {{"tolerance", 1e-6},
       {"steps", 100},
       {"slices", 20},
       {"propagator", {{"kind", "strang"}, {"memory", static_cast<double>(state.range(1))}}}});
}
BENCHMARK(BM_TimeDependent)->Args({256, 0})->Args({256, 1})->Unit(benchmark::kSecond)->Iterations(1)->UseRealTime();

void BM_Particles(benchmark::State& state) {
  const auto reference = test::process("brownian", {{"dimension", 2}, {"sigma", 0.5}, {"horizon", 1.0}});
  const auto source = gaussian({-0.7, -0.7}, 0.5);
  const auto solver = make_solver(reference, make_grid(2, 128, -4, 4), source, gaussian({0.4, 0.4}, 0.6),
                                  {{"tolerance", 1e-6}, {"slices", 50}});
  solver->solve();
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  constexpr int particles = 100000, steps = 100;
  for (auto _ : state) {
    const auto settings = test::ensemble(solver->process(), source, particles,
                                         {{"stepper", "euler_maruyama"}, {"steps", steps}, {"at", {1.0}}});
    ensembles::run_ensemble(settings, parallel::Communicator(world));
  }
  omp_set_num_threads(threads);
  state.counters["particle_steps/s"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * particles * steps, benchmark::Counter::kIsRate);
}
BENCHMARK(BM_Particles)->Iterations(3)->UseRealTime();

}  // namespace

int main(int argc, char** argv) {
  int level = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
  MPI_Comm_dup(MPI_COMM_WORLD, &world);
  {
    const parallel::PetscSession session(world, {});
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
  }
  MPI_Comm_free(&world);
  MPI_Finalize();
}
