#pragma once
// Networks, blocks of samples and a smooth loss for tests of derivatives.
#include <random>

#include "fortet/networks/network.hpp"

namespace fortet::test {

/// Owning block of samples with numbers from a fixed generator.
template <class Real>
struct Block {
  std::vector<Real> values;
  networks::Batch<Real> batch;
  Block(Index size, int features, Index stride = 0)
      : values(static_cast<std::size_t>(std::max(size, stride) * features + 1)),
        batch{values.data(), size, features, std::max(size, stride)} {}
  Block(const Block&) = delete;
  static Block random(Index size, int features, unsigned seed) { return Block(size, features, seed, true); }
  operator networks::Batch<const Real>() const { return {values.data(), batch.size, batch.features, batch.stride}; }
  operator networks::Batch<Real>() { return batch; }
  Real& operator()(Index i, int k) { return batch.feature(k)[i]; }
  Real operator()(Index i, int k) const { return batch.feature(k)[i]; }

 private:
  Block(Index size, int features, unsigned seed, bool) : Block(size, features) {
    std::mt19937 generator(seed);
    std::normal_distribution<double> normal;
    for (Real& value : values) value = static_cast<Real>(normal(generator));
  }
};

inline networks::Architecture architecture(int inputs, int outputs, std::vector<int> hidden,
                                           networks::Activation activation, bool residual = false,
                                           networks::TimeFeatures time = networks::TimeFeatures::raw) {
  networks::Architecture a;
  a.inputs = inputs;
  a.outputs = outputs;
  a.hidden = std::move(hidden);
  a.activation = activation;
  a.residual = residual;
  a.time = time;
  a.time_count = 6;
  return a;
}

/// Architectures that between them have every activation, time feature, odd widths, residual layers, widths beyond
/// one panel, no hidden layer.
inline std::vector<networks::Architecture> all_architectures(int inputs, int outputs) {
  using networks::Activation;
  using networks::TimeFeatures;
  return {architecture(inputs, outputs, {7, 20, 9}, Activation::selu),
          architecture(inputs, outputs, {33, 70}, Activation::silu, false, TimeFeatures::fourier),
          architecture(inputs, outputs, {16, 16, 16}, Activation::gelu, true, TimeFeatures::sinusoidal),
          architecture(inputs, outputs, {64}, Activation::tanh, false, TimeFeatures::none),
          architecture(inputs, outputs, {10, 12, 12}, Activation::softplus, true),
          architecture(inputs, outputs, {}, Activation::silu)};
}

}  // namespace fortet::test
