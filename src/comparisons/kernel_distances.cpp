// Energy distance and maximum mean discrepancy: quadratic forms of the difference of the cell masses.
#include "fortet/comparisons/statistic.hpp"
#include "marginals.hpp"

namespace fortet::comparisons {
namespace {

/// (q - p)^T K (q - p) over the bins.
class QuadraticForm : public Statistic {
 public:
  QuadraticForm(Eigen::MatrixXd kernel, const char* unit) : kernel_(std::move(kernel)), unit_(unit) {}
  double value(std::span<const double> reference, std::span<const double> observed) const override {
    const Eigen::VectorXd difference = vector_of(observed, kernel_.rows()) - vector_of(reference, kernel_.rows());
    return difference.dot(kernel_.selfadjointView<Eigen::Lower>() * difference);
  }
  int order() const override { return 2; }
  const char* defect_unit() const override { return unit_; }

 private:
  Eigen::MatrixXd kernel_;
  const char* unit_;
};

Eigen::MatrixXd distances(const Bins& bins) {
  const int d = bins.dimension();
  const std::vector<double> points = centres(bins);
  Eigen::MatrixXd result(bins.count(), bins.count());
  for (Index j = 0; j < bins.count(); ++j) {
    for (Index i = 0; i < bins.count(); ++i) {
      double squared = 0;
      for (int k = 0; k < d; ++k) squared += std::pow(points[i * d + k] - points[j * d + k], 2);
      result(i, j) = std::sqrt(squared);
    }
  }
  return result;
}

/// |x - c| + |y - c| - |x - y| with c the mean of the reference: positive semidefinite (Sejdinovic et al. 2013), and
/// the same as -|x - y| for differences without total mass. Mass outside of the bins counts as if it lay at c.
Eigen::MatrixXd energy_kernel(const Bins& bins, std::span<const double> reference) {
  const Index n = bins.count();
  const Eigen::MatrixXd x = centre_rows(bins);
  const Eigen::VectorXd p = vector_of(reference, n);
  const Eigen::RowVectorXd centre = p.sum() > 0 ? Eigen::RowVectorXd(p.transpose() * x / p.sum()) : x.colwise().mean();
  const Eigen::VectorXd radius = (x.rowwise() - centre).rowwise().norm();
  Eigen::MatrixXd kernel = -distances(bins);
  kernel.colwise() += radius;
  kernel.rowwise() += radius.transpose();
  return kernel;
}

/// Mean distance of two independent points of a law.
double mean_distance(const Eigen::MatrixXd& distance, std::span<const double> masses) {
  const Eigen::VectorXd p = vector_of(masses, distance.rows());
  const double mean = p.dot(distance * p) / std::pow(p.sum(), 2);
  return mean > 0 ? mean : distance.maxCoeff();  // all mass in one bin, or none inside
}

const Registered<StatisticFactory> energy{
    Schema{"statistics",
           "energy",
           "Energy distance 2 E|X-Y| - E|X-X'| - E|Y-Y'| of the binned laws; mass outside counts as at the mean.",
           "Szekely, Rizzo 2013",
           {}},
    StatisticFactory{[](const Parameters&, const StatisticContext& context) {
                       return std::make_unique<QuadraticForm>(energy_kernel(context.bins, context.reference),
                                                              "squared energy distance");
                     },
                     576, 4096}};

const Registered<StatisticFactory> mmd{
    Schema{"statistics",
           "mmd",
           "Squared maximum mean discrepancy of the binned laws with the kernel exp(-|x-y|^2 / (2 bandwidth^2)).",
           "Gretton et al. 2012",
           {optional("bandwidth", {Type::real},
                     "length of the kernel; default: mean distance of two points of the reference")
                .positive()}},
    StatisticFactory{[](const Parameters& parameters, const StatisticContext& context) {
                       const Eigen::MatrixXd distance = distances(context.bins);
                       const double bandwidth = parameters.has("bandwidth")
                                                    ? parameters.real("bandwidth")
                                                    : mean_distance(distance, context.reference);
                       Eigen::MatrixXd kernel = (-distance.array().square() / (2 * bandwidth * bandwidth)).exp();
                       return std::make_unique<QuadraticForm>(std::move(kernel), "squared discrepancy");
                     },
                     576, 4096}};

}  // namespace
}  // namespace fortet::comparisons
