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

namespace {
/// What one covariance adds to the tables.
struct Factors {
  std::vector<double> factors;
  double log_determinant = 0, trace = 0;
  bool has_density = true;
  MatrixXd root;
};

Factors factors_of(const MatrixXd& c, CovarianceShape shape, int factor_size, std::size_t k) {
  const Eigen::Index d = c.rows();
  Factors f;
  if (shape != CovarianceShape::full) {
    for (Eigen::Index a = 0; a < d; ++a) {
      if (c(a, a) == 0) f.has_density = false;
      if (shape == CovarianceShape::diagonal || a == 0) f.factors.push_back(1 / std::sqrt(c(a, a)));
      f.log_determinant += std::log(c(a, a)), f.trace += 1 / c(a, a);
    }
    f.root = c.diagonal().cwiseSqrt().asDiagonal();
    return f;
  }
  const std::optional<MatrixXd> lower = cholesky(c);
  // Rounding makes a singular matrix pass the factorisation with a pivot of the size of the rounding error.
  const bool regular = lower && (lower->diagonal().array().square() > 1e-14 * c.diagonal().array()).all();
  if (regular) {
    const MatrixXd inverse = solve_lower(*lower, MatrixXd::Identity(d, d));
    for (Eigen::Index a = 0; a < d; ++a) {
      for (Eigen::Index b = 0; b <= a; ++b) f.factors.push_back(inverse(a, b));
      f.log_determinant += 2 * std::log((*lower)(a, a));
    }
    f.trace = inverse.squaredNorm();
    f.root = *lower;
    return f;
  }
  const auto [eigenvalues, eigenvectors] = symmetric_spectrum(c);
  if (eigenvalues[0] < -1e-12 * eigenvalues.cwiseAbs().maxCoeff()) {
    throw ParameterError(
        "covariances", fmt::format("covariance of component {} has the negative eigenvalue {}", k + 1, eigenvalues[0]));
  }
  // An eigenvalue that is negative by rounding stands for zero.
  f.root = eigenvectors * eigenvalues.cwiseMax(0).cwiseSqrt().asDiagonal();
  f.factors.assign(factor_size, 0.0);
  f.has_density = false;
  return f;
}
}  // namespace

GaussianTables make_gaussian_tables(std::vector<double> weights, std::vector<double> means,
                                    std::vector<MatrixXd> covariances, int dimension) {
  GaussianTables t;
  const std::size_t count = weights.size();
  t.dimension = dimension;
  for (std::size_t k = 0; k < means.size(); ++k) {
    if (!std::isfinite(means[k]))
      throw ParameterError("means", fmt::format("mean {} is not finite", k / static_cast<std::size_t>(dimension) + 1));
  }
  for (std::size_t k = 0; k < covariances.size(); ++k) {
    check_covariance(covariances[k], dimension, k);
    t.shape = std::max(t.shape, shape_of(covariances[k]));
  }
  t.factor_size = t.shape == CovarianceShape::isotropic  ? 1
                  : t.shape == CovarianceShape::diagonal ? dimension
                                                         : dimension * (dimension + 1) / 2;
  t.factors.reserve(count * t.factor_size);
  for (auto* table : {&t.offsets, &t.precision_traces, &t.cumulative}) table->reserve(count);
  double cumulative = 0;
  Factors own;
  for (std::size_t k = 0; k < count; ++k) {
    t.cumulative.push_back(cumulative += weights[k]);
    if (k < covariances.size()) {
      own = factors_of(covariances[k], t.shape, t.factor_size, k);
      t.roots.push_back(std::move(own.root));
      t.has_density = t.has_density && own.has_density;
    }
    t.factors.insert(t.factors.end(), own.factors.begin(), own.factors.end());
    t.offsets.push_back(std::log(weights[k]) -
                        0.5 * (static_cast<double>(dimension) * std::log(2 * std::numbers::pi) + own.log_determinant));
    t.precision_traces.push_back(own.trace);
  }
  t.weights = std::move(weights);
  t.means = std::move(means);
  t.covariances = std::move(covariances);
  return t;
}

