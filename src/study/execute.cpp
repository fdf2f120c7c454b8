// The commands of the program.
#include <omp.h>
#include <unistd.h>

#include <cstdio>

#include "fortet/base/progress.hpp"
#include "fortet/io/bytes.hpp"
#include "fortet/parallel/meeting.hpp"
#include "fortet/parallel/memory.hpp"
#include "fortet/study/command_line.hpp"
#include "fortet/study/report.hpp"
#include "fortet/study/results.hpp"
#include "fortet/study/selftest.hpp"
#include "keeper.hpp"
#include "sweep_progress.hpp"
#include "sweep_table.hpp"

namespace fortet::study {

namespace {

class Commands {
 public:
  Commands(const CommandLine& command_line, const parallel::Communicator& communicator)
      : line_(command_line), communicator_(communicator) {}

  int execute() {
    if (line_.command == "describe") return describe_schemas();
    if (line_.command == "report") return report();
    if (line_.command == "selftest") return selftest(communicator_);
    return run();
  }

 private:
  void say(const std::string& text) const {
    if (!communicator_.is_root()) return;
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
  }

  int describe_schemas() {
    if (line_.json) {
      say(json_schema().dump(1) + "\n");
    } else {
      say(describe(line_.argument, line_.markdown));
    }
    return 0;
  }

  int report() {
    int code = 0;
    parallel::together(communicator_, [&] {
      if (communicator_.is_root()) draw_report(line_.argument, line_.animation);
    });
    return code;
  }

  std::string read_deck() {
    std::string text;
    parallel::together(communicator_, [&] {
      if (communicator_.is_root()) text = io::read_bytes(line_.argument);
    });
    communicator_.broadcast(text);
    return text;
  }

  /// Throws one UsageError with all faults of the deck under these assignments.
  std::unique_ptr<Study> build(const std::string& text, const std::vector<std::string>& assignments) {
    Faults faults(line_.argument);
    Document document = read_yaml(line_.argument, text, faults);
    std::unique_ptr<Study> study;
    if (faults.empty()) {
      for (const std::string& assignment : assignments) apply_override(document, assignment, faults);
      Deck deck = resolve(document, faults);
      study = std::make_unique<Study>(std::move(deck), communicator_,
                                      std::filesystem::path(line_.argument).parent_path(), faults);
    }
    if (!faults.empty()) {
      throw UsageError(faults.text() +
                       fmt::format("{} fault{}; nothing was computed", faults.size(), faults.size() == 1 ? "" : "s"));
    }
    study->require_memory();
    return study;
  }

  void banner(const Study& study) const {
    const Json known = versions();
    say(fmt::format("fortet {} ({}), PETSc {}, HDF5 {}, {}\n{} rank{} x {} thread{}, seed {}, deck {} ({:016x})\n{}\n",
                    known["fortet"].get<std::string>(), known["revision"].get<std::string>(),
                    known["petsc"].get<std::string>(), known["hdf5"].get<std::string>(),
                    known["mpi"].get<std::string>(), communicator_.size(), communicator_.size() == 1 ? "" : "s",
                    omp_get_max_threads(), omp_get_max_threads() == 1 ? "" : "s", study.deck().seed, line_.argument,
                    std::hash<std::string>{}(study.deck().resolved.dump()), study.deck().title));
  }

  int run() {
    const std::string text = read_deck();
    Faults faults(line_.argument);
    const std::vector<Case> cases = [&] {
      Document document = read_yaml(line_.argument, text, faults);
      for (const std::string& assignment : line_.overrides) {  // the others are judged case by case
        if (assignment.starts_with("sweep.")) apply_override(document, assignment, faults);
      }
      return cases_of(document, faults);
    }();
    if (!faults.empty()) throw UsageError(faults.text() + "nothing was computed");
    if (line_.case_number > static_cast<int>(cases.size())) {
      throw UsageError(fmt::format("--case {}: the deck has {} case{}", line_.case_number, cases.size(),
                                   cases.size() == 1 ? "" : "s"));
    }
    // All cases are checked before the first is computed.
    const bool only_check = line_.command == "validate" || line_.dry_run;
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      if (line_.case_number == 0 || line_.case_number == static_cast<int>(i) + 1) chosen.push_back(i);
    }
    std::vector<std::unique_ptr<Study>> studies;
    for (const std::size_t i : chosen) {
      std::vector<std::string> assignments = cases[i].assignments;
      assignments.insert(assignments.end(), line_.overrides.begin(), line_.overrides.end());
      studies.push_back(build(text, assignments));
    }
    if (only_check) {
      say(studies.front()->plan());
      if (cases.size() > 1) say(fmt::format("{} cases\n", cases.size()));
      say("no faults\n");
      return 0;
    }
    Watch watch(line_.walltime);
    banner(*studies.front());
    bool agree = true;
    SweepTable sweep;
    const std::filesystem::path output = studies.front()->deck().output;
    const std::vector<Parameters> orders = studies.front()->deck().orders;
    const bool is_sweep = cases.size() > 1 && line_.case_number == 0;
    SweepProgress progress(communicator_, is_sweep ? output : "", restart(), [&](io::State& state) {
      state.flag("agree", agree);
      sweep.exchange(state);
    });
    for (std::size_t c = 0; c < chosen.size(); ++c) {
      const Case& one = cases[chosen[c]];
      if (!one.name.empty())
        say(fmt::format("\n{} ({} of {}): {}\n", one.name, chosen[c] + 1, cases.size(),
                        fmt::join(one.assignments, " ")));
      const std::filesystem::path folder = one.name.empty() ? output : output / one.name;
      if (progress.has(one.name, studies[c]->deck())) {
        say("finished by an earlier run\n");
      } else {
        const Study::Outcome outcome = run_one(*studies[c], folder, watch);
        agree = agree && outcome.agrees();
        sweep.add(one, outcome.checks);
        sweep.add(one, outcome.measurements);
        progress.add(one.name, studies[c]->deck());
      }
      studies[c].reset();
    }
    if (is_sweep) {
      sweep.judge_orders(orders);
      agree = agree && sweep.orders_agree();
      say(fmt::format("\n{}", sweep.text()));
      write_text(output / "sweep.csv", sweep.csv(), communicator_);
      progress.discard();
    }
    return static_cast<int>(agree ? ExitCode::done : ExitCode::disagrees);
  }

