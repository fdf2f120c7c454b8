// Network<Real>: evaluation, forward and reverse passes.
#include "fortet/base/error.hpp"
#include "state.hpp"

namespace fortet::networks {

template <class Real>
void Network<Real>::evaluate(Batch<const Real> x, const Real* t, Batch<Real> out, Workspace& workspace) const {
  const State& s = *state_;
  each_tile(x.size, [&](Index, Index begin, Index count) {
    Real *before = workspace.scratch[0].get(), *after = workspace.scratch[1].get();
    s.fill_inputs(x.slice(begin, count), t ? t + begin : nullptr, before, workspace);
    for (const Layer& layer : s.layers) {
      s.layer_forward(layer, before, after, nullptr, vectors_for<Real>(count));
      std::swap(before, after);
    }
    copy_out(before, out.slice(begin, count));
  });
}

template <class Real>
void Network<Real>::forward(Batch<const Real> x, const Real* t, Batch<Real> out, Workspace& workspace) const {
  const State& s = *state_;
  if (x.size > workspace.capacity) throw Error(ExitCode::internal, "a block larger than its workspace");
  workspace.samples = x.size;
  workspace.has_tangents = false;
  each_tile(x.size, [&](Index tile, Index begin, Index count) {
    Real* const values = workspace.values.get() + tile * s.rows * tile_size;
    Real* const first = workspace.first.get() + tile * s.hidden_rows * tile_size;
    s.fill_inputs(x.slice(begin, count), t ? t + begin : nullptr, values, workspace);
    for (const Layer& layer : s.layers) {
      Real* const before = values + layer.rows * tile_size;
      Real* const after = layer.hidden ? before + (layer.inputs + 1) * tile_size : workspace.scratch[0].get();
      s.layer_forward(layer, before, after, first + layer.hidden_rows * tile_size, vectors_for<Real>(count));
    }
    copy_out(workspace.scratch[0].get(), out.slice(begin, count));
  });
}

template <class Real>
void Network<Real>::reverse(Batch<const Real> out_bar, std::span<Real> gradient, Batch<Real> x_bar,
                            Workspace& workspace, const std::function<void(std::size_t)>& finished) const {
  const State& s = *state_;
  if (out_bar.size != workspace.samples || workspace.has_tangents) {
    throw Error(ExitCode::internal, "reverse() must follow forward() of the same block");
  }
  // By the outputs h and by the sums z of a layer.
  Real *const h_bar = workspace.scratch[0].get(), *const z_bar = workspace.scratch[1].get();
  const Index last_tile = (out_bar.size + tile_size - 1) / tile_size - 1;
  each_tile(out_bar.size, [&](Index tile, Index begin, Index count) {
    const Real* const values = workspace.values.get() + tile * s.rows * tile_size;
    const Index vectors = vectors_for<Real>(count);
    for (std::size_t l = s.layers.size(); l-- > 0;) {
      const Layer& layer = s.layers[l];
      if (layer.hidden) {
        const Real* const first = workspace.first.get() + (tile * s.hidden_rows + layer.hidden_rows) * tile_size;
        each_vector<Real>(layer.outputs, vectors,
                          [=](Index i) { store(z_bar + i, load(first + i) * load(h_bar + i)); });
      } else {
        copy_in(out_bar.slice(begin, count), z_bar);
      }
      s.add_gradient(layer, values + layer.rows * tile_size, z_bar, layer.inputs + 1, count, gradient.data(),
                     workspace);
      if (finished && tile == last_tile) finished(s.layers.size() - 1 - l);
      const Index inputs = l > 0 ? layer.inputs : x_bar.data ? s.architecture.inputs : 0;
      product(inputs, layer.outputs, vectors, s.transposed(layer), z_bar, tile_size, h_bar, tile_size, layer.residual,
              [](Index, Index) {});
    }
    if (x_bar.data) copy_out(h_bar, x_bar.slice(begin, count));
  });
  if (finished && last_tile < 0) {
    for (std::size_t k = 0; k < s.segments.size(); ++k) finished(k);
  }
}

#define FORTET_INSTANTIATE(Real)                                                                        \
  template void Network<Real>::evaluate(Batch<const Real>, const Real*, Batch<Real>, Workspace&) const; \
  template void Network<Real>::forward(Batch<const Real>, const Real*, Batch<Real>, Workspace&) const;  \
  template void Network<Real>::reverse(Batch<const Real>, std::span<Real>, Batch<Real>, Workspace&,     \
                                       const std::function<void(std::size_t)>&) const;
FORTET_INSTANTIATE(float)
FORTET_INSTANTIATE(double)
#undef FORTET_INSTANTIATE

}  // namespace fortet::networks
