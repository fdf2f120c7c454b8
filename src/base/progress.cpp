#include "fortet/base/progress.hpp"

#include <unistd.h>

#include <cstdio>

namespace fortet {

Progress::Progress(std::string label, bool speaks)
    : label_(std::move(label)),
      speaks_(speaks),
      terminal_(isatty(fileno(stderr)) != 0),
      start_(Clock::now()),
      last_(start_) {}

Progress::~Progress() {
  if (wrote_ && terminal_) std::fprintf(stderr, "\r\033[K");
}

void Progress::update(double fraction, const std::string& state) {
  if (!speaks_) return;
  const auto now = Clock::now();
  const double since = std::chrono::duration<double>(now - last_).count();
  if (since < (terminal_ ? 0.2 : 10.0)) return;
  last_ = now;
  wrote_ = true;
  const double spent = std::chrono::duration<double>(now - start_).count();
  const std::string eta = fraction > 0 ? duration_text(spent / fraction * (1 - fraction)) : "?";
  std::fprintf(stderr, "%s%s: %3.0f %%%s%s, %s left%s", terminal_ ? "\r\033[K" : "", label_.c_str(), 100 * fraction,
               state.empty() ? "" : ", ", state.c_str(), eta.c_str(), terminal_ ? "" : "\n");
  std::fflush(stderr);
}

std::string duration_text(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const long total = std::lround(seconds);
  if (total < 3600) return fmt::format("{}:{:02d}", total / 60, total % 60);
  return fmt::format("{}:{:02d}:{:02d}", total / 3600, total / 60 % 60, total % 60);
}

std::string bytes_text(double bytes) {
  const char* units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  int unit = 0;
  for (; bytes >= 999.5 && unit < 5; ++unit) bytes /= 1000;
  return fmt::format("{:.3g} {}", bytes, units[unit]);
}

}  // namespace fortet
