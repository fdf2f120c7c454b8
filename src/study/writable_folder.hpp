#pragma once
#include <filesystem>

#include "fortet/parallel/communicator.hpp"

namespace fortet::study {

/// Throws IoError, on every rank, when this folder can neither be made nor written to; leaves nothing behind.
/// Collective.
void require_writable(const std::filesystem::path& folder, const parallel::Communicator& ranks);

}  // namespace fortet::study
