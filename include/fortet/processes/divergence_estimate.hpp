#pragma once
/// Hutchinson's estimate of a divergence: v . (df/dx) v for a probe v of independent signs has the divergence as its
/// mean (Hutchinson 1989), at the cost of one derivative along v whatever the dimension.
#include "fortet/base/points.hpp"

namespace fortet::processes {

/// What a field, or a process for its drift, also is where it knows derivatives along a direction.
class DivergenceEstimate {
 public:
  virtual ~DivergenceEstimate() = default;
  /// False where what it is made of cannot.
  virtual bool can_estimate_divergence() const { return true; }
  /// out[i] = probe_i . (df/dx)(x_i, t) probe_i. Safe from many threads at once.
  virtual void estimate_divergence(double t, ConstPoints x, ConstPoints probe, double* out) const = 0;
};

/// Null where the field or process cannot.
template <class Object>
const DivergenceEstimate* divergence_estimate_of(const Object& object) {
  const auto* estimate = dynamic_cast<const DivergenceEstimate*>(&object);
  return estimate && estimate->can_estimate_divergence() ? estimate : nullptr;
}

}  // namespace fortet::processes
