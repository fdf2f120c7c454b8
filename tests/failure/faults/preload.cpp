// A library to be preloaded (LD_PRELOAD) that makes one call of one rank fail. After MPI_Init it counts the calls of
// one kind; the N-th meets the fault:
//   FORTET_FAULT=RANK:CALL:N:FAULT, for example 1:allreduce:20:segv
// CALL   new, write (of files, in all its forms), read (pread), allreduce
// FAULT  bad_alloc, error (fortet's own), exception (any other), disk_full (from then on), io_error, segv, kill, abort
// With FORTET_FAULT_COUNT=FILE every rank writes how many calls of each kind it made to FILE.RANK when MPI ends, and
// nothing fails.
//
// Two more make a run end where a test wants it to, on machines of any speed:
//   FORTET_KILL_AFTER=PATTERN   a rank that gives a file a name of this pattern (that of a shell) is killed thereafter
//   FORTET_HOLD=SECONDS:FILE    while there is FILE, each look for a file named stop, thus each safe point, takes that
//                               much longer, or until a signal comes
#include <dlfcn.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <mpi.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>
#include <string>
#include <string_view>

#include "fortet/base/error.hpp"

namespace {

enum Call { call_new, call_write, call_read, call_allreduce, calls };
constexpr const char* names[calls] = {"new", "write", "read", "allreduce"};

std::atomic<bool> counting = false;
std::atomic<long> counts[calls];
int chosen = calls;
long number = 0;
char fault[32] = "";

void choose() {
  const char* words = std::getenv("FORTET_FAULT");
  const char* own = std::getenv("OMPI_COMM_WORLD_RANK");
  int rank = 0;
  char call[32] = "";
  if (words && std::sscanf(words, "%d:%31[^:]:%ld:%31s", &rank, call, &number, fault) == 4 &&
      rank == std::atoi(own ? own : "0")) {
    for (int i = 0; i < calls; ++i) {
      if (std::strcmp(call, names[i]) == 0) chosen = i;
    }
  }
  counting = true;
}

void report() {
  const char* file = std::getenv("FORTET_FAULT_COUNT");
  counting = false;
  if (!file) return;
  const char* own = std::getenv("OMPI_COMM_WORLD_RANK");
  std::FILE* stream = std::fopen((std::string(file) + "." + (own ? own : "0")).c_str(), "w");
  for (int i = 0; i < calls; ++i) std::fprintf(stream, "%s %ld\n", names[i], counts[i].load());
  std::fclose(stream);
}

bool is(const char* name) { return std::strcmp(fault, name) == 0; }

/// Counts one call; true where it has to fail by its return value.
bool meets(Call call) {
  if (!counting) return false;
  const long count = ++counts[call];
  if (chosen != call || count < number || (count > number && !is("disk_full"))) return false;
  if (is("segv")) std::raise(SIGSEGV);
  if (is("kill")) std::raise(SIGKILL);
  if (is("abort")) std::abort();
  if (is("bad_alloc")) throw std::bad_alloc();
  if (is("error")) throw fortet::IoError("a fault of the test");
  if (is("exception")) throw std::runtime_error("a fault of the test");
  errno = is("disk_full") ? ENOSPC : EIO;
  return true;
}

/// Of the disk, not of MPI's own memory and pipes.
bool is_file(int descriptor) {
  struct stat status {};
  if (descriptor <= 2 || fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return false;
  char path[512];
  const ssize_t size = readlink(("/proc/self/fd/" + std::to_string(descriptor)).c_str(), path, sizeof path);
  const std::string name(path, size > 0 ? size : 0);
  return name.find("/ompi.") == std::string::npos && !name.starts_with("/dev/shm") && !name.starts_with("/proc");
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

void* operator new(std::size_t size) {
  meets(call_new);
  if (void* memory = std::malloc(size ? size : 1)) return memory;
  throw std::bad_alloc();
}
void* operator new[](std::size_t size) { return operator new(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

#define FORTET_FAULTY(name, kind, arguments, ...)                       \
  extern "C" ssize_t name arguments {                                   \
    static const auto call = next<ssize_t(*) arguments>(#name);         \
    return is_file(descriptor) && meets(kind) ? -1 : call(__VA_ARGS__); \
  }
FORTET_FAULTY(write, call_write, (int descriptor, const void* data, size_t bytes), descriptor, data, bytes)
FORTET_FAULTY(writev, call_write, (int descriptor, const iovec* parts, int count), descriptor, parts, count)
FORTET_FAULTY(pwrite, call_write, (int descriptor, const void* data, size_t bytes, off_t at), descriptor, data, bytes,
              at)
FORTET_FAULTY(pwrite64, call_write, (int descriptor, const void* data, size_t bytes, off64_t at), descriptor, data,
              bytes, at)
FORTET_FAULTY(pwritev, call_write, (int descriptor, const iovec* parts, int count, off_t at), descriptor, parts, count,
              at)
FORTET_FAULTY(pwritev64, call_write, (int descriptor, const iovec* parts, int count, off64_t at), descriptor, parts,
              count, at)
FORTET_FAULTY(pread, call_read, (int descriptor, void* data, size_t bytes, off_t at), descriptor, data, bytes, at)
FORTET_FAULTY(pread64, call_read, (int descriptor, void* data, size_t bytes, off64_t at), descriptor, data, bytes, at)

extern "C" int rename(const char* from, const char* to) {
  static const auto call = next<int (*)(const char*, const char*)>("rename");
  const int code = call(from, to);
  const char* pattern = std::getenv("FORTET_KILL_AFTER");
  if (code == 0 && pattern && fnmatch(pattern, to, 0) == 0) std::raise(SIGKILL);
  return code;
}

extern "C" int stat(const char* file, struct stat* status) {
  static const auto call = next<int (*)(const char*, struct stat*)>("stat");
  const char* words = std::getenv("FORTET_HOLD");
  double seconds = 0;
  char held[512] = "";
  if (words && std::string_view(file).ends_with("/stop") && std::sscanf(words, "%lf:%511s", &seconds, held) == 2 &&
      call(held, status) == 0) {
    const double whole = std::floor(seconds);
    const timespec time{static_cast<time_t>(whole), static_cast<long>((seconds - whole) * 1e9)};
    nanosleep(&time, nullptr);
  }
  return call(file, status);
}

extern "C" int MPI_Init_thread(int* argc, char*** argv, int required, int* provided) {
  const int code = PMPI_Init_thread(argc, argv, required, provided);
  choose();
  return code;
}
extern "C" int MPI_Finalize() {
  report();
  return PMPI_Finalize();
}
extern "C" int MPI_Allreduce(const void* from, void* to, int count, MPI_Datatype type, MPI_Op op,
                             MPI_Comm communicator) {
  if (meets(call_allreduce)) return MPI_ERR_OTHER;
  return PMPI_Allreduce(from, to, count, type, op, communicator);
}
