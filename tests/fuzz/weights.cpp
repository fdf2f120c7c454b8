// A file of weights: the weights of a known network, or one clear error. Either the bytes are a file as it might be
// found, damaged, on a disk, under a checksum; or they decide on a valid HDF5 file that holds anything.
#include "choices.hpp"
#include "fortet/io/seal.hpp"
#include "fortet/networks/weights_file.hpp"
#include "support.hpp"

namespace {
using namespace fortet;
using namespace fortet::networks;

void write_any(const std::filesystem::path& path, fuzz::Choices& choices) {
  io::Hdf5File file(fuzz::alone(), path.string(), io::Hdf5File::Mode::create);
  const auto text = [&](const char* name, const char* usual) {
    const unsigned choice = choices.below(8);
    if (choice == 0) file.attribute("score", name, choices.word(8));
    if (choice == 1) file.attribute("score", name, choices.value<double>());
    if (choice > 2) file.attribute("score", name, std::string(usual));
  };
  const auto number = [&](const char* name, std::int64_t usual) {
    const unsigned choice = choices.below(8);
    if (choice == 0) file.integer_attribute("score", name, choices.value<std::int64_t>());
    if (choice == 1) file.attribute("score", name, choices.word(8));
    if (choice > 2) file.integer_attribute("score", name, usual);
  };
  text("format", "fortet network");
  text("activation", "silu");
  text("time", "raw");
  text("precision", "float");
  number("version", 1);
  number("inputs", 2);
  number("outputs", 2);
  number("residual", 0);
  number("time_features", 16);
  std::vector<std::int64_t> hidden{4};
  if (choices.below(4) == 1) hidden.assign(choices.below(4), choices.value<std::int64_t>());
  file.integers_attribute("score", "hidden", hidden);
  file.attribute("score", "time_scale", choices.below(4) ? 1 : choices.value<double>());
  const std::vector<float> weights(choices.below(4) ? 26 : choices.below(40), choices.value<float>());
  if (choices.below(4)) file.write("score/weights", {weights.size()}, std::span<const float>(weights));
  if (choices.below(4)) file.attribute("score/weights", "checksum", choices.word(8));
  file.close();
}
}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::silence_hdf5();
  const auto communicator = fuzz::alone();
  static Network<float> network = [] {
    Architecture architecture;
    architecture.inputs = architecture.outputs = 2;
    architecture.hidden = {4};
    return Network<float>(architecture, 1, "fuzz");
  }();
  fuzz::Choices choices(data, size);
  const bool is_damaged = choices.flag();
  const auto& path = fuzz::memory_file(".weights.h5", data, is_damaged ? size : 0);
  if (is_damaged) {
    const std::uint8_t seal[] = "fortet: 00000000";
    std::vector<std::uint8_t> bytes(data, data + size);
    bytes.insert(bytes.end(), seal, seal + 16);
    fuzz::memory_file(".weights.h5", bytes.data(), bytes.size());
  } else {
    write_any(path, choices);
    if (choices.flag()) io::seal(communicator, path.string());
  }
  for (const char* vector : {"weights", "average"}) {
    try {
      read_network(path, "score", vector, network, communicator);
    } catch (const Error&) {
    }
  }
  try {
    read_architecture(path, "score", communicator);
  } catch (const Error&) {
    return 0;
  }
  if (is_damaged) __builtin_trap();
  return 0;
}
