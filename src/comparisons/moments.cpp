// Means and second moments of the binned laws, as one Hotelling statistic.
#include "fortet/base/linear_algebra.hpp"
#include "fortet/comparisons/statistic.hpp"
#include "marginals.hpp"

namespace fortet::comparisons {
namespace {

/// z^T S^-1 z with z the difference of all first and second moments (coordinates scaled by the reference's standard
/// deviation) and S their covariance under the reference; without particles the largest absolute entry of z.
class MomentDifference : public Statistic {
 public:
  explicit MomentDifference(const StatisticContext& context) : sampling_(context.sampling) {
    const Bins& bins = context.bins;
    const int d = bins.dimension(), m = d + d * (d + 1) / 2;
    const Index n = bins.count();
    const Eigen::VectorXd p = vector_of(context.reference, n);
    const Eigen::MatrixXd x = centre_rows(bins);
    const double inside = p.sum() > 0 ? p.sum() : 1;
    const Eigen::RowVectorXd mean = p.transpose() * x / inside;
    Eigen::MatrixXd centred = x.rowwise() - mean;
    const Eigen::RowVectorXd variance = p.transpose() * centred.array().square().matrix() / inside;
    for (int k = 0; k < d; ++k) {
      if (variance[k] > 0) centred.col(k) /= std::sqrt(variance[k]);
    }
    features_.resize(n, m);
    features_.leftCols(d) = centred;
    for (int i = 0, column = d; i < d; ++i) {
      for (int j = i; j < d; ++j) features_.col(column++) = centred.col(i).cwiseProduct(centred.col(j));
    }
    const Eigen::RowVectorXd feature_mean = p.transpose() * features_;
    Eigen::VectorXd second = p;
    if (!sampling_.variance_ratio.empty()) second.array() *= vector_of(sampling_.variance_ratio, n).array();
    const Eigen::MatrixXd covariance =
        features_.transpose() * second.asDiagonal() * features_ - feature_mean.transpose() * feature_mean;
    // The features are of order one. One without variance under the reference must not vary at all: a tiny ridge keeps
    // its row finite.
    const double ridge = 1e-12 * (1 + covariance.trace() / m);
    inverse_ = solve_symmetric(covariance + ridge * Eigen::MatrixXd::Identity(m, m), Eigen::MatrixXd::Identity(m, m));
  }

  double value(std::span<const double> reference, std::span<const double> observed) const override {
    const Eigen::VectorXd masses = vector_of(observed, features_.rows()) - vector_of(reference, features_.rows());
    const Eigen::VectorXd difference = features_.transpose() * masses;
    if (sampling_.inverse_size == 0) return difference.cwiseAbs().maxCoeff();
    return difference.dot(inverse_ * difference) / sampling_.inverse_size;
  }
  int order() const override { return 2; }
  const char* defect_unit() const override { return "squared deviation in units of its covariance"; }

 private:
  const Sampling& sampling_;
  Eigen::MatrixXd features_, inverse_;
};

const Registered<StatisticFactory> registered_moments{
    Schema{"statistics",
           "moments",
           "Mean and second moments of the binned laws, together in one "
           "Hotelling statistic; without particles their largest "
           "difference in units of the standard deviations.",
           "Hotelling 1931",
           {}},
    StatisticFactory{
        [](const Parameters&, const StatisticContext& context) { return std::make_unique<MomentDifference>(context); },
        4096, 65536}};

}  // namespace
}  // namespace fortet::comparisons
