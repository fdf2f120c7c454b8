#pragma once
#include "fortet/laws/law.hpp"

namespace fortet::laws {

/// sum_k w_k N(m_k, C_k); a component with C_k = 0 is a point mass (then there is no log density). One component: a
/// normal law. Log densities and scores by log-sum-exp over the components, vectorised over points; isotropic and
/// diagonal components take a fast path.
class GaussianMixture : public Law {
 public:
  /// `weights` need not sum to one; `covariances` are symmetric, positive semi-definite.
  GaussianMixture(std::vector<double> weights, std::vector<Eigen::VectorXd> means,
                  std::vector<Eigen::MatrixXd> covariances);
  static std::shared_ptr<const GaussianMixture> normal(Eigen::VectorXd mean, Eigen::MatrixXd covariance);

  const std::vector<double>& weights() const { return weights_; }  ///< normalised
  const std::vector<Eigen::VectorXd>& means() const { return means_; }
  const std::vector<Eigen::MatrixXd>& covariances() const { return covariances_; }

  /// Law of A X + c + N(0, Q).
  std::shared_ptr<const GaussianMixture> affine(const Eigen::MatrixXd& a, const Eigen::VectorXd& c,
                                                const Eigen::MatrixXd& q) const;
  /// out[i] = Laplacian of log p = divergence of the score.
  void score_divergence(ConstPoints x, double* out) const;

  Capabilities capabilities() const override;
  void sample(const parallel::Stream& stream, std::int64_t first, Points out) const override;
  void log_density(ConstPoints x, double* out) const override;
  void score(ConstPoints x, Points out) const override;
  void cell_masses(const std::vector<std::vector<double>>& edges, std::span<double> out) const override;
  Moments moments() const override;
  std::shared_ptr<const GaussianMixture> as_mixture() const override;

 private:
  std::vector<double> weights_;
  std::vector<Eigen::VectorXd> means_;
  std::vector<Eigen::MatrixXd> covariances_;
  struct Tables;  // precomputed factors in the layout of the kernels
  std::shared_ptr<const Tables> tables_;
};

}  // namespace fortet::laws
