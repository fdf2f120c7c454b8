#pragma once
/// A checksum over a whole file, in 16 bytes at its end: "fortet: " and eight
/// hexadecimal digits of the CRC-32 (that of zlib) of all bytes before. HDF5 itself, which ignores what follows its own
/// end, may crash on a damaged file: what is sealed is verified before HDF5 sees it.
#include <string>

#include "fortet/parallel/communicator.hpp"

namespace fortet::io {

/// Appends the checksum to a finished file. Throws IoError. Collective.
void seal(const parallel::Communicator& communicator, const std::string& file);

/// Throws IoError on every rank if the file has a seal that its bytes do not match. A file without one (of another
/// program, or none) passes. Collective.
void verify_seal(const parallel::Communicator& communicator, const std::string& file);

}  // namespace fortet::io
