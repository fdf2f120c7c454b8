#pragma once
/// Couplings of two minibatches (category "couplings"): which source point is paired with which target point.
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "fortet/base/parameters.hpp"
#include "fortet/base/points.hpp"
#include "fortet/base/registry.hpp"
#include "fortet/parallel/random.hpp"

namespace fortet::couplings {

/// Pair k of a batch joins source[k] with target[k].
struct Pairing {
  std::vector<std::int32_t> source, target;
};

/// n source points and n target points to be paired at a step of training.
struct Minibatch {
  ConstPoints source, target;
  std::uint32_t step = 0;
  Pairing* pairing = nullptr;  ///< where the pairs go
};

/// Immutable, not collective, safe from many threads at once (a plan is computed beside the training step).
class Coupling {
 public:
  virtual ~Coupling() = default;
  /// Pairs under the cost |x - y|^2. Draws of a pairing that samples its plan come from `stream` at the step; the same
  /// numbers for any rank that computes it.
  virtual void pair(const Minibatch& minibatch, const parallel::Stream& stream) const = 0;
  /// The same for several minibatches; some kinds take less time for two at once.
  virtual void pair_all(std::span<const Minibatch> minibatches, const parallel::Stream& stream) const {
    for (const Minibatch& minibatch : minibatches) pair(minibatch, stream);
  }
  /// Pairs k with k: nothing to compute.
  virtual bool is_independent() const { return false; }
};

using CouplingPtr = std::shared_ptr<const Coupling>;
using CouplingFactory = std::function<CouplingPtr(const Parameters&)>;

/// Makes a coupling of a registered kind: independent, exact (as a permutation, or drawn with replacement), sinkhorn,
/// unbalanced; throws ParameterError.
CouplingPtr make_coupling(const Parameters& parameters);

}  // namespace fortet::couplings
