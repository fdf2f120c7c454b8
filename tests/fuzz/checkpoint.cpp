// A state file of a checkpoint: restored, or one clear error. The first byte decides whether the rest is the file as it
// might be found on a disk, or its content, around which a right head, trailer and checksum are put: what a reader
// meets after it has verified the bytes. Two pairs of bytes say where the replicated items and the index begin, in
// words of 8 bytes.
#include "fortet/io/checkpoint.hpp"

#include <bit>
#include <cstring>

#include "choices.hpp"
#include "support.hpp"

namespace {
using namespace fortet;

/// The checksum of src/io/state.cpp, once more: a forger must know it.
std::uint64_t checksum_of(const std::string& bytes) {
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i + 4 <= bytes.size(); i += 4) {
    std::uint32_t word;
    std::memcpy(&word, bytes.data() + i, 4);
    std::uint64_t x = (i << 30) + word + 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    sum += x ^ (x >> 31);
  }
  return sum;
}

std::string forged(fuzz::Choices& choices, std::string content) {
  std::uint64_t trailer[3] = {16 + 8 * std::uint64_t{choices.value<std::uint16_t>()},
                              16 + 8 * std::uint64_t{choices.value<std::uint16_t>()}, 0};
  content.erase(0, 4);
  content.resize((content.size() + 7) / 8 * 8, ' ');
  std::string file = std::string("fortet state 1\n", 16) + content;
  trailer[2] = checksum_of(file);
  file.append(reinterpret_cast<const char*>(trailer), sizeof trailer);
  return file + "end st1\n";
}
}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 5) return -1;
  const auto communicator = fuzz::alone();
  const std::string content(reinterpret_cast<const char*>(data) + 1, size - 1);
  fuzz::Choices choices(data + 1, size - 1);
  const std::string file = data[0] % 2 ? content : forged(choices, content);
  const auto& path = fuzz::memory_file(".state", reinterpret_cast<const std::uint8_t*>(file.data()), file.size());
  std::int64_t step = 0;
  double time = 0, fixed[3] = {}, rows[6] = {};
  bool flag = false;
  std::string text;
  std::vector<double> numbers;
  std::vector<float> weights;
  std::vector<std::int64_t> counts;
  std::map<std::string, double> named;
  try {
    io::read_state(communicator, path.string(), "fuzz", [&](io::State& state) {
      state.integer("step", step);
      state.real("time", time);
      state.rows("rows", rows, 3, 0, 2);
      state.flag("flag", flag);
      state.text("text", text);
      state.list("numbers", numbers);
      state.list("weights", weights);
      state.list("counts", counts);
      state.span("fixed", fixed);
      io::exchange(state, "named", named);
    });
  } catch (const IoError&) {
    return 0;
  }
  return 0;
}
