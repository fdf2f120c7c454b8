#pragma once
// Why a run should end before it is done: a signal, the end of its walltime, or a file named `stop`.
#include <filesystem>
#include <string>

namespace fortet::study {

/// While it exists, TERM, INT and USR1 ask the run to stop (a second INT ends it at once). One at a time.
class Watch {
 public:
  /// `walltime`: seconds from now; 0: none.
  explicit Watch(double walltime);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// The folder in which a file named `stop` ends the run. An empty one that is there already is removed; one that
  /// holds something is the user's, stays, and ends the run when it is touched. A folder or a link ends nothing.
  /// In a new folder there is none that is old.
  void look_into(const std::filesystem::path& folder, bool is_new);
  /// The run ends by what is asked of it: an empty file named `stop` has served. Returns what a user should know.
  std::string remove_stop_file() const;
  /// Of this rank: empty while there is none. `needed`: seconds that the next step and a checkpoint take.
  std::string reason(double needed) const;
  double walltime() const { return walltime_; }
  /// The run is ending, as it was asked to: errors from here on are its last.
  void end() { ends_ = true; }
  bool ends() const { return ends_; }

 private:
  struct StopFile {
    bool is_there = false, is_empty = false;
    std::int64_t seconds = 0, nanoseconds = 0;  ///< when it was changed
    bool operator==(const StopFile&) const = default;
  };
  StopFile stop_file() const;
  bool ends_ = false;
  StopFile old_;
  double walltime_, start_;
  std::filesystem::path stop_file_;
};

}  // namespace fortet::study
