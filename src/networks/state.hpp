#pragma once
/// The layers of a network and the memory of one thread, shared by the sources of Network.
///
/// The bias of a layer is treated as the weights of one more input that is always one: in the parameter vector it is
/// the last column of the matrix already. Every tile of inputs of a layer has therefore one row of ones below it.
#include <new>

#include "activations.hpp"
#include "product.hpp"

namespace fortet::networks {

struct Layer {
  Index inputs, outputs;
  Index begin;        ///< of its weights in the parameter vector
  bool hidden;        ///< followed by the activation
  bool residual;      ///< its input is added to its output
  Index rows;         ///< of all layers before, each with its row of ones: where its input starts in a tile
  Index hidden_rows;  ///< outputs of the hidden layers before: where its derivatives start in a tile
  Index size() const { return (inputs + 1) * outputs; }
};

template <class Real>
struct Network<Real>::State {
  Architecture architecture;
  std::vector<Layer> layers;
  std::vector<Segment> segments;
  std::vector<Real> parameters;
  std::vector<double> frequencies;  ///< of the time features, in turns per unit of time
  ActivationRows<Real> activation;
  Index rows = 0;         ///< of one tile with the inputs of all layers
  Index hidden_rows = 0;  ///< of one tile with the derivatives of all activations
  Index widest = 0;       ///< rows of the widest layer

  Index time_features() const;
  /// A(outputs x inputs + 1) of a layer.
  Factor<Real> weights(const Layer& layer) const { return {parameters.data() + layer.begin, 1, layer.outputs}; }
  /// Its transpose.
  Factor<Real> transposed(const Layer& layer) const { return {parameters.data() + layer.begin, layer.outputs, 1}; }

  /// Rows of the time features of `samples` samples (the rest of the tile repeats the last time).
  void fill_time(const Real* t, Index samples, Real* rows, Workspace& workspace) const;
  /// Input tile: x, time features, ones; complete to the next full vector with zeros (times: the last one).
  void fill_inputs(Batch<const Real> x, const Real* t, Real* tile, Workspace& workspace) const;
  /// h = f(W h_before + b) (+ h_before) of one tile, f' into `first` and f'' into `second` unless null; then a row of
  /// ones.
  void layer_forward(const Layer& layer, const Real* before, Real* after, Real* first, Index vectors,
                     Real* second = nullptr) const;
  /// One tile of F and its derivative along x_dot; the arguments are the tile's memory (see Workspace). f'' unless
  /// null.
  struct TangentTile {
    Real *values, *tangents, *first, *second, *sources, *out, *out_dot;
  };
  void tile_tangent(Batch<const Real> x, const Real* t, Batch<const Real> x_dot, const TangentTile& tile,
                    Workspace& workspace) const;
  /// gradient += sum over samples of delta(outputs) x input(inputs [+ 1]) of one tile. Rows after `inputs` have no
  /// gradient.
  void add_gradient(const Layer& layer, const Real* input, const Real* delta, Index inputs, Index samples,
                    Real* gradient, Workspace& workspace) const;
};

/// Between blocks of samples and tiles; what lies between the samples and the end of the tile becomes zero.
template <class Real>
void copy_in(Batch<const Real> values, Real* tile) {
  for (int k = 0; k < values.features; ++k, tile += tile_size) {
    std::copy_n(values.feature(k), values.size, tile);
    std::fill(tile + values.size, tile + tile_size, Real(0));
  }
}
template <class Real>
void copy_out(const Real* tile, Batch<Real> values) {
  for (int k = 0; k < values.features; ++k) std::copy_n(tile + k * tile_size, values.size, values.feature(k));
}

/// Calls body(tile, begin, count) for the tiles of a block.
template <class Body>
void each_tile(Index size, Body&& body) {
  for (Index begin = 0; begin < size; begin += tile_size) {
    body(begin / tile_size, begin, std::min(tile_size, size - begin));
  }
}

/// Memory that starts on a cache line and is only touched where it is used.
template <class Real>
class Memory {
 public:
  explicit Memory(Index count)
      : data_(static_cast<Real*>(::operator new(static_cast<std::size_t>(count) * sizeof(Real), alignment))) {}
  ~Memory() { ::operator delete(data_, alignment); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  Real* get() const { return data_; }

 private:
  static constexpr std::align_val_t alignment{64};
  Real* data_;
};

template <class Real>
class Network<Real>::Workspace {
 public:
  Workspace(const State& state, Index block_capacity)
      : capacity(block_capacity),
        tiles(std::max<Index>(1, (block_capacity + tile_size - 1) / tile_size)),
        values(tiles * state.rows * tile_size),
        tangents(tiles * state.rows * tile_size),
        first(tiles * state.hidden_rows * tile_size),
        second(tiles * state.hidden_rows * tile_size),
        sources(tiles * state.hidden_rows * tile_size),
        scratch{Memory<Real>(state.widest * tile_size), Memory<Real>(state.widest * tile_size),
                Memory<Real>(state.widest * tile_size), Memory<Real>(state.widest * tile_size)},
        panels((state.widest + tile_size) * tile_size),
        products(state.widest * tile_size) {}

  Index capacity, tiles;
  Index samples = 0;          ///< of the last forward pass
  bool has_tangents = false;  ///< it was forward_tangent()
  Memory<Real> values;        ///< inputs of every layer, tile by tile
  Memory<Real> tangents;      ///< their derivatives along x_dot
  Memory<Real> first;         ///< f' of every hidden layer
  Memory<Real> second;        ///< f''
  Memory<Real> sources;       ///< W h_dot, what f' is multiplied with
  Memory<Real> scratch[4];    ///< one layer of one tile each
  Memory<Real> panels;        ///< a transposed tile
  Memory<Real> products;      ///< a gradient whose rows are no multiple of the vector length
  double angles[tile_size], sines[tile_size], cosines[tile_size];
};

}  // namespace fortet::networks
