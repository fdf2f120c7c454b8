#include "gaussian_tables.hpp"

#include <numbers>

#include "fortet/base/linear_algebra.hpp"
#include "quadrature.hpp"

namespace fortet::laws {

using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {
CovarianceShape shape_of(const MatrixXd& c) {
  const Eigen::Index d = c.rows();
  CovarianceShape shape = CovarianceShape::isotropic;
  for (Eigen::Index a = 0; a < d; ++a) {
    for (Eigen::Index b = 0; b < d; ++b) {
      if (a != b && c(a, b) != 0) return CovarianceShape::full;
    }
    if (c(a, a) != c(0, 0)) shape = CovarianceShape::diagonal;
  }
  return shape;
}

void check_covariance(const MatrixXd& c, Eigen::Index d, std::size_t k) {
  const auto fail = [&](const std::string& what) {
    throw ParameterError("covariances", fmt::format("covariance of component {} {}", k + 1, what));
  };
  if (c.rows() != d || c.cols() != d) fail(fmt::format("is {} x {}, expected {} x {}", c.rows(), c.cols(), d, d));
  if (!c.allFinite()) fail("is not finite");
  if ((c - c.transpose()).cwiseAbs().maxCoeff() > 1e-12 * c.cwiseAbs().maxCoeff()) fail("is not symmetric");
  if (c.diagonal().minCoeff() < 0) fail("has a negative variance");
}
}  // namespace

GaussianTables make_gaussian_tables(const std::vector<double>& weights, const std::vector<VectorXd>& means,
                                    const std::vector<MatrixXd>& covariances) {
  GaussianTables t;
  const Eigen::Index d = means.front().size();
  t.dimension = static_cast<int>(d);
  for (std::size_t k = 0; k < means.size(); ++k) {
    if (means[k].size() != d) {
      throw ParameterError("means",
                           fmt::format("mean {} has {} coordinates, the first has {}", k + 1, means[k].size(), d));
    }
    if (!means[k].allFinite()) throw ParameterError("means", fmt::format("mean {} is not finite", k + 1));
    check_covariance(covariances[k], d, k);
    t.shape = std::max(t.shape, shape_of(covariances[k]));
  }
  t.factor_size = static_cast<int>(t.shape == CovarianceShape::isotropic  ? 1
                                   : t.shape == CovarianceShape::diagonal ? d
                                                                          : d * (d + 1) / 2);
  t.factors.reserve(means.size() * t.factor_size);
  double cumulative = 0;
  for (std::size_t k = 0; k < means.size(); ++k) {
    t.means.insert(t.means.end(), means[k].data(), means[k].data() + d);
    t.cumulative.push_back(cumulative += weights[k]);
    const MatrixXd& c = covariances[k];
    double log_determinant = 0, trace = 0;
    if (t.shape != CovarianceShape::full) {
      for (Eigen::Index a = 0; a < d; ++a) {
        if (c(a, a) == 0) t.has_density = false;
        if (t.shape == CovarianceShape::diagonal || a == 0) t.factors.push_back(1 / std::sqrt(c(a, a)));
        log_determinant += std::log(c(a, a)), trace += 1 / c(a, a);
      }
      t.roots.push_back(c.diagonal().cwiseSqrt().asDiagonal());
    } else {
      const std::optional<MatrixXd> lower = cholesky(c);
      // Rounding makes a singular matrix pass the factorisation with a pivot of the size of the rounding error.
      const bool regular = lower && (lower->diagonal().array().square() > 1e-14 * c.diagonal().array()).all();
      if (regular) {
        const MatrixXd inverse = solve_lower(*lower, MatrixXd::Identity(d, d));
        for (Eigen::Index a = 0; a < d; ++a) {
          for (Eigen::Index b = 0; b <= a; ++b) t.factors.push_back(inverse(a, b));
          log_determinant += 2 * std::log((*lower)(a, a));
        }
        trace = inverse.squaredNorm();
        t.roots.push_back(*lower);
      } else {
        const auto [eigenvalues, eigenvectors] = symmetric_spectrum(c);
        if (eigenvalues[0] < -1e-12 * eigenvalues.cwiseAbs().maxCoeff()) {
          throw ParameterError("covariances", fmt::format("covariance of component {} has the negative eigenvalue {}",
                                                          k + 1, eigenvalues[0]));
        }
        // An eigenvalue that is negative by rounding stands for zero.
        t.roots.push_back(eigenvectors * eigenvalues.cwiseMax(0).cwiseSqrt().asDiagonal());
        t.factors.resize(t.factors.size() + t.factor_size, 0.0);
        t.has_density = false;
      }
    }
    t.offsets.push_back(std::log(weights[k]) -
                        0.5 * (static_cast<double>(d) * std::log(2 * std::numbers::pi) + log_determinant));
    t.precision_traces.push_back(trace);
  }
  return t;
}

namespace {
/// Probability of [a, b) under N(mean, deviation^2), of which a point mass is the limit.
double interval(double a, double b, double mean, double deviation) {
  if (deviation == 0) return a <= mean && mean < b ? 1 : 0;
  return normal_interval((a - mean) / deviation, (b - mean) / deviation);
}

void add_diagonal(double weight, const VectorXd& mean, const MatrixXd& covariance,
                  const std::vector<std::vector<double>>& edges, std::span<double> out) {
  std::vector<std::vector<double>> factors(edges.size());
  for (std::size_t k = 0; k < edges.size(); ++k) {
    for (std::size_t i = 0; i + 1 < edges[k].size(); ++i) {
      factors[k].push_back(interval(edges[k][i], edges[k][i + 1], mean[k], std::sqrt(covariance(k, k))));
    }
  }
  for (std::size_t cell = 0; cell < out.size(); ++cell) {
    double mass = weight;
    std::size_t rest = cell;
    for (const auto& factor : factors) {
      mass *= factor[rest % factor.size()];
      rest /= factor.size();
    }
    out[cell] += mass;
  }
}

/// Recursion over the axes: the whitened coordinates z of the axes before `axis` are fixed; `mass` is the weight they
/// carry.
class FullCells {
 public:
  FullCells(const VectorXd& mean, const MatrixXd& covariance, const std::vector<std::vector<double>>& edges,
            std::span<double> out)
      : mean_(mean), lower_(cholesky(covariance).value()), edges_(edges), out_(out), z_(mean.size()) {
    for (int n : {4, 6, 10}) rules_.push_back(gauss_legendre(n));
    // Along axis a the integrand varies on the scale of the conditional deviation of x_a given all others, which is the
    // width of any section of the density.
    const MatrixXd precision = inverse(covariance);
    for (Eigen::Index a = 0; a < mean.size(); ++a) scales_.push_back(1 / std::sqrt(precision(a, a)));
  }
  void add(double weight) { descend(0, weight, 0, 1); }

