// Network<Real>: construction, time features and the gradient of one layer.
#include <cmath>

#include "fortet/base/error.hpp"
#include "fortet/base/vector_math.hpp"
#include "fortet/parallel/random.hpp"
#include "state.hpp"

namespace fortet::networks {

namespace {
/// Frequencies of the time features in turns per unit of time.
std::vector<double> time_frequencies(const Architecture& architecture, std::uint64_t seed, std::string_view name) {
  const int count = architecture.time_count / 2;
  std::vector<double> frequencies(static_cast<std::size_t>(count));
  if (architecture.time == TimeFeatures::fourier) {  // Tancik et al. 2020
    const parallel::Stream stream(seed, parallel::Purpose::initial_weights, name);
    stream.normals(0, 1, {frequencies.data(), count, 1});
    for (double& frequency : frequencies) frequency *= architecture.time_scale;
  } else if (architecture.time == TimeFeatures::sinusoidal) {  // Vaswani et al. 2017
    for (int k = 0; k < count; ++k) {
      const double exponent = count > 1 ? static_cast<double>(k) / (count - 1) : 0;
      frequencies[k] = architecture.time_scale * std::pow(1e-4, exponent) / 6.283185307179586;
    }
  } else {
    frequencies.clear();
  }
  return frequencies;
}

std::vector<Layer> make_layers(const Architecture& architecture, Index features) {
  std::vector<Layer> layers;
  Layer layer{features, 0, 0, true, false, 0, 0};
  const auto next = [&](Index outputs, bool hidden) {
    layer.outputs = outputs;
    layer.hidden = hidden;
    layer.residual = hidden && architecture.residual && !layers.empty() && layer.inputs == outputs;
    layers.push_back(layer);
    layer.begin += layer.size();
    layer.rows += layer.inputs + 1;
    layer.hidden_rows += hidden ? outputs : 0;
    layer.inputs = outputs;
  };
  for (const int width : architecture.hidden) next(width, true);
  next(architecture.outputs, false);
  return layers;
}
}  // namespace

template <class Real>
Index Network<Real>::State::time_features() const {
  return architecture.time == TimeFeatures::raw ? 1 : 2 * static_cast<Index>(frequencies.size());
}

template <class Real>
Network<Real>::Network(Architecture architecture, std::uint64_t seed, std::string_view name)
    : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.architecture = std::move(architecture);
  s.frequencies = time_frequencies(s.architecture, seed, name);
  s.layers = make_layers(s.architecture, s.architecture.inputs + s.time_features());
  s.activation = activation_rows<Real>(s.architecture.activation);
  Index count = 0;
  for (const Layer& layer : s.layers) {
    count += layer.size();
    s.rows += layer.inputs + 1;
    s.hidden_rows += layer.hidden ? layer.outputs : 0;
    s.widest = std::max({s.widest, layer.inputs + 1, layer.outputs});
    s.segments.insert(s.segments.begin(), {layer.begin, layer.size()});
  }
  // As PyTorch's nn.Linear: uniform in +-1/sqrt(inputs), weights and bias.
  s.parameters.resize(static_cast<std::size_t>(count));
  std::vector<double> uniforms(s.parameters.size());
  const parallel::Stream stream(seed, parallel::Purpose::initial_weights, name);
  stream.uniforms(0, 0, {uniforms.data(), count, 1});
  for (const Layer& layer : s.layers) {
    const double bound = 1 / std::sqrt(static_cast<double>(layer.inputs));
    for (Index i = layer.begin; i < layer.begin + layer.size(); ++i) {
      s.parameters[i] = static_cast<Real>(bound * (2 * uniforms[i] - 1));
    }
  }
}

template <class Real>
Network<Real>::~Network() = default;
template <class Real>
Network<Real>::Network(Network&&) noexcept = default;
template <class Real>
const Architecture& Network<Real>::architecture() const {
  return state_->architecture;
}
template <class Real>
std::span<Real> Network<Real>::parameters() {
  return state_->parameters;
}
template <class Real>
std::span<const Real> Network<Real>::parameters() const {
  return state_->parameters;
}
template <class Real>
std::span<double> Network<Real>::frequencies() {
  return state_->frequencies;
}
template <class Real>
std::span<const double> Network<Real>::frequencies() const {
  return state_->frequencies;
}
template <class Real>
const std::vector<typename Network<Real>::Segment>& Network<Real>::segments() const {
  return state_->segments;
}
template <class Real>
std::unique_ptr<typename Network<Real>::Workspace, void (*)(typename Network<Real>::Workspace*)>
Network<Real>::workspace(Index capacity) const {
  return {new Workspace(*state_, capacity), [](Workspace* workspace) { delete workspace; }};
}

