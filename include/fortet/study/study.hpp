#pragma once
/// A study: the graph of named objects of a deck, built and checked, then run.
#include <filesystem>
#include <memory>
#include <set>

#include "fortet/bridges/bridge.hpp"
#include "fortet/comparisons/check.hpp"
#include "fortet/comparisons/measure.hpp"
#include "fortet/processes/deferred_field.hpp"
#include "fortet/study/deck.hpp"
#include "fortet/training/model.hpp"

namespace fortet {
class Progress;
}

namespace fortet::study {

class Metrics;
class Keeper;

/// Objects of a deck, built but not computed. Building finds the faults that only the kinds themselves can judge.
class Study {
 public:
  /// `directory`: folder of the deck, against which file names in laws are resolved. Faults are added; an object with a
  /// fault is left out, and so are those that name it. Collective.
  Study(Deck deck, const parallel::Communicator& communicator, std::filesystem::path directory, Faults& faults);
  ~Study();

  const Deck& deck() const { return deck_; }
  const std::vector<std::string>& order() const { return order_; }
  const std::map<std::string, laws::LawPtr>& laws() const { return laws_; }
  const std::map<std::string, processes::ProcessPtr>& processes() const { return processes_; }
  const std::map<std::string, densities::GridPtr>& grids() const { return grids_; }

  /// The plan for people: objects in order with unknowns, memory and estimated cost.
  std::string plan() const;

  /// Bytes that an object will need: `kept` until the study ends, `working` while it is computed; shared out over the
  /// ranks, once on every node, and on every rank.
  struct Memory {
    struct Amount {
      double shared_out = 0, per_node = 0, per_rank = 0;
      double total(int ranks, int nodes) const { return shared_out + nodes * per_node + ranks * per_rank; }
    };
    std::string object;
    Amount kept, working;
    double disk_per_node = 0;  ///< kept in files
  };
  /// Estimated, of the objects that need any, in order. At most a fifth too small and a third too large where it is
  /// large.
  std::vector<Memory> memory() const;
  /// Bytes of all ranks together when most is needed: what is kept, the largest working memory, and the program itself.
  double most_memory(int ranks, int nodes) const;
  /// Throws UsageError when the nodes of the ranks have less than that, naming the objects that need most. Collective.
  void require_memory() const;

  /// Wall seconds of one object over the ranks.
  struct Timing {
    std::string object;
    double least = 0, mean = 0, most = 0;
  };
  /// What could not be computed: the others stand.
  struct Failure {
    std::string object;  ///< "ensembles.sde", or the name of a check
    std::string message;
    ExitCode code = ExitCode::internal;
  };
  struct Outcome {
    std::map<std::string, densities::DensityPath> densities;
    std::map<std::string, ensembles::EnsemblePath> ensembles;
    std::map<std::string, bridges::BridgePath> bridges;
    std::vector<comparisons::Result> checks;
    std::vector<comparisons::Measurement> measurements;
    std::map<std::string, std::vector<std::string>> notes;  ///< by object: what a user has to know of its results
    std::vector<Timing> timings;                            ///< in the order in which the objects were computed
    std::vector<Failure> failures;
    bool agrees() const;
    ExitCode exit_code() const;  ///< that of the first failure; else whether the checks agree
  };
  /// True if curves of the convergence are written (metrics.jsonl).
  bool has_metrics() const { return !(models_.empty() && bridges_.empty()); }
  /// Computes everything in order that the keeper does not have; curves and weights go to `folder` as they come. An
  /// object, measure or check that all ranks fail at is named among the failures, and so are those that need it; the
  /// others are computed. Throws what ends the run: that it was asked to stop, an error of one rank. Collective.
  Outcome run(const std::filesystem::path& folder, Metrics& metrics, Keeper& keeper);

 private:
  friend class Builder;
  struct PendingCheck {
    comparisons::CheckSettings settings;
    std::string first, second;  ///< "section.name"
  };
  comparisons::Side side(const std::string& target, const Outcome& outcome) const;
  void solve(const std::string& name, Keeper& keeper, Outcome& outcome, Progress& progress);
  void walk(const std::string& name, Keeper& keeper, Outcome& outcome, Progress& progress);
  void bridge(const std::string& name, Metrics& metrics, Keeper& keeper, Outcome& outcome, Progress& progress);
  void train(const std::string& name, const std::filesystem::path& folder, Metrics& metrics, Keeper& keeper,
             Progress& progress);
  bool is_compared(const std::string& target) const;
  /// What is known of an ensemble's results before it runs.
  std::vector<std::string> ensemble_notes(const std::string& name) const;
  /// The failed object that this one needs, directly or by way of others; null if there is none.
  const Failure* failed_need(const std::string& path, const Outcome& outcome) const;
  void note_failure(Failure failure, Keeper& keeper, Outcome& outcome);

  Deck deck_;
  parallel::Communicator communicator_;
  std::vector<std::string> order_;
  std::map<std::string, laws::LawPtr> laws_;
  std::map<std::string, processes::ProcessPtr> processes_;
  std::map<std::string, densities::GridPtr> grids_;
  std::map<std::string, densities::DensitySettings> densities_;
  std::map<std::string, densities::DensityPlan> density_plans_;
  std::map<std::string, ensembles::EnsembleSettings> ensembles_;
  std::map<std::string, std::shared_ptr<processes::DeferredField>> deferred_;  ///< by density name
  /// What the solver of a bridge speaks to while it runs: it is made before there is any of this.
  struct BridgeRun final : io::Checkpoints {
    std::function<void(double fraction, const std::string&)> progress;
    std::function<void(const Json&)> metrics;
    io::Checkpoints* checkpoints = nullptr;

    bool restore(const parallel::Communicator& ranks, const io::Exchange& exchange) override {
      return checkpoints && checkpoints->restore(ranks, exchange);
    }
    void pass(const parallel::Communicator& ranks, const io::Exchange& exchange) override {
      if (checkpoints) checkpoints->pass(ranks, exchange);
    }
    void save(const parallel::Communicator& ranks, const io::Exchange& exchange) override {
      if (checkpoints) checkpoints->save(ranks, exchange);
    }
  };
  std::map<std::string, training::ModelPtr> models_;
  std::map<std::string, std::unique_ptr<bridges::BridgeSolver>> bridges_;
  std::map<std::string, std::vector<double>> bridge_times_;
  std::shared_ptr<BridgeRun> bridge_run_ = std::make_shared<BridgeRun>();
  std::map<std::string, std::unique_ptr<comparisons::Measure>> measures_;
  std::vector<PendingCheck> checks_;
  std::map<std::string, ensembles::EnsemblePath> coarser_;
  std::set<std::string> finished_;  ///< objects whose results stand, whatever happens to the estimates of their errors
};

}  // namespace fortet::study
