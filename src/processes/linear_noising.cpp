#include "fortet/processes/linear_noising.hpp"

#include "fortet/laws/gaussian_mixture.hpp"
#include "parameters.hpp"

namespace fortet::processes {

using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {
class IsotropicTransition : public Transition {
 public:
  IsotropicTransition(double decay, double deviation, VectorXd mean)
      : decay_(decay), deviation_(deviation), mean_(std::move(mean)) {}
  int draws() const override { return static_cast<int>(mean_.size()); }
  void apply(ConstPoints normals, Points x) const override {
    for (int k = 0; k < x.dimension(); ++k) {
      double* value = x.coordinate(k);
      const double* normal = normals.coordinate(k);
      const double mean = mean_[k];
#pragma omp simd
      for (Index i = 0; i < x.size(); ++i) value[i] = mean + decay_ * (value[i] - mean) + deviation_ * normal[i];
    }
  }

 private:
  double decay_, deviation_;
  VectorXd mean_;
};
}  // namespace

void LinearNoising::drift(double t, ConstPoints x, Points out) const {
  const double rate = attraction(t);
  for (int k = 0; k < x.dimension(); ++k) {
    const double* __restrict from = x.coordinate(k);
    double* __restrict to = out.coordinate(k);
    const double mean = mean_[k];
#pragma omp simd
    for (Index i = 0; i < x.size(); ++i) to[i] = rate * (mean - from[i]);
  }
}

void LinearNoising::drift_divergence(double t, ConstPoints x, double* out) const {
  std::fill_n(out, x.size(), -dimension() * attraction(t));
}

laws::LawPtr LinearNoising::marginal(const laws::LawPtr& initial, double t) const {
  return mixture_marginal(*this, initial, t, [&](const laws::GaussianMixture& mixture) {
    const MatrixXd identity = MatrixXd::Identity(dimension(), dimension());
    const double alpha = decay(0, t);
    return mixture.affine(alpha * identity, (1 - alpha) * mean_, variance(0, t) * identity);
  });
}

std::unique_ptr<const Transition> LinearNoising::transition(double t0, double t1) const {
  return std::make_unique<IsotropicTransition>(decay(t0, t1), std::sqrt(variance(t0, t1)), mean_);
}

std::optional<MatrixXd> LinearNoising::linear_part(double t) const {
  return MatrixXd::Identity(dimension(), dimension()) * -attraction(t);
}

void LinearNoising::quadratic(double factor, ConstPoints x, double* out) const {
  std::fill_n(out, x.size(), 0.0);
  for (int k = 0; k < x.dimension(); ++k) {
    for (Index i = 0; i < x.size(); ++i) out[i] += factor * (x(i, k) - mean_[k]) * (x(i, k) - mean_[k]);
  }
}

}  // namespace fortet::processes