  Restart restart() const { return {line_.restarts, line_.restart_from}; }

  Study::Outcome run_one(Study& study, const std::filesystem::path& folder, Watch& watch) {
    const double start = MPI_Wtime();
    Metrics metrics(folder / "metrics.jsonl", communicator_.is_root() && study.has_metrics());
    Restart from = restart();
    // Of a sweep: the same case there.
    if (!from.from.empty())
      from.from =
          (std::filesystem::path(from.from) / folder.lexically_relative(study.deck().output)).lexically_normal();
    Keeper keeper(communicator_, study.deck(), folder, from, watch, metrics);
    write_deck(study.deck(), folder, communicator_);
    Study::Outcome outcome = study.run(folder, metrics, keeper);
    const double computed = communicator_.max(MPI_Wtime() - start);
    write_results(study, outcome, folder, line_.words, computed, communicator_);
    keeper.discard();
    const double written = communicator_.max(MPI_Wtime() - start) - computed;
    if (!outcome.measurements.empty()) say(fmt::format("\n{}", table(outcome.measurements)));
    say(fmt::format("\n{}\n", table(outcome.checks, study.deck().resolved.at("false_alarm_rate").get<double>())));
    for (const auto& [name, path] : outcome.densities) {
      for (const auto& [quantity, value] : path.quantities)
        say(fmt::format("densities.{}: {} = {:.10g}\n", name, quantity, value));
      for (const std::string& note : path.notes) say(fmt::format("densities.{}: note: {}\n", name, note));
    }
    for (const auto& [name, path] : outcome.bridges) {
      for (const auto& [quantity, value] : path.quantities)
        say(fmt::format("bridges.{}: {} = {:.10g}\n", name, quantity, value));
    }
    for (const auto& [object, notes] : outcome.notes) {
      for (const std::string& note : notes) say(fmt::format("{}: note: {}\n", object, note));
    }
    say(fmt::format("{:<40} {:>9} {:>9} {:>9}\n", "wall time over the ranks", "min", "mean", "max"));
    for (const Study::Timing& timing : outcome.timings) {
      say(fmt::format("  {:<38} {:>9} {:>9} {:>9}\n", timing.object, duration_text(timing.least),
                      duration_text(timing.mean), duration_text(timing.most)));
    }
    const parallel::HighWater memory = parallel::memory_high_water(communicator_);
    say(fmt::format("  {:<58} {:>9}\n  {:<58} {:>9}\n", "output", duration_text(written), "total",
                    duration_text(computed + written)));
    say(fmt::format("{:<40} {:>9} {:>9} {:>9}\nresults: {}\n", "memory of a rank, high-water", bytes_text(memory.least),
                    bytes_text(memory.mean), bytes_text(memory.most), folder.string()));
    say(outcome.checks.empty() ? "done\n"
        : outcome.agrees()     ? "done: every check agrees\n"
                               : "done: A CHECK DISAGREES\n");
    return outcome;
  }

  const CommandLine& line_;
  const parallel::Communicator& communicator_;
};

/// One message and the exit code, whether the error is that of all ranks or of this one alone.
int end(const parallel::Communicator& communicator, const Error& error) {
  parallel::meet_or_end(communicator, error);
  if (communicator.is_root())
    std::fprintf(stderr, "%s%s\n", error.exit_code() == ExitCode::usage ? "" : "fortet: ", error.what());
  return static_cast<int>(error.exit_code());
}

}  // namespace

int execute(const CommandLine& command_line, const parallel::Communicator& communicator) {
  try {
    return Commands(command_line, communicator).execute();
  } catch (const Error& error) {
    return end(communicator, error);
  } catch (const std::bad_alloc&) {
    return end(communicator, Error(ExitCode::internal, "out of memory"));
  } catch (const std::exception& error) {
    return end(communicator, Error(ExitCode::internal, std::string("internal error: ") + error.what()));
  }
}

}  // namespace fortet::study