 private:
  void descend(int axis, double mass, std::size_t offset, std::size_t step) {
    double centre = mean_[axis];
    for (int b = 0; b < axis; ++b) centre += lower_(axis, b) * z_[b];
    const double deviation = lower_(axis, axis);
    const auto& edges = edges_[axis];
    for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
      const double a = (edges[i] - centre) / deviation, b = (edges[i + 1] - centre) / deviation;
      const std::size_t here = offset + i * step;
      if (axis + 1 == mean_.size()) {
        out_[here] += mass * normal_interval(a, b);
        continue;
      }
      constexpr double reach = 9.5;  // less than 1e-20 lies outside
      const double begin = std::max(a, -reach), end = std::min(b, reach);
      if (begin >= end) continue;
      const double scale = scales_[axis] / deviation;
      const int panels = std::max(1, static_cast<int>(std::ceil((end - begin) / scale)));
      const double width = (end - begin) / panels;
      const QuadratureRule& rule = rules_[width < 0.1 * scale ? 0 : width < 0.4 * scale ? 1 : 2];
      for (int panel = 0; panel < panels; ++panel) {
        for (std::size_t node = 0; node < rule.nodes.size(); ++node) {
          const double z = z_[axis] = begin + (panel + rule.nodes[node]) * width;
          const double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
          descend(axis + 1, mass * width * rule.weights[node] * density, here, step * (edges.size() - 1));
        }
      }
    }
  }

  const VectorXd& mean_;
  MatrixXd lower_;
  const std::vector<std::vector<double>>& edges_;
  std::span<double> out_;
  VectorXd z_;
  std::vector<double> scales_;
  std::vector<QuadratureRule> rules_;
};
}  // namespace

void gaussian_cell_masses(const GaussianTables& tables, const std::vector<double>& weights,
                          const std::vector<VectorXd>& means, const std::vector<MatrixXd>& covariances,
                          const std::vector<std::vector<double>>& edges, std::span<double> out) {
  check_edges(edges, tables.dimension, out.size());
  std::fill(out.begin(), out.end(), 0.0);
  for (std::size_t k = 0; k < weights.size(); ++k) {
    if (shape_of(covariances[k]) == CovarianceShape::full) {
      FullCells(means[k], covariances[k], edges, out).add(weights[k]);
    } else {
      add_diagonal(weights[k], means[k], covariances[k], edges, out);
    }
  }
}

}  // namespace fortet::laws
