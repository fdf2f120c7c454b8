// The commands of the program.
#include <omp.h>
#include <unistd.h>

#include <cstdio>

#include "fortet/base/progress.hpp"
#include "fortet/io/bytes.hpp"
#include "fortet/parallel/meeting.hpp"
#include "fortet/parallel/memory.hpp"
#include "fortet/parallel/petsc.hpp"
#include "fortet/study/command_line.hpp"
#include "fortet/study/report.hpp"
#include "fortet/study/results.hpp"
#include "fortet/study/selftest.hpp"
#include "keeper.hpp"
#include "output_folder.hpp"
#include "sweep_progress.hpp"
#include "sweep_table.hpp"
#include "writable_folder.hpp"

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
                    std::hash<std::string>{}(study.deck().resolved.dump()), cut(study.deck().title)));
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
    // One at a time: a case is built anew when its turn comes, so that a sweep needs the memory of one.
    const auto study_of = [&](std::size_t i) {
      std::vector<std::string> assignments = cases[i].assignments;
      assignments.insert(assignments.end(), line_.overrides.begin(), line_.overrides.end());
      std::unique_ptr<Study> study = build(text, assignments);
      const Deck& deck = study->deck();
      require_petsc_options(deck);
      require_folder(deck, std::filesystem::path(deck.output) / cases[i].name, !cases[i].name.empty());
      return study;
    };
    for (std::size_t c = 1; c < chosen.size(); ++c) study_of(chosen[c]);
    std::unique_ptr<Study> study = study_of(chosen.front());
    const std::filesystem::path output = study->deck().output;
    require_writable(output, communicator_);
    const bool is_sweep = cases.size() > 1 && line_.case_number == 0;
    if (is_sweep) {
      parallel::together(communicator_, [&] {
        if (communicator_.is_root()) refuse_foreign(output, OutputFolder::foreign(output, names_of_sweep(), text));
      });
    }
    if (only_check) {
      say(study->plan());
      if (cases.size() > 1) say(fmt::format("{} cases\n", cases.size()));
      say("no faults\n");
      return 0;
    }
    Watch watch(line_.walltime);
    banner(*study);
    const std::vector<Parameters> orders = study->deck().orders;
    std::unique_ptr<OutputFolder> whole;  // of a sweep
    if (is_sweep) {
      whole = std::make_unique<OutputFolder>(communicator_, output, names_of_sweep(), text, line_.restarts);
      whole->clear(&study->deck(),
                   line_.restarts ? std::vector<std::string>{"sweep.state"} : std::vector<std::string>{}, cases.size());
    }
    SweepTable sweep;
    SweepProgress progress(communicator_, is_sweep ? output : "", restart(),
                           [&](io::State& state) { sweep.exchange(state); });
    for (std::size_t c = 0; c < chosen.size(); ++c) {
      const Case& one = cases[chosen[c]];
      if (!study) study = study_of(chosen[c]);
      if (!one.name.empty())
        say(fmt::format("\n{} ({} of {}): {}\n", one.name, chosen[c] + 1, cases.size(),
                        cut(fmt::format("{}", fmt::join(one.assignments, " ")))));
      const std::filesystem::path folder = one.name.empty() ? output : output / one.name;
      const std::string identity = identity_of(study->deck(), line_.petsc_options);
      if (progress.has(one.name, identity) && results_are_there(folder)) {
        say("finished by an earlier run\n");
      } else {
        try {
          const Study::Outcome outcome = run_one(*study, folder, text, watch);
          sweep.add(one, outcome);
          if (outcome.failures.empty()) progress.add(one.name, identity);
        } catch (const std::exception& exception) {
          const Error error = error_of(exception);
          if (!is_sweep || error.exit_code() == ExitCode::stopped) throw;
          parallel::meet_or_end(communicator_, error);
          if (communicator_.any(watch.ends())) throw;
          if (communicator_.is_root()) std::fprintf(stderr, "fortet: %s: %s\n", one.name.c_str(), error.what());
          sweep.add_failure(one, error);
        }
      }
      study.reset();
    }
    if (is_sweep) {
      sweep.judge_orders(orders);
      say(fmt::format("\n{}", sweep.text()));
      whole->write("sweep.csv", sweep.csv());
      if (sweep.failure() == ExitCode::done) progress.discard();
    }
    if (sweep.failure() != ExitCode::done) return static_cast<int>(sweep.failure());
    if (const std::vector<std::string> unread = parallel::unread_petsc_options(); !unread.empty()) {
      throw UsageError(fmt::format(
          "options of PETSc that nothing has read: {}; the results are those without them (an object's options begin "
          "with -density_NAME_; -- -help lists what it reads)",
          fmt::join(unread, ", ")));
    }
    return static_cast<int>(sweep.agrees() ? ExitCode::done : ExitCode::disagrees);
  }

  /// Results may have been removed since an earlier run made them.
  bool results_are_there(const std::filesystem::path& folder) const {
    const bool there = communicator_.any(communicator_.is_root() && OwnFiles(folder).has("results.json"));
    if (!there) say("finished by an earlier run, but its results are gone: computed again\n");
    return there;
  }

  /// Refuses what cannot be meant for this study: an option for no object that it has.
  void require_petsc_options(const Deck& deck) const {
    std::vector<std::string> prefixes{"density_stationary_", "density_gap_"};
    if (const auto found = deck.sections.find("densities"); found != deck.sections.end()) {
      for (const Parameters& density : found->second) prefixes.push_back("density_" + density.name() + "_");
    }
    if (!line_.petsc_options.empty() && !line_.petsc_options.front().starts_with("-")) {
      throw UsageError(
          fmt::format("command line: expected an option of PETSc after --, found '{}'\nnothing was computed",
                      cut(line_.petsc_options.front())));
    }
    for (const std::string& option : parallel::unread_petsc_options()) {
      const bool is_known = std::any_of(prefixes.begin(), prefixes.end(),
                                        [&](const std::string& prefix) { return option.starts_with("-" + prefix); });
      if (is_known) continue;
      throw UsageError(
          fmt::format("command line: nothing in this study reads the option {} of PETSc; options begin "
                      "with one of -{}\nnothing was computed",
                      cut(option), cut(fmt::format("{}", fmt::join(prefixes, ", -")))));
    }
  }

  /// Refuses a folder that holds what is not fortet's, before anything is computed or written.
  void require_folder(const Deck& deck, const std::filesystem::path& folder, bool is_case) const {
    parallel::together(communicator_, [&] {
      if (!communicator_.is_root()) return;
      std::vector<std::string> names = names_of_study(deck);
      std::vector<std::string> foreign = OutputFolder::foreign(folder, names, deck.document.text);
      std::error_code code;
      if (is_case && std::filesystem::is_symlink(folder, code)) foreign.insert(foreign.begin(), ". (a link)");
      refuse_foreign(folder, foreign);
    });
  }

  Restart restart() const { return {line_.restarts, line_.restart_from}; }

  Study::Outcome run_one(Study& study, const std::filesystem::path& folder, const std::string& text, Watch& watch) {
    const double start = MPI_Wtime();
    OutputFolder output(communicator_, folder, names_of_study(study.deck()), text, line_.restarts);
    Metrics metrics(folder / "metrics.jsonl", communicator_.is_root() && study.has_metrics());
    Restart from = restart();
    // Of a sweep: the same case there, if it was begun.
    if (const auto inside = folder.lexically_relative(study.deck().output); !from.from.empty() && inside != ".") {
      from.from = (from.from / inside).lexically_normal();
      std::error_code none;
      const bool is_begun = std::filesystem::exists(from.from / "checkpoints/study.json", none);
      if (!communicator_.any(communicator_.is_root() && is_begun)) from = {};
    }
    Keeper keeper(communicator_, study.deck(), line_.petsc_options, output, from, watch, metrics);
    output.clear(&study.deck(),
                 keeper.restarts() ? std::vector<std::string>{"metrics.jsonl"} : std::vector<std::string>{}, 0);
    write_deck(study.deck(), output);
    Study::Outcome outcome = study.run(folder, metrics, keeper);
    const double computed = communicator_.max(MPI_Wtime() - start);
    output.require_own();
    try {
      write_results(study, outcome, output,
                    {line_.words, line_.petsc_options, parallel::unread_petsc_options(), computed}, communicator_);
    } catch (const IoError& error) {
      parallel::meet_or_end(communicator_, error);
      keeper.save_finished();  // elsewhere there may be room
      throw;
    }
    if (outcome.failures.empty()) keeper.discard();
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
    std::vector<std::string> failed;
    for (const Study::Failure& failure : outcome.failures) failed.push_back(failure.object);
    if (!failed.empty()) {
      if (communicator_.is_root())
        std::fprintf(stderr, "fortet: not computed: %s\n", fmt::format("{}", fmt::join(failed, ", ")).c_str());
      return outcome;
    }
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
    std::fprintf(stderr, "%s%s\n",
                 error.exit_code() == ExitCode::usage ? "" : "fortet: ", cut(error.what(), 20000).c_str());
  return static_cast<int>(error.exit_code());
}

}  // namespace

int execute(const CommandLine& command_line, const parallel::Communicator& communicator) {
  try {
    return Commands(command_line, communicator).execute();
  } catch (const std::exception& exception) {
    return end(communicator, error_of(exception));
  }
}

}  // namespace fortet::study
