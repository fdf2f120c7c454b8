// Computes the objects of a study in order and makes its checks.
#include <cstdio>

#include "fortet/base/progress.hpp"
#include "fortet/parallel/meeting.hpp"
#include "fortet/parallel/petsc.hpp"
#include "fortet/study/study.hpp"
#include "keeper.hpp"

namespace fortet::study {

bool Study::Outcome::agrees() const {
  return std::all_of(checks.begin(), checks.end(), [](const comparisons::Result& result) { return result.agree; });
}

ExitCode Study::Outcome::exit_code() const {
  if (!failures.empty()) return failures.front().code;
  return agrees() ? ExitCode::done : ExitCode::disagrees;
}

const Study::Failure* Study::failed_need(const std::string& path, const Outcome& outcome) const {
  if (outcome.failures.empty()) return nullptr;
  std::set<std::string> seen;
  const std::function<const Failure*(const std::string&)> look = [&](const std::string& from) -> const Failure* {
    for (const std::string& target : deck_.targets_of(from)) {
      if (!seen.insert(target).second) continue;
      for (const Failure& failure : outcome.failures) {
        if (failure.object == target) return &failure;
      }
      if (const Failure* found = look(target)) return found;
    }
    return nullptr;
  };
  return look(path);
}

void Study::note_failure(Failure failure, Keeper& keeper, Outcome& outcome) {
  const auto [section, name] = Target(failure.object);
  keeper.forget(failure.object);
  if (!finished_.contains(failure.object)) {
    if (section == "densities") outcome.densities.erase(name);
    if (section == "ensembles") outcome.ensembles.erase(name);
    if (section == "bridges") outcome.bridges.erase(name);
  }
  coarser_.erase(section == "ensembles" ? name : "");
  outcome.failures.push_back(std::move(failure));
}

bool Study::is_compared(const std::string& target) const {
  return std::any_of(checks_.begin(), checks_.end(),
                     [&](const PendingCheck& check) { return check.first == target || check.second == target; });
}

comparisons::Side Study::side(const std::string& target, const Outcome& outcome) const {
  const auto [section, name] = Target(target);
  comparisons::Side side;
  side.name = target;
  if (section == "densities") side.density = &outcome.densities.at(name);
  if (section == "bridges") side.density = &outcome.bridges.at(name).law;
  if (section == "processes") side.process = processes_.at(name);
  if (section == "laws") side.law = laws_.at(name);
  if (section == "ensembles") {
    side.ensemble = &outcome.ensembles.at(name);
    const auto coarser = coarser_.find(name);
    if (coarser != coarser_.end()) side.coarser = &coarser->second;
  }
  return side;
}

/// Computes one density and, if a check wants it, the estimate of its errors.
void Study::solve(const std::string& name, Keeper& keeper, Outcome& outcome, Progress& progress) {
  const std::string object = "densities." + name;
  densities::DensitySettings& settings = densities_.at(name);
  settings.progress = [&](double fraction) { progress.update(fraction); };
  densities::DensityPath& path = outcome.densities.emplace(name, densities::unsolved(settings)).first->second;
  const io::Exchange whole = [&path](io::State& state) { densities::exchange(state, path); };
  const bool is_restored = keeper.object(object, whole, [&](io::Checkpoints& checkpoints) {
    settings.checkpoints = &checkpoints;
    path = densities::solve_density(settings);
  });
  if (is_restored) parallel::excuse_petsc_options("density_" + name + "_");
  finished_.insert(object);
  if (settings.parameters.boolean("error_budget") && is_compared(object) && path.is_law && path.errors.empty()) {
    using densities::Companion;
    std::map<Companion, densities::DensityPath> companions;
    const std::map<Companion, std::string> names{{Companion::space, object + ".space"},
                                                 {Companion::time, object + ".time"}};
    for (const auto& [which, label] : names) {
      if (!densities::has_companion(which, path)) continue;
      densities::DensityPath& companion =
          companions.emplace(which, densities::unsolved_companion(which, settings, path)).first->second;
      keeper.object(
          label, [&companion](io::State& state) { densities::exchange(state, companion); },
          [&, which = which](io::Checkpoints& checkpoints) {  // clang 14 captures no structured binding
            settings.checkpoints = &checkpoints;
            companion = densities::solve_companion(which, settings, path);
          });
    }
    const auto time = companions.find(Companion::time);
    densities::estimate_errors(settings, path, companions.at(Companion::space),
                               time == companions.end() ? nullptr : &time->second);
    keeper.renew(object, whole, {names.at(Companion::space), names.at(Companion::time)});
  }
  settings.progress = nullptr;
  settings.checkpoints = nullptr;
  const auto deferred = deferred_.find(name);
  if (deferred != deferred_.end()) deferred->second->fill(densities::score_field(path));
}

/// Runs one ensemble and, if a check wants it, its coarser twin.
void Study::walk(const std::string& name, Keeper& keeper, Outcome& outcome, Progress& progress) {
  const std::string object = "ensembles." + name;
  ensembles::EnsembleSettings& settings = ensembles_.at(name);
  settings.progress = [&](double fraction) { progress.update(fraction); };
  const auto run = [&](const std::string& label, ensembles::EnsemblePath& path, int factor) {
    path.name = settings.name;
    path.process = settings.process;
    path.walls = settings.walls;
    keeper.object(
        label, [this, &path](io::State& state) { ensembles::exchange(state, path, communicator_); },
        [&](io::Checkpoints& checkpoints) {
          settings.checkpoints = &checkpoints;
          path = factor > 1 ? ensembles::run_coarser(settings, communicator_, factor)
                            : ensembles::run_ensemble(settings, communicator_);
        });
  };
  run(object, outcome.ensembles[name], 1);
  finished_.insert(object);
  if (settings.parameters.boolean("error_budget") && is_compared(object) && ensembles::has_step_error(settings))
    run(object + ".coarser", coarser_[name], 2);
  settings.progress = nullptr;
  settings.checkpoints = nullptr;
}

void Study::bridge(const std::string& name, Metrics& metrics, Keeper& keeper, Outcome& outcome, Progress& progress) {
  bridges::BridgeSolver& solver = *bridges_.at(name);
  bridges::BridgePath& path = outcome.bridges[name];
  bridge_run_->progress = [&](double fraction, const std::string& state) { progress.update(fraction, state); };
  bridge_run_->metrics = [&](const Json& line) { metrics.write(line); };
  keeper.object(
      "bridges." + name, [&solver, &path](io::State& state) { solver.exchange(state, path); },
      [&](io::Checkpoints& checkpoints) {
        bridge_run_->checkpoints = &checkpoints;
        path = solver.solve();
      });
  finished_.insert("bridges." + name);
  path.law.quantities = path.quantities;  // for the file and for measures
  if (!path.notes.empty()) outcome.notes["bridges." + name] = path.notes;
  bridge_run_->progress = nullptr;
  bridge_run_->metrics = nullptr;
  bridge_run_->checkpoints = nullptr;
}

/// Trains one model; its weights and curves are in the folder as they come.
void Study::train(const std::string& name, const std::filesystem::path& folder, Metrics& metrics, Keeper& keeper,
                  Progress& progress) {
  training::Model& model = *models_.at(name);
  const std::filesystem::path weights = folder / (name + ".weights.h5");
  const auto ranks = static_cast<unsigned>(communicator_.size());
  if (!std::has_single_bit(ranks)) keeper.save_finished();  // then not all ranks take part in the training
  bool trained = false;
  keeper.object(
      "models." + name, [&model](io::State& state) { model.exchange(state); },
      [&](io::Checkpoints& checkpoints) {
        trained = true;
        model.train({communicator_, weights,
                     [&](double fraction, const std::string& state) { progress.update(fraction, state); },
                     [&](const Json& line) { metrics.write(line); }, &checkpoints});
      });
  if (!trained) model.write_weights(weights, communicator_);
}

namespace {
/// What diverges says of which object and process; a message that names the object already stays as it is.
void named(const std::string& object, const Parameters* parameters, const std::function<void()>& body) {
  const Target target(object);
  try {
    body();
  } catch (const DivergedError& error) {
    const std::string message = error.what();
    if (message.find(target.name) != std::string::npos) throw;
    const bool has_process = parameters && parameters->has("process");
    throw DivergedError(fmt::format(
        "{}{}: {}", object, has_process ? fmt::format(" (processes.{})", parameters->text("process")) : "", message));
  }
}
}  // namespace

Study::Outcome Study::run(const std::filesystem::path& folder, Metrics& metrics, Keeper& keeper) {
  Outcome outcome;
  const auto timed = [&](const std::string& object, const auto& body) {
    Progress progress(object, communicator_.is_root());
    const double start = MPI_Wtime();
    const Target target(object);
    named(object, deck_.find(target.section, target.name), [&] { body(progress); });
    const double seconds = MPI_Wtime() - start;
    parallel::ExactSum sum;
    sum.add(seconds);
    outcome.timings.push_back({object, communicator_.min(seconds), communicator_.sum(sum) / communicator_.size(),
                               communicator_.max(seconds)});
  };
  const auto note = [&](const Failure& failure) {
    const bool names_itself = failure.message.starts_with(failure.object);
    if (communicator_.is_root())
      std::fprintf(stderr, "fortet: %s%s; going on\n", names_itself ? "" : (failure.object + ": ").c_str(),
                   failure.message.c_str());
    note_failure(failure, keeper, outcome);
  };
  // `name`: to people.
  const auto attempt = [&](const std::string& object, const std::string& name, const auto& body) {
    if (const Failure* need = failed_need(object, outcome)) {
      note({name, fmt::format("needs {}, which failed", need->object), need->code});
      return;
    }
    try {
      timed(object, body);
    } catch (const std::exception& exception) {
      const Error error = error_of(exception);
      if (error.exit_code() == ExitCode::stopped) throw;
      parallel::meet_or_end(communicator_, error);  // what one rank alone has met ends the run
      if (keeper.ends()) throw;
      note({name, error.what(), error.exit_code()});
    }
  };
  for (const std::string& object : order_) {
    const Target parts(object);
    const std::string &section = parts.section, &name = parts.name;
    if (section == "densities") {
      attempt(object, object, [&](Progress& progress) { solve(name, keeper, outcome, progress); });
    } else if (section == "bridges") {
      attempt(object, object, [&](Progress& progress) { bridge(name, metrics, keeper, outcome, progress); });
    } else if (section == "models") {
      attempt(object, object, [&](Progress& progress) { train(name, folder, metrics, keeper, progress); });
      if (auto notes = models_.at(name)->notes(); !notes.empty()) outcome.notes[object] = std::move(notes);
    } else if (section == "measures") {
      attempt(object, object, [&](Progress&) {
        keeper.pass();
        const comparisons::MeasureContext context{[&](const std::string& target) { return side(target, outcome); },
                                                  deck_.seed};
        auto found = comparisons::run_measure(*measures_.at(name), *deck_.find(section, name), context, communicator_);
        std::move(found.begin(), found.end(), std::back_inserter(outcome.measurements));
      });
    } else if (section == "ensembles") {
      attempt(object, object, [&](Progress& progress) { walk(name, keeper, outcome, progress); });
      if (auto notes = ensemble_notes(name); !notes.empty()) outcome.notes[object] = std::move(notes);
    }
  }
  try {
    parallel::together(communicator_, [&] { metrics.close(); });
  } catch (const IoError& error) {
    parallel::meet_or_end(communicator_, error);
    note({"metrics.jsonl", error.what(), error.exit_code()});
  }
  for (PendingCheck& check : checks_) {
    const Parameters& parameters = check.settings.parameters;
    const std::string name = parameters.has("name") ? parameters.text("name") : check.settings.name;
    attempt(parameters.name(), name, [&](Progress&) {
      keeper.pass();
      check.settings.first = side(check.first, outcome);
      check.settings.second = side(check.second, outcome);
      std::vector<comparisons::Result> results = comparisons::run_check(check.settings, communicator_);
      std::move(results.begin(), results.end(), std::back_inserter(outcome.checks));
    });
  }
  comparisons::judge(outcome.checks, deck_.resolved.at("false_alarm_rate").get<double>());
  return outcome;
}

}  // namespace fortet::study
