#pragma once
/// Feed-forward networks F(x, t) and their derivatives, on blocks of samples.
///
/// Layout: as everywhere, feature k of all samples of a block is one contiguous run (structure of arrays), so that a
/// layer is one matrix product out(n x w') = in(n x w) W^T and activations vectorise over samples. Nothing here
/// allocates once its workspace exists, and nothing is collective.
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fortet/base/parameters.hpp"
#include "fortet/base/points.hpp"

namespace fortet::networks {

/// Block of `size` samples with `features` features; feature k starts at data + k * stride (stride >= size).
template <class Real>
struct Batch {
  Real* data = nullptr;
  Index size = 0;
  int features = 0;
  Index stride = 0;
  Real* feature(int k) const { return data + k * stride; }
  Batch slice(Index begin, Index count) const { return {data + begin, count, features, stride}; }
  operator Batch<const Real>() const { return {data, size, features, stride}; }  // NOLINT: a view of a view
};

enum class Activation { selu, silu, gelu, tanh, softplus };

/// How time enters: `raw` as it is, `fourier` as sin and cos of 2 pi t times random frequencies of deviation `scale`,
/// `sinusoidal` as sin and cos of geometrically spaced frequencies up to `scale`; `none`: the network has no time.
enum class TimeFeatures { none, raw, fourier, sinusoidal };

struct Architecture {
  int inputs = 0, outputs = 0;  ///< dimensions of x and F
  std::vector<int> hidden;      ///< widths
  Activation activation = Activation::silu;
  bool residual = false;  ///< h + layer(h) between hidden layers of equal width
  TimeFeatures time = TimeFeatures::raw;
  int time_count = 16;  ///< numbers of fourier and sinusoidal features (even)
  double time_scale = 1;
  std::string precision = "float";  ///< or "double"
  bool operator==(const Architecture&) const = default;
};

/// The architecture in a deck's nested object of category "networks" (kinds mlp, residual_mlp); throws ParameterError.
Architecture make_architecture(const Parameters& parameters, int inputs, int outputs);

/// Parameters live in one contiguous vector: layer by layer from the input, weights (out x in, column-major: all
/// outputs of input 0 first) then bias. Immutable while used by many threads; each thread brings its own workspace.
template <class Real>
class Network {
 public:
  /// Weights drawn from (seed, purpose initial_weights, name): the same for any number of ranks.
  Network(Architecture architecture, std::uint64_t seed, std::string_view name);
  ~Network();
  Network(Network&&) noexcept;

  const Architecture& architecture() const;
  std::span<Real> parameters();
  std::span<const Real> parameters() const;
  /// Of the fourier or sinusoidal time features, in turns per unit of time: not trained, but part of the network.
  std::span<double> frequencies();
  std::span<const double> frequencies() const;
  /// Ranges of the parameter vector that become final one after the other in reverse(): last layer first.
  struct Segment {
    Index begin, size;
  };
  const std::vector<Segment>& segments() const;

  /// Scratch memory of one thread for blocks of up to `capacity` samples.
  class Workspace;
  std::unique_ptr<Workspace, void (*)(Workspace*)> workspace(Index capacity) const;

  /// out = F(x, t), t one number per sample (ignored without time features). For sampling: keeps nothing.
  void evaluate(Batch<const Real> x, const Real* t, Batch<Real> out, Workspace& workspace) const;

  /// The same, keeping what reverse() needs.
  void forward(Batch<const Real> x, const Real* t, Batch<Real> out, Workspace& workspace) const;
  /// After forward(): gradient += d(sum out_bar . F)/d parameters; x_bar (if it has data) = the same by x.
  /// `finished(k)` is called when segments()[k] of the gradient is final; may be empty.
  void reverse(Batch<const Real> out_bar, std::span<Real> gradient, Batch<Real> x_bar, Workspace& workspace,
               const std::function<void(std::size_t)>& finished = {}) const;

  /// out = F, out_dot = dF/dx x_dot (JVP), keeping what reverse_tangent() needs.
  void forward_tangent(Batch<const Real> x, const Real* t, Batch<const Real> x_dot, Batch<Real> out,
                       Batch<Real> out_dot, Workspace& workspace) const;
  /// After forward_tangent(): gradient += d(sum out_bar . F + out_dot_bar . F_dot)/d parameters; x_bar as in reverse().
  void reverse_tangent(Batch<const Real> out_bar, Batch<const Real> out_dot_bar, std::span<Real> gradient,
                       Batch<Real> x_bar, Workspace& workspace) const;

  /// out = F(x, t), divergence[i] = sum_k dF_k/dx_k: exact, one tangent per dimension (inputs == outputs).
  void divergence(Batch<const Real> x, const Real* t, Batch<Real> out, Real* divergence, Workspace& workspace) const;
  /// Hutchinson's estimate probe . dF/dx probe (Hutchinson 1989).
  void divergence_estimate(Batch<const Real> x, const Real* t, Batch<const Real> probe, Batch<Real> out,
                           Real* divergence, Workspace& workspace) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

extern template class Network<float>;
extern template class Network<double>;

}  // namespace fortet::networks
