#include "folder_lock.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>

#include "fortet/base/error.hpp"
#include "fortet/base/progress.hpp"
#include "fortet/base/schema.hpp"

namespace fortet::study {

namespace {

constexpr const char* lock_name = ".fortet.lock";
constexpr auto touch_interval = std::chrono::seconds(10);

std::string first_line(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

/// When a process was started, in ticks since the machine was; nothing if it is dead. A number of a process may be
/// given again, and one that was killed stays as a zombie until its parent asks.
std::string start_of(long process) {
  const std::string line = first_line(fmt::format("/proc/{}/stat", process));
  const std::size_t end = line.rfind(')');  // the name of the program may hold anything
  if (end == std::string::npos) return "";
  std::istringstream words(line.substr(end + 1));
  std::string word, state;
  words >> state;
  for (int field = 4; field <= 22; ++field) words >> word;
  return state == "Z" || state == "X" ? "" : word;
}

std::string host_name() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

/// The running system and its numbering of processes: containers and hosts have the same name at times.
std::string machine() {
  char name[64] = "";
  const ssize_t size = readlink("/proc/self/ns/pid", name, sizeof name - 1);
  return first_line("/proc/sys/kernel/random/boot_id") + " " + std::string(name, size > 0 ? size : 0);
}

struct Holder {
  std::string host, machine, started;
  long process = 0;
};

Holder holder_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  const Json json = Json::parse(stream, nullptr, false);
  Holder holder;
  if (!json.is_object()) return holder;
  try {
    holder = {json.at("host").get<std::string>(), json.at("machine").get<std::string>(),
              json.at("started").get<std::string>(), json.at("process").get<long>()};
  } catch (const Json::exception&) {  // of another version: then only its age counts
  }
  return holder;
}

double seconds_between(const timespec& from, const timespec& to) {
  return static_cast<double>(to.tv_sec - from.tv_sec) + 1e-9 * static_cast<double>(to.tv_nsec - from.tv_nsec);
}

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& what) {
  throw IoError(fmt::format("{}: {}: {}", file.string(), what, std::strerror(errno)));
}

}  // namespace

FolderLock::FolderLock(const std::filesystem::path& folder, bool waits,
                       const std::function<void(const std::string&)>& say)
    : file_(folder / lock_name) {
  const long process = getpid();
  const std::string own = fmt::format("{}.{}.{}", file_.string(), host_name(), process);
  const std::string text =
      Json{{"host", host_name()}, {"process", process}, {"started", start_of(process)}, {"machine", machine()}}.dump() +
      "\n";
  bool said = false;
  timespec seen{};
  while (true) {
    ::unlink(own.c_str());
    descriptor_ = ::open(own.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (descriptor_ < 0) fail(folder, "cannot write into this folder (is the disk full, or the folder read-only?)");
    struct stat now {
    }, there{};
    const bool written = ::write(descriptor_, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    const int reason = errno;
    if (!written || fstat(descriptor_, &now) != 0) {
      ::close(descriptor_);
      ::unlink(own.c_str());
      errno = reason;
      fail(folder, "cannot write into this folder (is the disk full, or the folder read-only?)");
    }
    const bool taken = try_to_take(own);
    ::unlink(own.c_str());
    if (taken) break;
    ::close(std::exchange(descriptor_, -1));
    if (lstat(file_.c_str(), &there) != 0) continue;  // given back in between
    if (!S_ISREG(there.st_mode)) throw IoError(file_.string() + ": is no lock that fortet made; remove it");
    const Holder holder = holder_of(file_);
    const bool is_here = holder.machine == machine() && holder.process > 0;
    const bool is_dead = is_here && start_of(holder.process) != holder.started;
    const double age = seconds_between(there.st_mtim, now.st_mtim);  // both times are the file system's
    const std::string who = holder.process > 0
                                ? fmt::format("a run on host {} (process {})", holder.host, holder.process)
                                : std::string("another run");
    if (is_dead || (!is_here && age > patience)) {
      say(is_dead ? fmt::format("{} has ended without giving {} back; its lock is taken over; going on", who,
                                folder.string())
                  : fmt::format("{} has given no sign of life in {} for {}; its lock is taken over; going on", who,
                                folder.string(), duration_text(age)));
      const std::string stale = own + ".stale";
      if (std::rename(file_.c_str(), stale.c_str()) == 0) {
        struct stat moved {};
        // Another run may have been quicker, and this its lock.
        if (lstat(stale.c_str(), &moved) == 0 && moved.st_ino != there.st_ino) {
          (void)!::link(stale.c_str(), file_.c_str());
        }
        ::unlink(stale.c_str());
      }
      continue;
    }
    const bool touched = said && seconds_between(seen, there.st_mtim) != 0;
    if (is_here || !waits || touched) {
      throw IoError(
          fmt::format("{}: {} is at work in this folder{}; wait for it, or name another output{}", folder.string(), who,
                      is_here ? "" : fmt::format(", with a sign of life {} ago", duration_text(std::max(age, 0.0))),
                      is_here ? "" : fmt::format(" (if you know that it is dead, remove {})", file_.string())));
    }
    if (!std::exchange(said, true)) {
      seen = there.st_mtim;
      say(fmt::format("{} was at work in {}; waiting for a sign of its life, {} at most, before going on", who,
                      folder.string(), duration_text(patience)));
    }
    ::sleep(1);
  }
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for the thread that works
  touching_ = std::thread([this] { keep_touching(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

/// The lock appears with all that is in it. Some file systems have no second names: there it is made in place.
bool FolderLock::try_to_take(const std::string& own) {
  if (::link(own.c_str(), file_.c_str()) == 0) return true;
  if (errno == EEXIST) return false;
  struct stat there {};
  return lstat(file_.c_str(), &there) != 0 && std::rename(own.c_str(), file_.c_str()) == 0;
}

void FolderLock::keep_touching() {
  std::unique_lock guard(mutex_);
  while (!wake_.wait_for(guard, touch_interval, [this] { return ends_; })) {
    struct stat status {};
    futimens(descriptor_, nullptr);  // where that fails, the age tells the others
    if (fstat(descriptor_, &status) == 0 ? status.st_nlink == 0 : errno == ESTALE) lost_ = true;
  }
}

FolderLock::~FolderLock() {
  {
    const std::lock_guard guard(mutex_);
    ends_ = true;
  }
  wake_.notify_all();
  touching_.join();
  struct stat own {
  }, there{};
  if (fstat(descriptor_, &own) == 0 && lstat(file_.c_str(), &there) == 0 && own.st_ino == there.st_ino) {
    ::unlink(file_.c_str());
  }
  ::close(descriptor_);
}

void remove_lock(const std::filesystem::path& folder) { ::unlink((folder / lock_name).c_str()); }

}  // namespace fortet::study
