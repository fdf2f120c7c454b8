#pragma once
/// Whole files in memory.
#include <filesystem>
#include <string>

namespace fortet::io {

/// The bytes of a file, by the calling rank alone; throws IoError with the file's name and the reason.
std::string read_bytes(const std::filesystem::path& file);

}  // namespace fortet::io
