// A study of exact cases that needs no file: what `fortet selftest` runs.
#include "fortet/study/selftest.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fortet/study/results.hpp"
#include "keeper.hpp"

namespace fortet::study {

namespace {

// Each check compares with a closed form or with the other route.
constexpr const char* deck_text = R"(
study: self test
seed: 1
output: none
laws:
  data: {kind: gaussian_mixture, weights: [0.3, 0.7], means: [[-2, 0], [2, 1]], deviations: [0.4, 0.6]}
  noise: {kind: marginal, process: forward, initial: data, time: 1}
  halfway: {kind: marginal, process: forward, initial: data, time: 0.5}
processes:
  forward: {kind: vp, dimension: 2, beta: {kind: linear, from: 0.1, to: 8}}
  reverse: {kind: time_reversal, of: forward, score: {law: data}}
  flow: {kind: time_reversal, of: forward, score: {law: data}, stochasticity: 0}
grids:
  plane: {lower: [-7, -7], upper: [7, 7], cells: [128, 128]}
densities:
  noising: {process: forward, initial: data, grid: plane, at: [0.5]}
  denoising: {process: reverse, initial: noise, grid: plane, at: [0.5]}
ensembles:
  exact: {process: forward, initial: data, particles: 200000, stepper: exact, at: [0.5]}
  reversed: {process: reverse, initial: noise, particles: 200000, steps: 200, at: [0.5]}
  flowed: {process: flow, initial: noise, particles: 200000, stepper: dormand_prince, tolerance: 1e-6, at: [0.5]}
checks:
  - {name: noising PDE and closed form, compare: [densities.noising, laws.halfway], at: 0.5, by: [l1], tolerance: 0.02}
  - {name: denoising PDE and closed form, compare: [densities.denoising, laws.halfway], at: 0.5, by: [l1], tolerance: 0.02}
  - {name: exact particles, compare: [ensembles.exact, laws.halfway], at: 0.5, by: [cells, energy]}
  - {name: reversed SDE particles, compare: [ensembles.reversed, densities.denoising], by: [cells]}
  - {name: probability flow particles, compare: [ensembles.flowed, laws.halfway], at: 0.5, by: [cells]}
)";

/// A folder that nobody else knows of, for what is written when the test is stopped.
class PrivateFolder {
 public:
  explicit PrivateFolder(const parallel::Communicator& communicator) : communicator_(communicator) {
    std::string name = (std::filesystem::temp_directory_path() / "fortet-selftest-XXXXXX").string();
    parallel::together(communicator_, [&] {
      if (communicator_.is_root() && !mkdtemp(name.data()))
        throw IoError(fmt::format("{}: cannot make this folder: {}", name, std::strerror(errno)));
    });
    communicator_.broadcast(name);
    path_ = name;
  }
  ~PrivateFolder() {
    std::error_code none;
    if (communicator_.is_root()) std::filesystem::remove_all(path_, none);
  }
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  parallel::Communicator communicator_;
  std::filesystem::path path_;
};

}  // namespace

int selftest(const parallel::Communicator& communicator) {
  Faults faults("selftest");
  Deck deck = resolve(read_yaml("selftest", deck_text, faults), faults);
  Study study(std::move(deck), communicator, ".", faults);
  if (!faults.empty()) throw Error(ExitCode::internal, faults.text());
  const PrivateFolder folder(communicator);
  Study::Outcome outcome;
  {
    const OutputFolder output(communicator, folder.path(), {}, "", false);
    Watch watch(0);
    Metrics metrics("", false);
    Keeper keeper(communicator, study.deck(), {}, output, {}, watch, metrics);
    outcome = study.run(folder.path(), metrics, keeper);
  }
  const bool passed = outcome.exit_code() == ExitCode::done;
  if (communicator.is_root()) {
    std::fputs(table(outcome.checks, study.deck().resolved.at("false_alarm_rate").get<double>()).c_str(), stdout);
    std::puts(passed ? "self test passed" : "SELF TEST FAILED");
  }
  return passed ? 0 : static_cast<int>(ExitCode::internal);
}

}  // namespace fortet::study
