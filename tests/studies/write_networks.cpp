// Writes the networks that test_weights.py reads: every activation, time feature and precision, with and without
// residual layers, each with some points and the values of F there.
#include <mpi.h>

#include <cstdio>

#include "fortet/networks/weights_file.hpp"
#include "support/networks.hpp"

namespace {
using namespace fortet;

template <class Real>
void write(io::Hdf5File& file, const std::string& group, const networks::Architecture& architecture) {
  constexpr Index samples = 100;
  const networks::Network<Real> network(architecture, 1, group);
  const auto x = test::Block<Real>::random(samples, architecture.inputs, 1);
  test::Block<Real> t(samples, 1), out(samples, architecture.outputs);
  for (Index i = 0; i < samples; ++i) t(i, 0) = static_cast<Real>(i) / samples;
  network.evaluate(x, t.values.data(), out, *network.workspace(samples));
  networks::write_network<Real>(file, group, network, {{"weights", network.parameters()}});
  const auto numbers = [&](const std::string& name, const test::Block<Real>& block) {
    const auto rows = static_cast<std::uint64_t>(block.batch.features);
    file.write(group + "/" + name, {rows, samples}, std::span<const Real>(block.values).first(rows * samples));
  };
  numbers("test_x", x);
  numbers("test_t", t);
  numbers("test_out", out);
}
}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  {
    io::Hdf5File file(parallel::Communicator(MPI_COMM_SELF), argv[1], io::Hdf5File::Mode::create);
    int number = 0;
    for (int activation = 0; activation < 5; ++activation) {
      for (int time = 0; time < 4; ++time) {
        for (const bool residual : {false, true}) {
          const auto architecture =
              test::architecture(3, 2, {20, 20, 30}, static_cast<networks::Activation>(activation), residual,
                                 static_cast<networks::TimeFeatures>(time));
          write<float>(file, "float_" + std::to_string(number), architecture);
          write<double>(file, "double_" + std::to_string(number), architecture);
          ++number;
        }
      }
    }
    file.close();
  }
  MPI_Finalize();
  return 0;
}
