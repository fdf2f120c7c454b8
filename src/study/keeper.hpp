#pragma once
// Checkpoints of a study: what is finished is not computed again, what was running goes on where it was saved.
//
// In the folder `checkpoints` of the results: study.json says of which deck and version they are, OBJECT.state holds a
// finished object, OBJECT.N.state a running one (the last few of them are kept).
#include "fortet/io/checkpoint.hpp"
#include "fortet/study/deck.hpp"
#include "metrics.hpp"
#include "output_folder.hpp"
#include "watch.hpp"

namespace fortet::study {

/// Where a run may start from.
struct Restart {
  bool wanted = false;
  std::filesystem::path from;  ///< folder of the results of an earlier run; empty: the run's own
};

/// What must be the same for a checkpoint to fit: the version, all of the deck but where results go and how often
/// states are saved, and the options of PETSc for its objects.
std::string identity_of(const Deck& deck, const std::vector<std::string>& petsc_options);
/// Throws UsageError naming the first differences.
void require_same_study(const std::string& saved, const std::string& wanted, const std::string& where);

class Keeper : private io::Checkpoints {
 public:
  /// Reads nothing but study.json. Throws UsageError naming the difference if the checkpoints are of another deck or
  /// version. Without a wish to restart, checkpoints of an unfinished run are set aside. Collective.
  Keeper(const parallel::Communicator& communicator, const Deck& deck, const std::vector<std::string>& petsc_options,
         const OutputFolder& results, const Restart& restart, Watch& watch, Metrics& metrics);

  /// True where it goes on from checkpoints.
  bool restarts() const { return !source_.empty(); }
  /// The run is ending, as it was asked to. Collective.
  bool ends() const { return communicator_.any(watch_.ends()); }

  /// Computes an object, unless an earlier run has done so: then its `result` is read. True if it was. Collective.
  bool object(const std::string& name, const io::Exchange& result,
              const std::function<void(io::Checkpoints&)>& compute);
  /// The object has changed since it was saved; parts of it that were objects of their own are no longer wanted.
  void renew(const std::string& name, const io::Exchange& result, const std::vector<std::string>& parts);
  /// An object has failed: parts of it that were objects of their own are no longer there to be saved.
  void forget(const std::string& name);
  /// Between two parts of the work that leave nothing to be saved. Throws like Checkpoints::pass. Collective.
  void pass();
  /// Saves the finished objects that are not saved yet: before work that not all ranks take part in. Collective.
  void save_finished();
  /// The results are written: the checkpoints are no longer needed. What else lies in their folder stays.
  void discard();

 private:
  bool restore(const parallel::Communicator& communicator, const io::Exchange& exchange) override;
  void pass(const parallel::Communicator& communicator, const io::Exchange& exchange) override;
  void save(const parallel::Communicator& communicator, const io::Exchange& exchange) override;

  void choose_source(const Restart& restart);  // on the root
  void set_aside() const;
  struct Verdict {
    bool save = false, stop = false, lost = false;
  };
  Verdict consult(const parallel::Communicator& communicator);
  /// Does what is due. `running`: of the object at work; null between two of them.
  void act(const parallel::Communicator& communicator, const io::Exchange* running);
  void write(const parallel::Communicator& communicator, const io::Exchange* running);
  /// Says so where it cannot.
  void try_to_write(const parallel::Communicator& communicator, const io::Exchange* running);
  bool read(const parallel::Communicator& communicator, const std::filesystem::path& file,
            const io::Exchange& exchange);
  void remove_state(const std::string& object, long number) const;
  [[noreturn]] void stop(const parallel::Communicator& communicator);
  io::Exchange with_metrics(const io::Exchange& exchange) const;
  /// Numbers of the states of a running object in a folder, the newest first. On the root, broadcast.
  std::vector<long> numbers(const parallel::Communicator& communicator, const std::filesystem::path& folder,
                            const std::string& object) const;
  void say(const std::string& text) const;

  parallel::Communicator communicator_;
  const OutputFolder& results_;
  std::filesystem::path folder_, source_;  ///< where checkpoints are written, and read from (empty: nowhere)
  std::string identity_;
  double interval_;
  long kept_;
  Watch& watch_;
  Metrics& metrics_;

  std::string object_;  ///< at work
  std::vector<std::pair<std::string, io::Exchange>> unsaved_;
  bool has_folder_ = false;
  long number_ = 0;  ///< of the newest state of the running object

  // Of the safe points of the object at work.
  long passes_ = 0, next_ = 1;
  double consulted_ = 0, saved_, longest_step_ = 0, longest_save_ = 0;
};

}  // namespace fortet::study
