#pragma once
/// Processes that a solved Schroedinger system makes of its reference.
#include "fortet/processes/process.hpp"

namespace fortet::bridges {

/// dX = [b + a grad log phi] dt + G dW with the field grad log phi; or, without noise, its probability flow
/// dx/dt = b + a/2 grad (log phi - log hat) - div a / 2 with half of that gradient as the field: the same laws.
class Steered : public processes::Process {
 public:
  Steered(processes::ProcessPtr reference, processes::FieldPtr gradient, bool is_flow)
      : Process(reference->dimension(), reference->horizon()),
        reference_(std::move(reference)),
        gradient_(std::move(gradient)),
        is_flow_(is_flow) {}
  /// out = a gradient.
  void steering(double t, ConstPoints x, Points out) const;

  void drift(double t, ConstPoints x, Points out) const override;
  processes::NoiseShape noise_shape() const override {
    return is_flow_ ? processes::NoiseShape::none : reference_->noise_shape();
  }
  bool noise_is_additive() const override { return is_flow_ || reference_->noise_is_additive(); }
  int noise_count() const override { return reference_->noise_count(); }
  double noise_level(double t) const override { return is_flow_ ? 0 : reference_->noise_level(t); }
  void noise(double t, ConstPoints x, Points out) const override { reference_->noise(t, x, out); }
  void noise_derivative(double t, ConstPoints x, Points out) const override { reference_->noise_derivative(t, x, out); }
  void diffusion_divergence(double t, ConstPoints x, Points out) const override;

 private:
  processes::ProcessPtr reference_;
  processes::FieldPtr gradient_;
  bool is_flow_;
};

/// The reference with its noise G multiplied by a factor, for annealing.
processes::ProcessPtr with_more_noise(processes::ProcessPtr reference, double factor);

}  // namespace fortet::bridges
