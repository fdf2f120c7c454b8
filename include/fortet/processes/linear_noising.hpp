#pragma once
/// The linear noising family dX = -lambda(t) (X - m) dt + g(t) dW with one number each for all coordinates (MATHS
/// section 1): X_t1 | X_t0 ~ N(m + decay (X_t0 - m), variance I).
#include "fortet/processes/process.hpp"

namespace fortet::processes {

class LinearNoising : public Process {
 public:
  LinearNoising(int dimension, double horizon, Eigen::VectorXd mean)
      : Process(dimension, horizon), mean_(std::move(mean)) {}
  LinearNoising(int dimension, double horizon) : LinearNoising(dimension, horizon, Eigen::VectorXd::Zero(dimension)) {}

  const Eigen::VectorXd& mean() const { return mean_; }  ///< m
  virtual double attraction(double t) const = 0;         ///< lambda(t)
  virtual double decay(double t0, double t1) const = 0;  ///< exp(-int lambda)
  virtual double variance(double t0,
                          double t1) const = 0;  ///< int exp(-2 int_s^t1 lambda) g^2 ds, without cancellation

  void drift(double t, ConstPoints x, Points out) const override;
  bool has_drift_divergence() const override { return true; }
  void drift_divergence(double t, ConstPoints x, double* out) const override;
  NoiseShape noise_shape() const override { return NoiseShape::uniform; }
  bool is_axis_separable() const override { return true; }
  laws::LawPtr marginal(const laws::LawPtr& initial, double t) const override;
  std::unique_ptr<const Transition> transition(double t0, double t1) const override;
  std::optional<Eigen::MatrixXd> linear_part(double t) const override;

 protected:
  /// out[i] = factor |x_i - m|^2.
  void quadratic(double factor, ConstPoints x, double* out) const;

 private:
  Eigen::VectorXd mean_;
};

/// lambda = beta/2, g = sqrt(beta). Also the reading of the DDPM chain in continuous time.
ProcessPtr variance_preserving(int dimension, double horizon, std::shared_ptr<const class Schedule> beta);

}  // namespace fortet::processes
