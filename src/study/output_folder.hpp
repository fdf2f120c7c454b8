#pragma once
// The folder of the results. It belongs to the user: nothing there that fortet did not write is removed, moved or
// overwritten, no link is followed, and one run at a time works in it (docs/results.md).
#include <memory>
#include <optional>

#include "folder_lock.hpp"
#include "fortet/parallel/communicator.hpp"
#include "fortet/study/deck.hpp"
#include "own_files.hpp"

namespace fortet::study {

/// Names of the files that a study writes beside its checkpoints.
std::vector<std::string> names_of_study(const Deck& deck);
/// Names of the files that a sweep writes beside the folders of its cases.
std::vector<std::string> names_of_sweep();

class OutputFolder {
 public:
  /// Of the names that a run would write: those that are there and not fortet's, "NAME (what it is)". A deck that lies
  /// where its copy would be written is fortet's. Changes nothing; by the calling rank alone.
  static std::vector<std::string> foreign(const std::filesystem::path& folder, const std::vector<std::string>& names,
                                          const std::string& deck_text);

  /// Makes the folder and locks it. `waits`: for a lock of another machine that may be given up (a restart). Throws
  /// UsageError with the foreign names before anything is written, and IoError. Collective, as is all that follows.
  OutputFolder(const parallel::Communicator& communicator, std::filesystem::path folder, std::vector<std::string> names,
               const std::string& deck_text, bool waits);
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  /// True if the folder was not there before.
  bool is_new() const { return is_new_; }
  /// On the root: the folder is no longer this run's alone.
  bool is_lost() const { return lock_ && lock_->is_lost(); }
  /// What a run that has lost its folder ends with.
  IoError lost() const;
  /// Throws that, if it is so: before the results are written.
  void require_own() const;

  /// Removes what earlier runs left, but for checkpoints, the names in `kept`, and files that the deck reads. `cases`:
  /// how many folders of cases a sweep will write; those of a larger one are emptied too. 0: of no sweep.
  void clear(const Deck* deck, const std::vector<std::string>& kept, std::size_t cases);
  /// Writes a text file, whole or not at all.
  void write(const std::string& name, const std::string& text);
  /// True if this file is there and fortet's. On the root.
  bool has(const std::string& name) const { return files_->has(name); }

 private:
  void clear_report() const;
  void clear_case(const std::filesystem::path& folder) const;
  void say(const std::string& text) const;

  parallel::Communicator communicator_;
  std::filesystem::path path_;
  std::string deck_text_;
  bool is_new_ = false;
  // On the root.
  std::optional<OwnFiles> files_;
  std::unique_ptr<FolderLock> lock_;
  // On every rank.
  std::optional<parallel::BeforeAbort> before_abort_;
};

/// Throws UsageError naming what is foreign, if anything is: nothing was computed.
void refuse_foreign(const std::filesystem::path& folder, const std::vector<std::string>& foreign);

}  // namespace fortet::study