template <class Real>
void Network<Real>::State::fill_time(const Real* t, Index samples, Real* rows, Workspace& workspace) const {
  if (architecture.time == TimeFeatures::raw) {
    std::copy_n(t, samples, rows);
    std::fill(rows + samples, rows + tile_size, t[samples - 1]);
    return;
  }
  bool same = true;  // as in sampling: one evaluation for the tile
  for (Index i = 0; i < samples; ++i) same = same && t[i] == t[0];
  for (std::size_t k = 0; k < frequencies.size(); ++k) {
    Real* sine = rows + static_cast<Index>(k) * tile_size;
    Real* cosine = sine + static_cast<Index>(frequencies.size()) * tile_size;
    double* const angles = workspace.angles;
    constexpr Index part = 8;  // always complete, so that every lane runs the same instructions
    for (Index begin = 0; begin < (same ? part : tile_size); begin += part) {
      for (Index i = begin; i < begin + part; ++i) {
        angles[i] = frequencies[k] * static_cast<double>(t[std::min(i, samples - 1)]);
      }
#pragma omp simd
      for (Index i = begin; i < begin + part; ++i) {
        const vectorised::SinCos value = vectorised::sin_cos_turns(angles[i]);
        workspace.sines[i] = value.sin;
        workspace.cosines[i] = value.cos;
      }
    }
    for (Index i = 0; i < tile_size; ++i) {
      sine[i] = static_cast<Real>(workspace.sines[same ? 0 : i]);
      cosine[i] = static_cast<Real>(workspace.cosines[same ? 0 : i]);
    }
  }
}

template <class Real>
void Network<Real>::State::fill_inputs(Batch<const Real> x, const Real* t, Real* tile, Workspace& workspace) const {
  copy_in(x, tile);
  tile += architecture.inputs * tile_size;
  if (time_features() > 0) fill_time(t, x.size, tile, workspace);
  std::fill_n(tile + time_features() * tile_size, tile_size, Real(1));
}

template <class Real>
void Network<Real>::State::add_gradient(const Layer& layer, const Real* input, const Real* delta, Index inputs,
                                        Index samples, Real* gradient, Workspace& workspace) const {
  const auto nothing = [](Index, Index) {};
  const Index outputs = layer.outputs;
  Real* const target = gradient + layer.begin;
  // The samples are summed over, so that one of the factors needs its features side by side: the one with which fewer
  // vectors are multiplied. Its panels of tile_size features are one product each.
  const Index sum = vectors_for<Real>(samples) * lanes<Real>;
  const bool transpose_delta = inputs * vectors_for<Real>(outputs) <= outputs * vectors_for<Real>(inputs);
  const Index across = transpose_delta ? outputs : inputs, down = transpose_delta ? inputs : outputs;
  const Factor<Real> factor{transpose_delta ? input : delta, tile_size, 1};
  transpose_tile(transpose_delta ? delta : input, across, sum, workspace.panels.get());
  for (Index begin = 0; begin < across; begin += tile_size) {
    const Index count = std::min(tile_size, across - begin);
    const Real* panel = workspace.panels.get() + begin * tile_size;
    if (transpose_delta && count % lanes<Real> == 0) {
      product(down, sum, count / lanes<Real>, factor, panel, tile_size, target + begin, outputs, true, nothing);
      continue;
    }
    Real* const result = workspace.products.get();
    product(down, sum, vectors_for<Real>(count), factor, panel, tile_size, result, tile_size, false, nothing);
    for (Index r = 0; r < down; ++r) {
      for (Index i = 0; i < count; ++i) {
        target[transpose_delta ? r * outputs + begin + i : (begin + i) * outputs + r] += result[r * tile_size + i];
      }
    }
  }
}

template <class Real>
void Network<Real>::State::layer_forward(const Layer& layer, const Real* before, Real* after, Real* first,
                                         Index vectors, Real* second) const {
  product(layer.outputs, layer.inputs + 1, vectors, weights(layer), before, tile_size, after, tile_size, false,
          [&](Index row, Index count) {
            if (!layer.hidden) return;
            Real* const z = after + row * tile_size;
            if (second) {
              activation.second(z, first + row * tile_size, second + row * tile_size, count, vectors);
            } else if (first) {
              activation.first(z, first + row * tile_size, count, vectors);
            } else {
              activation.value(z, count, vectors);
            }
            if (!layer.residual) return;
            const Real* const h = before + row * tile_size;
            each_vector<Real>(count, vectors, [=](Index i) { store(z + i, load(z + i) + load(h + i)); });
          });
  if (layer.hidden) std::fill_n(after + layer.outputs * tile_size, tile_size, Real(1));
}

template class Network<float>;
template class Network<double>;

}  // namespace fortet::networks
