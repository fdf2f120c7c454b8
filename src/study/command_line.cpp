#include "fortet/study/command_line.hpp"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>

#include "fortet/study/results.hpp"

namespace fortet::study {

namespace {
/// Of "H:M:S", "M:S" or "S"; NaN for anything else.
double seconds_of(const std::string& text) {
  double seconds = 0;
  std::size_t begin = 0;
  for (int part = 0; part < 3; ++part) {
    const std::size_t end = std::min(text.find(':', begin), text.size());
    int value = 0;
    const auto [stop, fault] = std::from_chars(text.data() + begin, text.data() + end, value);
    if (fault != std::errc() || stop != text.data() + end || value < 0) break;
    seconds = 60 * seconds + value;
    if (end == text.size()) return seconds;
    begin = end + 1;
  }
  return std::numeric_limits<double>::quiet_NaN();
}
}  // namespace

CommandLine parse_command_line(int argc, char** argv, bool speaks) {
  CommandLine result;
  result.words.assign(argv, argv + argc);
  std::vector<std::string> words(argv + 1, argv + argc);
  const auto separator = std::find(words.begin(), words.end(), "--");
  if (separator != words.end()) {
    result.petsc_options.assign(separator + 1, words.end());
    words.erase(separator, words.end());
  }
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back

  CLI::App app{
      "fortet: one process read as a density on a grid and as particles, and a calibrated verdict whether they agree"};
  app.set_version_flag("--version", [] { return versions().dump(1); });
  app.require_subcommand(1);
  app.footer("Options of PETSc stand after --, for example: fortet run deck.yaml -- -density_noising_ts_type bdf");
  std::string restart, walltime;

  CLI::App* run = app.add_subcommand("run", "compute a study and make its checks");
  run->add_option("deck", result.argument, "deck (YAML)")->required();
  run->add_option("overrides", result.overrides, "key.path=value, for example ensembles.sde.steps=1000");
  run->add_flag("--dry-run", result.dry_run, "check the deck and print the plan, compute nothing");
  run->add_option("--case", result.case_number, "only this case of a sweep, counting from 1")
      ->check(CLI::PositiveNumber);
  run->add_option("--restart", restart,
                  "latest: go on from the checkpoints in the output folder, if there are any; or a folder of results");
  run->add_option("--walltime", walltime, "stop with a checkpoint before this time is over (H:M:S, M:S or seconds)");
  CLI::App* validate = app.add_subcommand("validate", "check a deck and print the plan");
  validate->add_option("deck", result.argument, "deck (YAML)")->required();
  validate->add_option("overrides", result.overrides, "key.path=value");
  CLI::App* describe = app.add_subcommand("describe", "print what a deck may contain");
  describe->add_option("what", result.argument, "category or category.kind, for example laws or laws.gaussian");
  auto* json = describe->add_flag("--json", result.json, "the JSON Schema of a deck, for editors");
  describe->add_flag("--markdown", result.markdown, "as the pages of docs/reference.md")->excludes(json);
  CLI::App* report = app.add_subcommand("report", "draw pictures and report.html of a study's results");
  report->add_option("results", result.argument, "folder of the results")->required();
  report->add_flag("--animation", result.animation, "also draw an animation");
  app.add_subcommand("selftest", "a minute of exact cases on this installation");

  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    const bool is_fault = error.get_exit_code() != 0;
    std::ostringstream out, err;
    app.exit(error, out, err);
    if (speaks) {
      std::fputs(out.str().c_str(), stdout);
      std::fputs(cut(err.str()).c_str(), stderr);
    }
    result.exit_code = static_cast<int>(is_fault ? ExitCode::usage : ExitCode::done);
    return result;
  }
  result.command = app.get_subcommands().front()->get_name();
  result.restarts = !restart.empty();
  if (restart != "latest") result.restart_from = restart;
  if (!walltime.empty()) {
    result.walltime = seconds_of(walltime);
    if (!(result.walltime > 0)) {
      if (speaks)
        std::fprintf(stderr, "fortet: --walltime %s: expected H:M:S, M:S or seconds\n", cut(walltime).c_str());
      result.exit_code = static_cast<int>(ExitCode::usage);
    }
  }
  return result;
}

}  // namespace fortet::study
