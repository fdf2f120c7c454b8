#pragma once
#include "fortet/base/error.hpp"
#include "fortet/processes/field.hpp"

namespace fortet::study {

/// A score that comes from a density computed later in the run; filled in when that density is there.
class DeferredField : public processes::Field {
 public:
  DeferredField(std::string name, int dimension) : name_(std::move(name)), dimension_(dimension) {}
  int input_dimension() const override { return dimension_; }
  int output_dimension() const override { return dimension_; }
  void evaluate(double t, ConstPoints x, Points out) const override { field().evaluate(t, x, out); }
  bool has_divergence() const override { return field_ && field_->has_divergence(); }
  void divergence(double t, ConstPoints x, double* out) const override { field().divergence(t, x, out); }
  void fill(processes::FieldPtr field) { field_ = std::move(field); }

 private:
  const processes::Field& field() const {
    if (!field_) throw UsageError("the score of densities." + name_ + " is used before that density was computed");
    return *field_;
  }
  std::string name_;
  int dimension_;
  processes::FieldPtr field_;
};

}  // namespace fortet::study
