// A file of weights: an architecture and the weights of a known network, or one clear error.
#include "fortet/networks/weights_file.hpp"
#include "support.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fortet;
  using namespace fortet::networks;
  fuzz::silence_hdf5();
  const auto communicator = fuzz::alone();
  const auto& path = fuzz::memory_file(".weights.h5", data, size);
  static Network<float> network = [] {
    Architecture architecture;
    architecture.inputs = architecture.outputs = 2;
    architecture.hidden = {4};
    return Network<float>(architecture, 1, "fuzz");
  }();
  try {
    read_architecture(path, "score", communicator);
  } catch (const Error&) {
    return 0;
  }
  try {
    read_network(path, "score", "weights", network, communicator);
  } catch (const Error&) {
  }
  return 0;
}
