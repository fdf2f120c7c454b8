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

  /// The folder in which a file named `stop` ends the run; one that is there already is removed.
  void look_into(const std::filesystem::path& folder);
  /// Of this rank: empty while there is none. `needed`: seconds that the next step and a checkpoint take.
  std::string reason(double needed) const;
  double walltime() const { return walltime_; }

 private:
  double walltime_, start_;
  std::filesystem::path stop_file_;
};

}  // namespace fortet::study
