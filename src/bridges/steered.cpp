#include "steered.hpp"

#include "fortet/base/scratch.hpp"

namespace fortet::bridges {

namespace {
void add(Points out, double factor, ConstPoints terms) {
  for (int k = 0; k < out.dimension(); ++k) {
    double* __restrict to = out.coordinate(k);
    const double* __restrict from = terms.coordinate(k);
#pragma omp simd
    for (Index i = 0; i < out.size(); ++i) to[i] += factor * from[i];
  }
}

class WithMoreNoise : public processes::Process {
 public:
  WithMoreNoise(processes::ProcessPtr of, double factor)
      : Process(of->dimension(), of->horizon()), of_(std::move(of)), factor_(factor) {}
  void drift(double t, ConstPoints x, Points out) const override { of_->drift(t, x, out); }
  processes::NoiseShape noise_shape() const override { return of_->noise_shape(); }
  bool noise_is_additive() const override { return of_->noise_is_additive(); }
  int noise_count() const override { return of_->noise_count(); }
  double noise_level(double t) const override { return factor_ * of_->noise_level(t); }
  void noise(double t, ConstPoints x, Points out) const override {
    of_->noise(t, x, out);
    multiply(out, factor_);
  }
  void noise_derivative(double t, ConstPoints x, Points out) const override {
    of_->noise_derivative(t, x, out);
    multiply(out, factor_);
  }
  void diffusion_divergence(double t, ConstPoints x, Points out) const override {
    of_->diffusion_divergence(t, x, out);
    multiply(out, factor_ * factor_);
  }
  // b - div D = -D grad V scales as a whole only where D is constant.
  bool has_potential() const override { return of_->has_potential() && of_->noise_is_additive(); }
  void potential(ConstPoints x, double* out) const override {
    of_->potential(x, out);
    for (Index i = 0; i < x.size(); ++i) out[i] /= factor_ * factor_;
  }
  bool has_clock() const override { return of_->has_clock(); }
  double clock_rate(double t) const override { return of_->clock_rate(t); }
  double clock(double t) const override { return of_->clock(t); }
  bool is_axis_separable() const override { return of_->is_axis_separable(); }
  processes::Regularity regularity() const override { return of_->regularity(); }

 private:
  static void multiply(Points out, double factor) {
    for (int k = 0; k < out.dimension(); ++k) {
      for (Index i = 0; i < out.size(); ++i) out(i, k) *= factor;
    }
  }
  processes::ProcessPtr of_;
  double factor_;
};
}  // namespace

void Steered::steering(double t, ConstPoints x, Points out) const {
  const Index n = x.size();
  const int d = dimension();
  const Scratch scratch(n, d);
  const Points gradient = scratch.points(n, d);
  gradient_->evaluate(t, x, gradient);
  for (int k = 0; k < d; ++k) std::fill_n(out.coordinate(k), n, 0.0);
  if (reference_->noise_shape() == processes::NoiseShape::uniform) {
    return add(out, std::pow(reference_->noise_level(t), 2), gradient);
  }
  const Scratch triangle(n, d * (d + 1) / 2);
  const Points diffusion = triangle.points(n, d * (d + 1) / 2);
  reference_->diffusion(t, x, diffusion);
  for (int i = 0, column = 0; i < d; ++i) {
    for (int j = i; j < d; ++j, ++column) {
      for (Index p = 0; p < n; ++p) {
        out(p, i) += diffusion(p, column) * gradient(p, j);
        if (j > i) out(p, j) += diffusion(p, column) * gradient(p, i);
      }
    }
  }
}

void Steered::drift(double t, ConstPoints x, Points out) const {
  const Scratch scratch(x.size(), dimension());
  const Points more = scratch.points(x.size(), dimension());
  reference_->drift(t, x, out);
  steering(t, x, more);
  add(out, 1, more);
  if (!is_flow_ || reference_->noise_is_additive()) return;
  reference_->diffusion_divergence(t, x, more);
  add(out, -0.5, more);
}

void Steered::diffusion_divergence(double t, ConstPoints x, Points out) const {
  if (is_flow_) return Process::diffusion_divergence(t, x, out);
  reference_->diffusion_divergence(t, x, out);
}

processes::ProcessPtr with_more_noise(processes::ProcessPtr reference, double factor) {
  return std::make_shared<WithMoreNoise>(std::move(reference), factor);
}

}  // namespace fortet::bridges
