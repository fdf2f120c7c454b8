#pragma once
/// Whole files in memory.
#include <filesystem>
#include <string>
#include <string_view>

namespace fortet::io {

/// The bytes of a file, by the calling rank alone; throws IoError with the file's name and the reason.
std::string read_bytes(const std::filesystem::path& file);

/// CRC-32 (that of zlib) of bytes, in eight hexadecimal digits.
std::string checksum_of(std::string_view bytes);

/// The name under which a file is written until it is complete: beside it, beginning with ".fortet.", which no file of
/// a user does.
std::filesystem::path unfinished_name(const std::filesystem::path& file);

/// Removes what a run that was killed left of it.
void remove_unfinished(const std::filesystem::path& file);

/// Gives the unfinished file, which is on the disk, its name; the name reaches the disk too. A link of that name is
/// replaced, not followed. Throws IoError.
void finish_file(const std::filesystem::path& file);

/// Writes a whole file so that there is either the old one or the new one, also after a loss of power; by the calling
/// rank alone. Throws IoError with the file's name and the reason; the old file, if any, is then as before.
void write_bytes(const std::filesystem::path& file, std::string_view bytes);

}  // namespace fortet::io
