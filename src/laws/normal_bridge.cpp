#include "fortet/laws/normal_bridge.hpp"

#include <Eigen/Dense>

#include "fortet/base/error.hpp"
#include "fortet/laws/gaussian_mixture.hpp"

namespace fortet::laws {

using Eigen::MatrixXd;

namespace {
MatrixXd square_root(const MatrixXd& matrix) { return Eigen::SelfAdjointEigenSolver<MatrixXd>(matrix).operatorSqrt(); }

double log_determinant(const Eigen::LLT<MatrixXd>& factor) {
  return 2 * factor.matrixL().toDenseMatrix().diagonal().array().log().sum();
}
}  // namespace

double normal_divergence(const Moments& a, const Moments& b) {
  const Eigen::LLT<MatrixXd> own(a.covariance), factor(b.covariance);
  if (own.info() != Eigen::Success || factor.info() != Eigen::Success) {
    throw UsageError("the divergence of normal laws needs positive definite covariances");
  }
  const Eigen::VectorXd shift = b.mean - a.mean;
  return 0.5 * (factor.solve(a.covariance).trace() + shift.dot(factor.solve(shift)) -
                static_cast<double>(shift.size()) + log_determinant(factor) - log_determinant(own));
}

NormalBridge::NormalBridge(Moments source, Moments target, double sigma)
    : source_(std::move(source)), target_(std::move(target)), variance_(sigma * sigma) {
  if (source_.mean.size() != target_.mean.size()) throw UsageError("the ends of a bridge differ in dimension");
  const MatrixXd root = square_root(source_.covariance), identity = MatrixXd::Identity(dimension(), dimension());
  const MatrixXd dm = square_root(4 * root * target_.covariance * root + variance_ * variance_ * identity);
  coupling_ = 0.5 * (root * dm * root.inverse() - variance_ * identity);
}

Moments NormalBridge::at(double t) const {
  const MatrixXd identity = MatrixXd::Identity(dimension(), dimension());
  return {(1 - t) * source_.mean + t * target_.mean,
          (1 - t) * (1 - t) * source_.covariance + t * t * target_.covariance +
              t * (1 - t) * (coupling_ + coupling_.transpose() + variance_ * identity)};
}

Moments NormalBridge::ends() const {
  const Index d = dimension();
  Moments joint{Eigen::VectorXd(2 * d), MatrixXd(2 * d, 2 * d)};
  joint.mean << source_.mean, target_.mean;
  joint.covariance << source_.covariance, coupling_, coupling_.transpose(), target_.covariance;
  return joint;
}

std::optional<Moments> normal_moments(const Law& law) {
  const auto mixture = law.as_mixture();
  if (!mixture || mixture->weights().size() != 1) return std::nullopt;
  Moments moments = law.moments();
  if (Eigen::LLT<MatrixXd>(moments.covariance).info() != Eigen::Success) return std::nullopt;
  return moments;
}

}  // namespace fortet::laws
