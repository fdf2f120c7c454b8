#include "fortet/io/bytes.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "fortet/base/error.hpp"

namespace fortet::io {

std::string read_bytes(const std::filesystem::path& file) {
  const auto fail = [&](const std::string& message) { throw IoError(fmt::format("{}: {}", file.string(), message)); };
  std::error_code none;
  if (std::filesystem::is_directory(file, none)) fail("is a folder, not a file");
  if (!std::filesystem::exists(file, none)) fail("no such file");
  std::ifstream stream(file, std::ios::binary);
  if (!stream) fail(fmt::format("cannot be read ({})", std::strerror(errno)));
  std::ostringstream bytes;  // also of a pipe, whose size is not known
  bytes << stream.rdbuf();
  if (stream.bad()) fail("cannot be read to its end");
  return std::move(bytes).str();
}

}  // namespace fortet::io
