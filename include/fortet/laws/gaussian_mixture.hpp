#pragma once
#include "fortet/laws/law.hpp"

namespace fortet::laws {

/// The means of a mixture, which lie in one table.
class MeansView {
 public:
  using Mean = Eigen::Map<const Eigen::VectorXd>;
  MeansView(const std::vector<double>& table, int dimension) : table_(&table), dimension_(dimension) {}
  std::size_t size() const { return table_->size() / static_cast<std::size_t>(dimension_); }
  Mean operator[](std::size_t k) const {
    return {table_->data() + k * static_cast<std::size_t>(dimension_), dimension_};
  }
  bool operator==(const MeansView& other) const { return dimension_ == other.dimension_ && *table_ == *other.table_; }

 private:
  const std::vector<double>* table_;
  int dimension_;
};

/// The covariances of a mixture; equal ones are one matrix.
class CovariancesView {
 public:
  CovariancesView(const std::vector<Eigen::MatrixXd>& matrices, std::size_t count)
      : matrices_(&matrices), count_(count) {}
  std::size_t size() const { return count_; }
  const Eigen::MatrixXd& operator[](std::size_t k) const { return (*matrices_)[matrices_->size() == 1 ? 0 : k]; }
  bool are_equal() const { return matrices_->size() == 1; }
  bool operator==(const CovariancesView& other) const {
    if (count_ != other.count_) return false;
    const std::size_t distinct = are_equal() && other.are_equal() ? 1 : count_;
    for (std::size_t k = 0; k < distinct; ++k) {
      if ((*this)[k] != other[k]) return false;
    }
    return true;
  }

 private:
  const std::vector<Eigen::MatrixXd>* matrices_;
  std::size_t count_;
};

/// sum_k w_k N(m_k, C_k); a component with C_k = 0 is a point mass (then there is no log density). One component: a
/// normal law. Log densities and scores by log-sum-exp over the components, vectorised over points; isotropic and
/// diagonal components take a fast path.
class GaussianMixture : public Law, public std::enable_shared_from_this<GaussianMixture> {
 public:
  /// `weights` need not sum to one; `covariances` are symmetric, positive semi-definite.
  GaussianMixture(std::vector<double> weights, std::vector<Eigen::VectorXd> means,
                  std::vector<Eigen::MatrixXd> covariances);
  /// Many components with one covariance, as laws of points have them: `means` holds mean k at k * dimension.
  static std::shared_ptr<const GaussianMixture> equal(std::vector<double> weights, std::vector<double> means,
                                                      Eigen::MatrixXd covariance);
  static std::shared_ptr<const GaussianMixture> normal(Eigen::VectorXd mean, Eigen::MatrixXd covariance);

  const std::vector<double>& weights() const;  ///< normalised
  MeansView means() const;
  CovariancesView covariances() const;

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
  double bytes() const override;

 private:
  struct Tables;  // weights, means and covariances, and their factors in the layout of the kernels
  explicit GaussianMixture(std::shared_ptr<const Tables> tables);
  static std::shared_ptr<const Tables> tables_of(std::vector<double> weights, std::vector<double> means,
                                                 std::vector<Eigen::MatrixXd> covariances, int dimension);
  std::shared_ptr<const Tables> tables_;
};

}  // namespace fortet::laws
