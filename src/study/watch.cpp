#include "watch.hpp"

#include <csignal>

#include "fortet/base/progress.hpp"

namespace fortet::study {

namespace {
volatile std::sig_atomic_t received = 0;

void remember(int signal) { received = signal; }

constexpr int watched[] = {SIGTERM, SIGINT, SIGUSR1};

const char* name_of(int signal) { return signal == SIGTERM ? "TERM" : signal == SIGINT ? "INT" : "USR1"; }

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
}  // namespace

Watch::Watch(double walltime) : walltime_(walltime), start_(now()) {
  received = 0;
  for (const int signal : watched) {
    struct sigaction action {};
    action.sa_handler = remember;
    action.sa_flags = SA_RESTART | (signal == SIGINT ? SA_RESETHAND : 0);
    sigaction(signal, &action, nullptr);
  }
}

Watch::~Watch() {
  for (const int signal : watched) std::signal(signal, SIG_DFL);
}

void Watch::look_into(const std::filesystem::path& folder) {
  stop_file_ = folder / "stop";
  std::error_code ignored;  // one that cannot be removed stops the run, as it says
  std::filesystem::remove(stop_file_, ignored);
}

std::string Watch::reason(double needed) const {
  if (received != 0) return fmt::format("signal {}", name_of(received));
  if (walltime_ > 0 && start_ + walltime_ - now() < needed) {
    return fmt::format("the end of the walltime of {}", duration_text(walltime_));
  }
  std::error_code ignored;
  if (!stop_file_.empty() && std::filesystem::exists(stop_file_, ignored)) {
    return fmt::format("the file {}", stop_file_.string());
  }
  return "";
}

}  // namespace fortet::study
