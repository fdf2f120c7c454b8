#include "writable_folder.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

namespace fortet::study {

namespace {
[[noreturn]] void refuse(const std::filesystem::path& folder, const std::string& cause) {
  throw IoError(fmt::format("output: {} cannot be written to: {}\nnothing was computed", folder.string(), cause));
}

/// The folder itself, or the one above it that is there already.
std::filesystem::path nearest_existing(const std::filesystem::path& folder) {
  std::filesystem::path place = folder.empty() ? "." : std::filesystem::absolute(folder).lexically_normal();
  std::error_code error;
  while (!std::filesystem::exists(place, error) && place.has_relative_path()) place = place.parent_path();
  return place;
}
}  // namespace

void require_writable(const std::filesystem::path& folder, const parallel::Communicator& ranks) {
  parallel::together(ranks, [&] {
    if (!ranks.is_root()) return;
    const std::filesystem::path place = nearest_existing(folder);
    std::error_code error;
    if (!std::filesystem::is_directory(place, error)) refuse(folder, place.string() + " is no folder");
    std::string trial =
        (place / ".fortet-XXXXXX").string();  // permissions do not tell all: quotas, kinds of file systems
    if (!mkdtemp(trial.data())) refuse(folder, std::strerror(errno));
    rmdir(trial.c_str());
  });
}

}  // namespace fortet::study
