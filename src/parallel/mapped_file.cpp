#include "mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "fortet/base/error.hpp"

namespace fortet::parallel {

MappedFile::~MappedFile() {
  if (data_) ::munmap(data_, bytes_);
  if (!name_.empty()) ::unlink(name_.c_str());
  if (descriptor_ >= 0) ::close(descriptor_);
}

void MappedFile::create(const std::string& folder) {
  std::string name = folder + "/fortet-XXXXXX";
  descriptor_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor_ < 0) throw IoError(std::strerror(errno));
  name_ = std::move(name);
}

void MappedFile::open(const std::string& name) {
  descriptor_ = ::open(name.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor_ < 0) throw IoError(std::strerror(errno));
}

void MappedFile::reserve(std::size_t bytes) {
  ::unlink(std::exchange(name_, {}).c_str());
  int code = EINTR;
  while (code == EINTR) code = ::posix_fallocate(descriptor_, 0, static_cast<off_t>(bytes));
  if (code != 0) throw IoError(std::strerror(code));
}

void* MappedFile::map(std::size_t bytes) {
  void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
  if (data == MAP_FAILED) throw IoError(std::strerror(errno));
  ::close(std::exchange(descriptor_, -1));  // the mapping keeps the file
  data_ = data;
  bytes_ = bytes;
  return data;
}

}  // namespace fortet::parallel
