// A table in NumPy's format: points or one clear error.
#include "fortet/io/table.hpp"
#include "support.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const fortet::PointArray points = fortet::io::read_table(fortet::fuzz::memory_file(".npy", data, size));
    if (points.size() < 1) __builtin_trap();
  } catch (const fortet::IoError&) {
    return 0;
  }
  return 0;
}
