#include "fortet/io/seal.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "fortet/io/bytes.hpp"
#include "posix_file.hpp"

namespace fortet::io {

namespace {
constexpr std::string_view mark = "fortet: ";
constexpr std::size_t seal_size = 16;

[[noreturn]] void fail(const std::string& file, const std::string& message) { throw IoError(file + ": " + message); }

/// On the root; what fails there is an IoError on every rank.
void on_root(const parallel::Communicator& communicator, const std::function<void()>& body) {
  try {
    parallel::together(communicator, [&] {
      if (communicator.is_root()) body();
    });
  } catch (const Error& error) {
    throw IoError(error.what());
  }
}

std::string seal_of(std::string_view bytes) { return std::string(mark) + checksum_of(bytes); }
}  // namespace

void seal(const parallel::Communicator& communicator, const std::string& file) {
  on_root(communicator, [&] {
    const std::string bytes = read_bytes(file);
    const std::string end = seal_of(bytes);
    PosixFile opened(file, O_WRONLY);
    opened.write(end.data(), end.size(), bytes.size());
    opened.finish();
  });
}

void verify_seal(const parallel::Communicator& communicator, const std::string& file) {
  on_root(communicator, [&] {
    std::ifstream stream(file, std::ios::binary);
    std::string end(seal_size, '\0');
    stream.seekg(-static_cast<std::streamoff>(seal_size), std::ios::end);
    if (!stream.read(end.data(), seal_size) || !end.starts_with(mark)) return;
    const std::string bytes = read_bytes(file);
    if (end != seal_of(std::string_view(bytes).substr(0, bytes.size() - seal_size)))
      fail(file, "is damaged: its bytes do not match the checksum at its end");
  });
}

}  // namespace fortet::io
