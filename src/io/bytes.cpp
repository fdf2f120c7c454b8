#include "fortet/io/bytes.hpp"

#include <boost/crc.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "fortet/base/error.hpp"
#include "posix_file.hpp"

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

std::string checksum_of(std::string_view bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return fmt::format("{:08x}", crc.checksum());
}

std::filesystem::path unfinished_name(const std::filesystem::path& file) {
  return file.parent_path() / (".fortet." + file.filename().string());
}

void remove_unfinished(const std::filesystem::path& file) { ::unlink(unfinished_name(file).c_str()); }

void finish_file(const std::filesystem::path& file) {
  if (std::rename(unfinished_name(file).c_str(), file.c_str()) != 0) {
    throw IoError(fmt::format("{}: cannot give it its name: {}", file.string(), std::strerror(errno)));
  }
  const std::filesystem::path folder = file.parent_path();
  const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;  // the file itself is safe
  ::fsync(descriptor);
  ::close(descriptor);
}

void write_bytes(const std::filesystem::path& file, std::string_view bytes) {
  remove_unfinished(file);
  try {
    PosixFile unfinished(unfinished_name(file).string(), create_anew, file.string());
    unfinished.write(bytes.data(), bytes.size(), 0);
    unfinished.finish();
    finish_file(file);
  } catch (const IoError&) {
    remove_unfinished(file);  // it may be what fills the disk
    throw;
  }
}

}  // namespace fortet::io
