#include "simulated_pairs.hpp"

#include "fortet/ensembles/ensemble.hpp"

namespace fortet::training {

namespace {
PointArray gathered(const ensembles::Snapshot& snapshot, const parallel::Communicator& communicator) {
  PointArray all(snapshot.total, snapshot.positions.dimension());
  for (int k = 0; k < all.dimension(); ++k) {
    const double* own = snapshot.positions.view().coordinate(k);
    const std::vector<double> values =
        communicator.gather_all({own, static_cast<std::size_t>(snapshot.positions.size())});
    std::copy(values.begin(), values.end(), all.view().coordinate(k));
  }
  return all;
}
ensembles::EnsembleSettings settings_of(const processes::ProcessPtr& process, const laws::LawPtr& initial,
                                        const Simulation& simulation) {
  ensembles::EnsembleSettings settings;
  settings.name = simulation.name;
  settings.process = process;
  settings.initial = initial;
  settings.particles = simulation.pairs;
  settings.seed = simulation.seed;
  settings.at = {0, process->horizon()};
  settings.parameters = Parameters::make("ensembles", "",
                                         {{"process", simulation.name},
                                          {"initial", simulation.name},
                                          {"particles", simulation.pairs},
                                          {"stepper", Json{{"kind", simulation.stepper}}},
                                          {"steps", simulation.steps}},
                                         simulation.name);
  return settings;
}
}  // namespace

std::pair<PointArray, PointArray> simulate_pairs(const processes::ProcessPtr& process, const laws::LawPtr& initial,
                                                 const Simulation& simulation,
                                                 const parallel::Communicator& communicator) {
  const ensembles::EnsemblePath path = ensembles::run_ensemble(settings_of(process, initial, simulation), communicator);
  return {gathered(path.snapshots[0], communicator), gathered(path.snapshots[1], communicator)};
}

std::vector<PointArray> simulate_paths(const processes::ProcessPtr& process, const laws::LawPtr& initial,
                                       const Simulation& simulation, const parallel::Communicator& communicator) {
  ensembles::EnsembleSettings settings = settings_of(process, initial, simulation);
  settings.at.clear();
  for (long step = 0; step <= simulation.steps; ++step) {
    settings.at.push_back(process->horizon() * static_cast<double>(step) / static_cast<double>(simulation.steps));
  }
  const ensembles::EnsemblePath path = ensembles::run_ensemble(settings, communicator);
  std::vector<PointArray> result;
  for (const ensembles::Snapshot& snapshot : path.snapshots) result.push_back(gathered(snapshot, communicator));
  return result;
}

}  // namespace fortet::training
