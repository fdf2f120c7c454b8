// Network<Real>: derivatives along a direction, reverse over forward, divergences.
#include "fortet/base/error.hpp"
#include "state.hpp"

namespace fortet::networks {

namespace {
/// h_dot = f' z_dot (+ h_dot_before).
template <class Real>
void tangent_of_activation(const Layer& layer, const Real* first, const Real* source, const Real* before, Real* after,
                           Index vectors) {
  if (layer.residual) {
    each_vector<Real>(layer.outputs, vectors,
                      [=](Index i) { store(after + i, load(before + i) + load(first + i) * load(source + i)); });
  } else {
    each_vector<Real>(layer.outputs, vectors, [=](Index i) { store(after + i, load(first + i) * load(source + i)); });
  }
}

constexpr auto nothing = [](Index, Index) {};
}  // namespace

template <class Real>
void Network<Real>::State::tile_tangent(Batch<const Real> x, const Real* t, Batch<const Real> x_dot,
                                        const TangentTile& tile, Workspace& workspace) const {
  const Index vectors = vectors_for<Real>(x.size);
  fill_inputs(x, t, tile.values, workspace);
  copy_in(x_dot, tile.tangents);
  for (const Layer& layer : layers) {
    const Real *const before = tile.values + layer.rows * tile_size, *const dot =
                                                                         tile.tangents + layer.rows * tile_size;
    const Index inputs = &layer == &layers.front() ? architecture.inputs : layer.inputs;  // time does not vary
    Real* const source = layer.hidden ? tile.sources + layer.hidden_rows * tile_size : tile.out_dot;
    product(layer.outputs, inputs, vectors, weights(layer), dot, tile_size, source, tile_size, false, nothing);
    if (!layer.hidden) {
      layer_forward(layer, before, tile.out, nullptr, vectors);
      continue;
    }
    Real* const first = tile.first + layer.hidden_rows * tile_size;
    Real* const after = tile.values + (layer.rows + layer.inputs + 1) * tile_size;
    layer_forward(layer, before, after, first, vectors,
                  tile.second ? tile.second + layer.hidden_rows * tile_size : nullptr);
    tangent_of_activation<Real>(layer, first, source, dot, tile.tangents + (layer.rows + layer.inputs + 1) * tile_size,
                                vectors);
  }
}

template <class Real>
void Network<Real>::forward_tangent(Batch<const Real> x, const Real* t, Batch<const Real> x_dot, Batch<Real> out,
                                    Batch<Real> out_dot, Workspace& workspace) const {
  const State& s = *state_;
  if (x.size > workspace.capacity) throw Error(ExitCode::internal, "a block larger than its workspace");
  workspace.samples = x.size;
  workspace.has_tangents = true;
  each_tile(x.size, [&](Index tile, Index begin, Index count) {
    const Index inputs = tile * s.rows * tile_size, hidden = tile * s.hidden_rows * tile_size;
    Real *const f = workspace.scratch[0].get(), *const f_dot = workspace.scratch[1].get();
    s.tile_tangent(x.slice(begin, count), t ? t + begin : nullptr, x_dot.slice(begin, count),
                   {workspace.values.get() + inputs, workspace.tangents.get() + inputs, workspace.first.get() + hidden,
                    workspace.second.get() + hidden, workspace.sources.get() + hidden, f, f_dot},
                   workspace);
    copy_out(f, out.slice(begin, count));
    copy_out(f_dot, out_dot.slice(begin, count));
  });
}

template <class Real>
void Network<Real>::reverse_tangent(Batch<const Real> out_bar, Batch<const Real> out_dot_bar, std::span<Real> gradient,
                                    Batch<Real> x_bar, Workspace& workspace) const {
  const State& s = *state_;
  if (out_bar.size != workspace.samples || !workspace.has_tangents) {
    throw Error(ExitCode::internal, "reverse_tangent() must follow forward_tangent() of the same block");
  }
  Real *const h_bar = workspace.scratch[0].get(), *const z_bar = workspace.scratch[1].get();
  Real *const h_dot_bar = workspace.scratch[2].get(), *const z_dot_bar = workspace.scratch[3].get();
  each_tile(out_bar.size, [&](Index tile, Index begin, Index count) {
    const Index vectors = vectors_for<Real>(count);
    for (std::size_t l = s.layers.size(); l-- > 0;) {
      const Layer& layer = s.layers[l];
      if (layer.hidden) {
        const Index offset = (tile * s.hidden_rows + layer.hidden_rows) * tile_size;
        const Real *const first = workspace.first.get() + offset, *const second = workspace.second.get() + offset;
        const Real* const source = workspace.sources.get() + offset;
        each_vector<Real>(layer.outputs, vectors, [=](Index i) {
          const Vector<Real> slope = load(first + i), dot_bar = load(h_dot_bar + i);
          store(z_bar + i, slope * load(h_bar + i) + load(second + i) * load(source + i) * dot_bar);
          store(z_dot_bar + i, slope * dot_bar);
        });
      } else {
        copy_in(out_bar.slice(begin, count), z_bar);
        copy_in(out_dot_bar.slice(begin, count), z_dot_bar);
      }
      const Index rows = (tile * s.rows + layer.rows) * tile_size;
      s.add_gradient(layer, workspace.values.get() + rows, z_bar, layer.inputs + 1, count, gradient.data(), workspace);
      s.add_gradient(layer, workspace.tangents.get() + rows, z_dot_bar, l > 0 ? layer.inputs : s.architecture.inputs,
                     count, gradient.data(), workspace);
      const Index inputs = l > 0 ? layer.inputs : x_bar.data ? s.architecture.inputs : 0;
      product(inputs, layer.outputs, vectors, s.transposed(layer), z_bar, tile_size, h_bar, tile_size, layer.residual,
              nothing);
      if (l == 0) continue;
      product(inputs, layer.outputs, vectors, s.transposed(layer), z_dot_bar, tile_size, h_dot_bar, tile_size,
              layer.residual, nothing);
    }
    if (x_bar.data) copy_out(h_bar, x_bar.slice(begin, count));
  });
}

template <class Real>
void Network<Real>::divergence(Batch<const Real> x, const Real* t, Batch<Real> out, Real* divergence,
                               Workspace& workspace) const {
  const State& s = *state_;
  if (s.architecture.inputs != s.architecture.outputs) {
    throw Error(ExitCode::internal, "the divergence of a network needs as many outputs as inputs");
  }
  const Layer &input_layer = s.layers.front(), &output_layer = s.layers.back();
  workspace.samples = 0;  // what forward() kept is overwritten
  each_tile(x.size, [&](Index, Index begin, Index count) {
    const Index vectors = vectors_for<Real>(count);
    // The values once; the activations' derivatives are kept for all directions.
    Real *before = workspace.scratch[0].get(), *after = workspace.scratch[1].get();
    Real* const first = workspace.first.get();
    s.fill_inputs(x.slice(begin, count), t ? t + begin : nullptr, before, workspace);
    for (const Layer& layer : s.layers) {
      s.layer_forward(layer, before, after, first + layer.hidden_rows * tile_size, vectors);
      std::swap(before, after);
    }
    copy_out(before, out.slice(begin, count));
    Real *const source = workspace.scratch[2].get(), *const sum = workspace.scratch[3].get();
    std::fill_n(sum, tile_size, Real(0));
    for (int k = 0; k < s.architecture.inputs; ++k) {
      Real *dot = workspace.scratch[0].get(), *next = workspace.scratch[1].get();
      for (const Layer& layer : s.layers) {
        if (&input_layer == &output_layer) {
          const Real slope = s.weights(layer).data[k * layer.outputs + k];
          for (Index i = 0; i < tile_size; ++i) sum[i] += slope;
        } else if (&layer == &input_layer) {  // one column of its weights, and no input to add
          const Real* const column = s.weights(layer).data + k * layer.outputs;
          for (Index j = 0; j < layer.outputs; ++j) {
            for (Index v = 0; v < vectors; ++v) {
              const Index i = j * tile_size + v * lanes<Real>;
              store(next + i, load(first + i) * column[j]);
            }
          }
        } else if (&layer == &output_layer) {  // one row of its weights
          Factor<Real> row = s.weights(layer);
          row.data += k;
          product(1, layer.inputs, vectors, row, dot, tile_size, sum, tile_size, true, nothing);
        } else {
          product(layer.outputs, layer.inputs, vectors, s.weights(layer), dot, tile_size, source, tile_size, false,
                  nothing);
          tangent_of_activation<Real>(layer, first + layer.hidden_rows * tile_size, source, dot, next, vectors);
        }
        std::swap(dot, next);
      }
    }
    std::copy_n(sum, count, divergence + begin);
  });
}

template <class Real>
void Network<Real>::divergence_estimate(Batch<const Real> x, const Real* t, Batch<const Real> probe, Batch<Real> out,
                                        Real* divergence, Workspace& workspace) const {
  const State& s = *state_;
  workspace.samples = 0;
  each_tile(x.size, [&](Index, Index begin, Index count) {
    Real *const f = workspace.scratch[0].get(), *const f_dot = workspace.scratch[1].get();
    s.tile_tangent(x.slice(begin, count), t ? t + begin : nullptr, probe.slice(begin, count),
                   {workspace.values.get(), workspace.tangents.get(), workspace.first.get(), nullptr,
                    workspace.sources.get(), f, f_dot},
                   workspace);
    copy_out(f, out.slice(begin, count));
    std::fill_n(divergence + begin, count, Real(0));
    for (int k = 0; k < probe.features; ++k) {
      const Real *const direction = probe.feature(k) + begin, *const change = f_dot + k * tile_size;
      for (Index i = 0; i < count; ++i) divergence[begin + i] += direction[i] * change[i];
    }
  });
}

#define FORTET_INSTANTIATE(Real)                                                                                   \
  template void Network<Real>::forward_tangent(Batch<const Real>, const Real*, Batch<const Real>, Batch<Real>,     \
                                               Batch<Real>, Workspace&) const;                                     \
  template void Network<Real>::reverse_tangent(Batch<const Real>, Batch<const Real>, std::span<Real>, Batch<Real>, \
                                               Workspace&) const;                                                  \
  template void Network<Real>::divergence(Batch<const Real>, const Real*, Batch<Real>, Real*, Workspace&) const;   \
  template void Network<Real>::divergence_estimate(Batch<const Real>, const Real*, Batch<const Real>, Batch<Real>, \
                                                   Real*, Workspace&) const;                                       \
  template void Network<Real>::State::tile_tangent(Batch<const Real>, const Real*, Batch<const Real>,              \
                                                   const TangentTile&, Workspace&) const;
FORTET_INSTANTIATE(float)
FORTET_INSTANTIATE(double)
#undef FORTET_INSTANTIATE

}  // namespace fortet::networks
