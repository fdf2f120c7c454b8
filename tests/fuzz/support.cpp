#include "support.hpp"

#include <fcntl.h>
#include <hdf5.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#define FORTET_FUZZ_LEAKS
#endif
#endif

namespace fortet::fuzz {

namespace {
/// The file of memory_file(), removed when the process ends.
struct MemoryFile {
  std::filesystem::path path;
  int descriptor = -1;
  explicit MemoryFile(const char* extension)
      : path("/dev/shm/fortet-fuzz-" + std::to_string(getpid()) + extension),
        descriptor(open(path.c_str(), O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0600)) {
    if (descriptor < 0) {
      std::perror(path.c_str());
      std::abort();
    }
  }
  ~MemoryFile() { unlink(path.c_str()); }
};
}  // namespace

parallel::Communicator alone() {
  static const MPI_Comm handle = [] {
#ifdef FORTET_FUZZ_LEAKS
    const __lsan::ScopedDisabler what_mpi_keeps_for_itself;
#endif
    int provided = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
    return MPI_COMM_SELF;
  }();
  return parallel::Communicator(handle);
}

const std::filesystem::path& memory_file(const char* extension, const std::uint8_t* data, std::size_t size) {
  static const MemoryFile file(extension);
  if (ftruncate(file.descriptor, 0) != 0 || pwrite(file.descriptor, data, size, 0) != static_cast<ssize_t>(size)) {
    std::perror(file.path.c_str());
    std::abort();
  }
  return file.path;
}

void silence_hdf5() {
  static const bool done = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0;
  static_cast<void>(done);
}

}  // namespace fortet::fuzz
