#include "fortet/laws/normal_bridge.hpp"

#include "fortet/base/error.hpp"
#include "fortet/base/linear_algebra.hpp"
#include "fortet/laws/gaussian_mixture.hpp"

namespace fortet::laws {

using Eigen::MatrixXd;

namespace {
/// log det L L^T.
double log_determinant(const MatrixXd& lower) { return 2 * lower.diagonal().array().log().sum(); }
}  // namespace

double normal_divergence(const Moments& a, const Moments& b) {
  const std::optional<MatrixXd> own = cholesky(a.covariance), factor = cholesky(b.covariance);
  if (!own || !factor) {
    throw UsageError("the divergence of normal laws needs positive definite covariances");
  }
  const Eigen::VectorXd shift = b.mean - a.mean;
  return 0.5 * (solve_cholesky(*factor, a.covariance).trace() + solve_lower(*factor, shift).squaredNorm() -
                static_cast<double>(shift.size()) + log_determinant(*factor) - log_determinant(*own));
}

NormalBridge::NormalBridge(Moments source, Moments target, double sigma)
    : source_(std::move(source)), target_(std::move(target)), variance_(sigma * sigma) {
  if (source_.mean.size() != target_.mean.size()) throw UsageError("the ends of a bridge differ in dimension");
  const MatrixXd root = square_root(source_.covariance), identity = MatrixXd::Identity(dimension(), dimension());
  const MatrixXd dm = square_root(4 * root * target_.covariance * root + variance_ * variance_ * identity);
  coupling_ = 0.5 * (root * dm * inverse(root) - variance_ * identity);
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
  if (!cholesky(moments.covariance)) return std::nullopt;
  return moments;
}

}  // namespace fortet::laws
