#pragma once
/// Small processes with known answers, for tests of steppers.
#include <cmath>
#include <functional>

#include "fortet/processes/process.hpp"

namespace fortet::test {

using processes::NoiseShape;

/// Any drift and noise, point by point.
class PointwiseProcess : public processes::Process {
 public:
  using Function = std::function<void(double t, const double* x, double* out)>;
  PointwiseProcess(int dimension, double horizon, Function drift)
      : Process(dimension, horizon), drift_(std::move(drift)) {}
  /// `noise` gives the columns that `shape` asks for; `derivative` d g_k / d x_k.
  PointwiseProcess& with_noise(NoiseShape shape, int count, Function noise, Function derivative = {}) {
    shape_ = shape, count_ = count, noise_ = std::move(noise), derivative_ = std::move(derivative);
    return *this;
  }
  PointwiseProcess& with_uniform_noise(std::function<double(double)> level) {
    shape_ = NoiseShape::uniform, level_ = std::move(level);
    return *this;
  }
  PointwiseProcess& with_divergence(Function divergence) {
    divergence_ = std::move(divergence);
    return *this;
  }
  PointwiseProcess& with_linear_part(Eigen::MatrixXd a) {
    linear_ = std::move(a);
    return *this;
  }
  PointwiseProcess& with_potential(Function potential) {
    potential_ = std::move(potential);
    return *this;
  }
  PointwiseProcess& with_underdamped(processes::Underdamped structure) {
    underdamped_ = std::move(structure);
    return *this;
  }
  PointwiseProcess& additive() {
    additive_ = true;
    return *this;
  }

  void drift(double t, ConstPoints x, Points out) const override { each(drift_, t, x, out); }
  bool has_drift_divergence() const override { return static_cast<bool>(divergence_); }
  void drift_divergence(double t, ConstPoints x, double* out) const override {
    each(divergence_, t, x, Points(out, x.size(), 1));
  }
  NoiseShape noise_shape() const override { return shape_; }
  bool noise_is_additive() const override { return additive_ || shape_ <= NoiseShape::uniform; }
  int noise_count() const override { return shape_ == NoiseShape::full ? count_ : dimension(); }
  double noise_level(double t) const override { return shape_ == NoiseShape::uniform ? level_(t) : 0; }
  void noise(double t, ConstPoints x, Points out) const override {
    if (noise_)
      each(noise_, t, x, out);
    else
      Process::noise(t, x, out);
  }
  void noise_derivative(double t, ConstPoints x, Points out) const override { each(derivative_, t, x, out); }
  bool has_potential() const override { return static_cast<bool>(potential_); }
  void potential(ConstPoints x, double* out) const override { each(potential_, 0, x, Points(out, x.size(), 1)); }
  std::optional<Eigen::MatrixXd> linear_part(double) const override { return linear_; }
  const processes::Underdamped* underdamped() const override { return underdamped_ ? &*underdamped_ : nullptr; }

 private:
  static void each(const Function& function, double t, ConstPoints x, Points out) {
    std::vector<double> in(x.dimension()), value(out.dimension());
    for (Index i = 0; i < x.size(); ++i) {
      for (int k = 0; k < x.dimension(); ++k) in[k] = x(i, k);
      function(t, in.data(), value.data());
      for (int k = 0; k < out.dimension(); ++k) out(i, k) = value[k];
    }
  }

  Function drift_, noise_, derivative_, divergence_, potential_;
  NoiseShape shape_ = NoiseShape::none;
  int count_ = 0;
  bool additive_ = false;
  std::function<double(double)> level_;
  std::optional<Eigen::MatrixXd> linear_;
  std::optional<processes::Underdamped> underdamped_;
};

inline processes::ProcessPtr share(PointwiseProcess process) {
  return std::make_shared<PointwiseProcess>(std::move(process));
}

/// Slope of log errors over log sizes by least squares.
inline double observed_order(const std::vector<double>& sizes, const std::vector<double>& errors) {
  double sx = 0, sy = 0, sxx = 0, sxy = 0;
  const double n = static_cast<double>(sizes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const double x = std::log(sizes[i]), y = std::log(errors[i]);
    sx += x, sy += y, sxx += x * x, sxy += x * y;
  }
  return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

/// Mean of values and the standard deviation of that mean.
struct Estimate {
  double mean, deviation;
};
template <class Function>
Estimate estimate(Index count, Function&& value) {
  double sum = 0, squares = 0;
  for (Index i = 0; i < count; ++i) {
    const double v = value(i);
    sum += v, squares += v * v;
  }
  const double n = static_cast<double>(count), mean = sum / n;
  return {mean, std::sqrt(std::max(0.0, squares / n - mean * mean) / n)};
}

}  // namespace fortet::test
