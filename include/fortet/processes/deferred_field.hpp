#pragma once
/// A field that is computed later in a study: processes are built on it at once and can be evaluated when it is there.
#include "fortet/base/error.hpp"
#include "fortet/processes/field.hpp"

namespace fortet::processes {

class DeferredField : public Field {
 public:
  /// `what` for the message of a use that comes too early: "the score of densities.noising".
  DeferredField(std::string what, int dimension) : what_(std::move(what)), dimension_(dimension) {}
  int input_dimension() const override { return dimension_; }
  int output_dimension() const override { return dimension_; }
  void evaluate(double t, ConstPoints x, Points out) const override { field().evaluate(t, x, out); }
  bool has_divergence() const override { return field_ && field_->has_divergence(); }
  void divergence(double t, ConstPoints x, double* out) const override { field().divergence(t, x, out); }
  void fill(FieldPtr field) { field_ = std::move(field); }

 private:
  const Field& field() const {
    if (!field_) throw NotComputedYet(what_ + " is used before it was computed");
    return *field_;
  }
  std::string what_;
  int dimension_;
  FieldPtr field_;
};

}  // namespace fortet::processes
