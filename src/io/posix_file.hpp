#pragma once
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "fortet/base/error.hpp"

namespace fortet::io {

/// Of open(2): a file that must not be there yet, so that no link is followed.
inline constexpr int create_anew = O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW;

/// A file whose ranks write and read their own parts. Throws IoError with what the system says.
class PosixFile {
 public:
  /// `shown`: the name in messages, where the file has another one for the time being.
  PosixFile(const std::string& name, int flags, std::string shown = "")
      : name_(shown.empty() ? name : std::move(shown)), descriptor_(::open(name.c_str(), flags | O_CLOEXEC, 0644)) {
    if (descriptor_ < 0) fail(flags & O_CREAT ? "cannot create it" : "cannot open it");
  }
  ~PosixFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  void write(const void* data, std::uint64_t bytes, std::uint64_t offset) const {
    const auto* from = static_cast<const char*>(data);
    while (bytes > 0) {
      const ssize_t done = ::pwrite(descriptor_, from, std::min<std::uint64_t>(bytes, 1u << 30), offset);
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) fail("cannot write it");
      from += done;
      bytes -= done;
      offset += done;
    }
  }
  void read(void* data, std::uint64_t bytes, std::uint64_t offset) const {
    auto* to = static_cast<char*>(data);
    while (bytes > 0) {
      const ssize_t done = ::pread(descriptor_, to, std::min<std::uint64_t>(bytes, 1u << 30), offset);
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) fail("cannot read it");
      if (done == 0) throw IoError(name_ + ": ends too early");
      to += done;
      bytes -= done;
      offset += done;
    }
  }
  std::uint64_t size() const {
    const off_t end = ::lseek(descriptor_, 0, SEEK_END);
    if (end < 0) fail("cannot read it");
    return end;
  }
  /// To the disk, and closed.
  void finish() {
    if (::fsync(descriptor_) != 0 && errno != EINVAL && errno != EROFS) fail("cannot write it");
    if (::close(std::exchange(descriptor_, -1)) != 0) fail("cannot write it");
  }

 private:
  [[noreturn]] void fail(const char* what) const {
    throw IoError(fmt::format("{}: {}: {}", name_, what, std::strerror(errno)));
  }
  std::string name_;
  int descriptor_;
};

}  // namespace fortet::io
