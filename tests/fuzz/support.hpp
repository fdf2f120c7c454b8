#pragma once
/// What the fuzz targets share. A target is one .cpp with LLVMFuzzerTestOneInput: any bytes in, and neither crash,
/// hang, leak nor an exception other than fortet's own out (a bad input is a fault, which a user reads in one clear
/// line).
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "fortet/parallel/communicator.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerInitialize(int* count, char*** words);

namespace fortet::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// The communicator of this process alone; starts MPI with the first call, so that targets without MPI do not pay. MPI
/// is not ended: unloading its plugins would leave leaks behind that nobody can name.
parallel::Communicator alone();

/// A file in memory with these bytes and a name that ends in `extension`, for readers that want a path. One per
/// process, overwritten by the next call.
const std::filesystem::path& memory_file(const char* extension, const std::uint8_t* data, std::size_t size);

/// Switches HDF5's own messages off.
void silence_hdf5();

}  // namespace fortet::fuzz
