// ranks: 1 2
// Weights on disk: what was written is read; other architectures, truncated and damaged files are refused.
#include <gtest/gtest.h>

#include <fstream>

#include "fortet/io/seal.hpp"
#include "fortet/networks/weights_file.hpp"
#include "support/networks.hpp"
#include "support/world.hpp"

namespace {
using namespace fortet;
using networks::Activation;
using networks::Architecture;
using networks::Network;
using networks::TimeFeatures;

const std::string path = "networks_weights.h5";

template <class Real>
void write(const Network<Real>& network, const std::vector<Real>& average) {
  io::Hdf5File file(test::world(), path, io::Hdf5File::Mode::create);
  networks::write_network<Real>(file, "models/score", network,
                                {{"weights", network.parameters()}, {"average", average}});
  file.close();
}

template <class Real>
void expect_round_trip(const Architecture& architecture) {
  const Network<Real> first(architecture, 1, "first");
  std::vector<Real> average(first.parameters().begin(), first.parameters().end());
  for (Real& value : average) value *= Real(0.5);
  write(first, average);
  Network<Real> second(architecture, 2, "second");
  networks::read_network(path, "models/score", "weights", second, test::world());
  EXPECT_TRUE(std::equal(first.parameters().begin(), first.parameters().end(), second.parameters().begin()));
  EXPECT_TRUE(std::equal(first.frequencies().begin(), first.frequencies().end(), second.frequencies().begin()));
  networks::read_network(path, "models/score", "average", second, test::world());
  EXPECT_TRUE(std::equal(average.begin(), average.end(), second.parameters().begin()));
  Architecture expected = architecture;
  expected.precision = sizeof(Real) == 4 ? "float" : "double";
  EXPECT_TRUE(networks::read_architecture(path, "models/score", test::world()) == expected);
  EXPECT_THROW(networks::read_network(path, "models/score", "momentum", second, test::world()), IoError);
  EXPECT_THROW(networks::read_network(path, "models/other", "weights", second, test::world()), IoError);
}

TEST(NetworkWeights, AreReadBackBitByBit) {
  for (const Architecture& architecture : test::all_architectures(3, 2)) {
    expect_round_trip<float>(architecture);
    expect_round_trip<double>(architecture);
  }
}

std::string refusal(const Architecture& architecture) {
  Network<float> network(architecture, 1, "reader");
  const std::vector<float> before(network.parameters().begin(), network.parameters().end());
  std::string message;
  try {
    networks::read_network(path, "models/score", "weights", network, test::world());
  } catch (const UsageError& error) {
    message = error.what();
  }
  EXPECT_TRUE(std::equal(before.begin(), before.end(), network.parameters().begin()));
  return message;
}

TEST(NetworkWeights, OfAnotherArchitectureAreRefusedNamingTheDifference) {
  const Architecture written = test::architecture(3, 2, {8, 8}, Activation::silu, false, TimeFeatures::fourier);
  const Network<float> network(written, 1, "writer");
  write(network, {network.parameters().begin(), network.parameters().end()});
  const auto expect = [&](auto&& change, const std::string& text) {
    Architecture other = written;
    change(other);
    EXPECT_EQ(refusal(other), path + ": models/score is another network: " + text);
  };
  expect([](Architecture& a) { a.inputs = 2; }, "inputs: 3 in the file, 2 here");
  expect([](Architecture& a) { a.outputs = 3; }, "outputs: 2 in the file, 3 here");
  expect([](Architecture& a) { a.hidden = {8}; }, "hidden: [8, 8] in the file, [8] here");
  expect([](Architecture& a) { a.activation = Activation::tanh; }, "activation: silu in the file, tanh here");
  expect([](Architecture& a) { a.residual = true; }, "residual: false in the file, true here");
  expect([](Architecture& a) { a.time = TimeFeatures::raw; }, "time: fourier in the file, raw here");
  expect([](Architecture& a) { a.time_count = 4; }, "time_features: 6 in the file, 4 here");
  expect([](Architecture& a) { a.time_scale = 2; }, "time_scale: 1 in the file, 2 here");
  Network<double> wide(written, 1, "reader");
  EXPECT_THROW(networks::read_network(path, "models/score", "weights", wide, test::world()), UsageError);
}

TEST(NetworkWeights, DamageAnywhereBreaksTheSeal) {
  const Architecture architecture = test::architecture(2, 2, {4}, Activation::silu, false, TimeFeatures::raw);
  Network<float> network(architecture, 1, "writer");
  write(network, std::vector<float>(network.parameters().size(), 0.5f));
  io::seal(test::world(), path);
  EXPECT_NO_THROW(networks::read_network(path, "models/score", "weights", network, test::world()));
  std::string bytes;
  {
    std::ifstream file(path, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  for (std::size_t position = 0; position + 16 < bytes.size(); position += 97) {
    std::string damaged = bytes;
    damaged[position] = static_cast<char>(damaged[position] ^ 8);
    test::world().barrier();
    if (test::world().is_root()) std::ofstream(path, std::ios::binary) << damaged;
    test::world().barrier();
    EXPECT_THROW(networks::read_network(path, "models/score", "weights", network, test::world()), IoError) << position;
  }
}

/// Every damaged file is either refused as damaged, or the damage was where nothing stands and the weights are right.
TEST(NetworkWeights, ARankThatUnwindsAloneWaitsForNobody) {
  const std::string path = "alone.h5";
  {
    io::Hdf5File file(test::world(), path, io::Hdf5File::Mode::create);
    file.write("/group/numbers", {3}, std::vector<double>{1, 2, 3});
    file.close();
  }
  bool met = false;
  {
    io::Hdf5File all(test::world(), path, io::Hdf5File::Mode::read);
    if (test::world().rank() == test::world().size() - 1) {
      try {
        const io::Hdf5File one(parallel::Communicator(MPI_COMM_SELF), path, io::Hdf5File::Mode::read);
        throw std::bad_alloc();
      } catch (const std::bad_alloc&) {
        met = true;
      }
    }
  }  // closed at different times, without a meeting
  EXPECT_EQ(test::world().any(met), true);
  // What is not closed gets no name, and the file of that name stays.
  try {
    io::Hdf5File file(test::world(), path, io::Hdf5File::Mode::create);
    file.write("/other", {1}, std::vector<double>{4});
    throw DivergedError("while writing");
  } catch (const DivergedError&) {
  }
  io::Hdf5File file(test::world(), path, io::Hdf5File::Mode::read);
  EXPECT_TRUE(file.has("/group/numbers") && !file.has("/other"));
  EXPECT_FALSE(std::filesystem::exists(".fortet." + path));
}

TEST(NetworkWeights, DamagedFilesAreRefused) {
  const Architecture architecture = test::architecture(3, 2, {8, 8}, Activation::silu, false, TimeFeatures::fourier);
  const Network<float> network(architecture, 1, "writer");
  const std::vector<float> weights(network.parameters().begin(), network.parameters().end());
  write(network, weights);
  std::string bytes;
  {
    std::ifstream file(path, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  const auto outcome = [&](const std::string& content) {  // 'r': right, 'i': IoError, else an error
    test::world().barrier();
    if (test::world().is_root()) std::ofstream(path, std::ios::binary) << content;
    test::world().barrier();
    Network<float> reader(architecture, 2, "reader");
    try {
      networks::read_network(path, "models/score", "weights", reader, test::world());
    } catch (const IoError&) {
      return 'i';
    } catch (const UsageError&) {
      return 'u';
    }
    const bool right =
        std::equal(weights.begin(), weights.end(), reader.parameters().begin()) &&
        std::equal(network.frequencies().begin(), network.frequencies().end(), reader.frequencies().begin());
    return right ? 'r' : 'w';
  };
  EXPECT_EQ(outcome(bytes), 'r');
  for (const std::size_t size : {std::size_t{0}, std::size_t{20}, bytes.size() / 2, bytes.size() - 1}) {
    EXPECT_EQ(outcome(bytes.substr(0, size)), 'i') << "truncated to " << size << " of " << bytes.size();
  }
  const std::string raw(reinterpret_cast<const char*>(weights.data()), weights.size() * sizeof(float));
  const std::size_t begin = bytes.find(raw);
  EXPECT_NE(begin, std::string::npos);
  int refused = 0;
  for (std::size_t position = 0; position < bytes.size(); position += 61) {
    std::string damaged = bytes;
    damaged[position] = static_cast<char>(damaged[position] ^ 4);
    const char found = outcome(damaged);
    EXPECT_TRUE(found == 'r' || found == 'i') << "byte " << position << ": " << found;
    if (position >= begin && position < begin + raw.size()) {
      EXPECT_EQ(found, 'i') << position;
    }
    refused += found == 'i';
  }
  EXPECT_GT(refused, 10);
}
}  // namespace
