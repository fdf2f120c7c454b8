#pragma once
/// A field: a block of points and a time in, a block of values out. Closed forms implement it in processes/,
/// interpolation from a grid in densities/, potentials in bridges/, networks in training/.
#include <memory>

#include "fortet/base/points.hpp"

namespace fortet::processes {

class Field {
 public:
  virtual ~Field() = default;
  virtual int input_dimension() const = 0;
  virtual int output_dimension() const = 0;
  /// out(i, k) = component k at (x_i, t). Safe from many threads at once; not collective.
  virtual void evaluate(double t, ConstPoints x, Points out) const = 0;
  virtual bool has_divergence() const { return false; }
  virtual void divergence(double t, ConstPoints x, double* out) const;  ///< throws when there is none
};

using FieldPtr = std::shared_ptr<const Field>;

}  // namespace fortet::processes
