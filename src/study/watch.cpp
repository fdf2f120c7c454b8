#include "watch.hpp"

#include <sys/stat.h>

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

Watch::StopFile Watch::stop_file() const {
  struct stat status {
  }, itself{};
  // A link or a folder of this name is something else.
  if (stop_file_.empty() || stat(stop_file_.c_str(), &status) != 0 || lstat(stop_file_.c_str(), &itself) != 0 ||
      !S_ISREG(itself.st_mode)) {
    return {};
  }
  return {true, itself.st_size == 0, itself.st_mtim.tv_sec, itself.st_mtim.tv_nsec};
}

void Watch::look_into(const std::filesystem::path& folder, bool is_new) {
  stop_file_ = folder / "stop";
  old_ = is_new ? StopFile() : stop_file();
  std::error_code ignored;  // one that cannot be removed stays
  if (old_.is_empty && std::filesystem::remove(stop_file_, ignored)) old_ = {};
}

std::string Watch::remove_stop_file() const {
  const StopFile now = stop_file();
  std::error_code code;
  if (now.is_there && now.is_empty) std::filesystem::remove(stop_file_, code);
  return now.is_there && !now.is_empty ? fmt::format("{} holds something and stays", stop_file_.string()) : "";
}

std::string Watch::reason(double needed) const {
  if (received != 0) return fmt::format("signal {}", name_of(received));
  if (walltime_ > 0 && start_ + walltime_ - now() < needed) {
    return fmt::format("the end of the walltime of {}", duration_text(walltime_));
  }
  if (const StopFile now = stop_file(); now.is_there && now != old_) {
    return fmt::format("the file {}", stop_file_.string());
  }
  return "";
}

}  // namespace fortet::study
