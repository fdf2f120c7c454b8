#pragma once
/// Progress lines of long work: on a terminal one line that is rewritten, otherwise a plain line now and then.
#include <chrono>
#include <string>

namespace fortet {

class Progress {
 public:
  /// Silent when `speaks` is false (all ranks but one).
  Progress(std::string label, bool speaks);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void update(double fraction);  ///< of the work done, in [0, 1]

 private:
  using Clock = std::chrono::steady_clock;
  std::string label_;
  bool speaks_, terminal_, wrote_ = false;
  Clock::time_point start_, last_;
};

/// "1:02:03", "4:05", "3.2 s".
std::string duration_text(double seconds);

}  // namespace fortet
