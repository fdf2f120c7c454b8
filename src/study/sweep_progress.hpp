#pragma once
// Which cases of a sweep are finished, and what the table knows of them, from run to run.
#include <set>

#include "keeper.hpp"

namespace fortet::study {

class SweepProgress {
 public:
  /// `folder`: of the sweep's results; empty where there is no sweep to be kept. `table`: all that the finished cases
  /// have left. Reads it back if a restart is wanted. Collective.
  SweepProgress(const parallel::Communicator& communicator, const std::filesystem::path& folder, const Restart& restart,
                io::Exchange table);
  /// `identity`: see identity_of. Throws UsageError if the case was finished with other values in the deck. Collective.
  bool has(const std::string& name, const std::string& identity) const;
  /// The table holds one more case. Collective.
  void add(const std::string& name, const std::string& identity);
  void discard();

 private:
  void exchange(io::State& state);
  parallel::Communicator communicator_;
  std::filesystem::path file_;
  io::Exchange table_;
  std::map<std::string, std::string> finished_;  ///< name of a case, and its deck
};

}  // namespace fortet::study
