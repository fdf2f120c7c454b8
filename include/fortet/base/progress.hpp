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
  /// `fraction` of the work done, in [0, 1]; `state` is shown beside it ("loss 0.31").
  void update(double fraction, const std::string& state = "");

 private:
  using Clock = std::chrono::steady_clock;
  std::string label_;
  bool speaks_, terminal_, wrote_ = false;
  Clock::time_point start_, last_;
};

/// "1:02:03", "4:05", "3.2 s".
std::string duration_text(double seconds);
/// "3.2 GB".
std::string bytes_text(double bytes);

}  // namespace fortet
