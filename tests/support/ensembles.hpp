#pragma once
/// Short ways to set up ensembles in tests and benchmarks.
#include "fortet/ensembles/ensemble.hpp"
#include "support/kinds.hpp"

namespace fortet::test {

/// `parameters`: keys of the deck's entry besides process, initial and particles. `at` and `walls` are taken from
/// there.
inline ensembles::EnsembleSettings ensemble(processes::ProcessPtr process, laws::LawPtr initial, std::int64_t particles,
                                            Json parameters, std::uint64_t seed = 1, std::string name = "particles") {
  parameters["process"] = "process";
  parameters["initial"] = "initial";
  parameters["particles"] = particles;
  ensembles::EnsembleSettings settings;
  settings.name = name;
  settings.process = std::move(process);
  settings.initial = std::move(initial);
  settings.particles = particles;
  settings.seed = seed;
  settings.parameters = Parameters::make("ensembles", "", std::move(parameters), name);
  if (settings.parameters.has("at")) settings.at = settings.parameters.reals("at");
  settings.walls = ensembles::make_walls(settings.parameters, settings.process->dimension());
  return settings;
}

/// Time reversal of a process started from `data`, with the closed-form score.
inline processes::ProcessPtr reversal(const processes::ProcessPtr& forward, const laws::LawPtr& data,
                                      double stochasticity = 1, double stop = 0) {
  const processes::ProcessContext context{
      [&](const std::string&) { return data; }, [&](const std::string&) { return forward; }, {}, {}};
  return process("time_reversal",
                 {{"of", "forward"}, {"score", {{"law", "data"}}}, {"stochasticity", stochasticity}, {"stop", stop}},
                 context);
}

}  // namespace fortet::test