namespace {
/// Probability of [a, b) under N(mean, deviation^2), of which a point mass is the limit.
double interval(double a, double b, double mean, double deviation) {
  if (deviation == 0) return a <= mean && mean < b ? 1 : 0;
  return normal_interval((a - mean) / deviation, (b - mean) / deviation);
}

/// Only the cells within reach of the component get anything: beyond 39 deviations a normal law has no mass in double
/// precision.
void add_diagonal(double weight, const VectorXd& mean, const MatrixXd& covariance,
                  const std::vector<std::vector<double>>& edges, std::span<double> out) {
  constexpr double reach = 39;
  const std::size_t d = edges.size();
  std::vector<std::vector<double>> factors(d);
  std::vector<std::size_t> first(d), stride(d, 1);
  std::size_t count = 1;
  for (std::size_t k = 0; k < d; ++k) {
    const auto& e = edges[k];
    const double deviation = std::sqrt(covariance(k, k));
    const auto from = std::upper_bound(e.begin(), e.end(), mean[k] - reach * deviation),
               to = std::upper_bound(e.begin(), e.end(), mean[k] + reach * deviation);
    first[k] = from == e.begin() ? 0 : from - e.begin() - 1;
    const std::size_t last = std::min<std::size_t>(to - e.begin(), e.size() - 1);
    for (std::size_t i = first[k]; i < last; ++i) factors[k].push_back(interval(e[i], e[i + 1], mean[k], deviation));
    count *= factors[k].size();
    if (k > 0) stride[k] = stride[k - 1] * (edges[k - 1].size() - 1);
  }
  for (std::size_t i = 0; i < count; ++i) {
    double mass = weight;
    std::size_t rest = i, cell = 0;
    for (std::size_t k = 0; k < d; ++k) {
      const std::size_t here = rest % factors[k].size();
      mass *= factors[k][here];
      cell += stride[k] * (first[k] + here);
      rest /= factors[k].size();
    }
    out[cell] += mass;
  }
}

/// Recursion over the axes: the whitened coordinates z of the axes before `axis` are fixed; `mass` is the weight they
/// carry.
class FullCells {
 public:
  FullCells(VectorXd mean, const MatrixXd& covariance, const std::vector<std::vector<double>>& edges,
            std::span<double> out)
      : mean_(std::move(mean)), lower_(cholesky(covariance).value()), edges_(edges), out_(out), z_(mean_.size()) {
    for (int n : {4, 6, 10}) rules_.push_back(gauss_legendre(n));
    // Along axis a the integrand varies on the scale of the conditional deviation of x_a given all others, which is the
    // width of any section of the density.
    const MatrixXd precision = inverse(covariance);
    for (Eigen::Index a = 0; a < mean_.size(); ++a) scales_.push_back(1 / std::sqrt(precision(a, a)));
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

  VectorXd mean_;
  MatrixXd lower_;
  const std::vector<std::vector<double>>& edges_;
  std::span<double> out_;
  VectorXd z_;
  std::vector<double> scales_;
  std::vector<QuadratureRule> rules_;
};
}  // namespace

void gaussian_cell_masses(const GaussianTables& tables, const std::vector<std::vector<double>>& edges,
                          std::span<double> out) {
  check_edges(edges, tables.dimension, out.size());
  std::fill(out.begin(), out.end(), 0.0);
  for (std::size_t k = 0; k < tables.weights.size(); ++k) {
    if (shape_of(tables.covariance(k)) == CovarianceShape::full) {
      FullCells(tables.mean(k), tables.covariance(k), edges, out).add(tables.weights[k]);
    } else {
      add_diagonal(tables.weights[k], tables.mean(k), tables.covariance(k), edges, out);
    }
  }
}

}  // namespace fortet::laws
