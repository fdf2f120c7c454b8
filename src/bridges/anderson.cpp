#include "anderson.hpp"

#include <Eigen/Core>

#include "fortet/base/linear_algebra.hpp"

namespace fortet::bridges {

namespace {

using Columns = std::vector<std::vector<double>>;

/// Weighted products of each column with a vector, the same bits for any number of ranks. Collective.
std::vector<double> products(const densities::Grid& grid, std::span<const double> weights, const Columns& columns,
                             const std::vector<double>& vector) {
  std::vector<parallel::ExactSum> sums(columns.size());
  std::vector<double> weighted(vector.size()), terms(vector.size());
  for (std::size_t i = 0; i < weighted.size(); ++i) weighted[i] = weights[i] * vector[i];
  for (std::size_t j = 0; j < columns.size(); ++j) {
    for (std::size_t i = 0; i < terms.size(); ++i) terms[i] = weighted[i] * columns[j][i];
    sums[j].add(terms);
  }
  return grid.communicator().sum(sums);
}

/// S with S^T a S = 1 on the directions of the symmetric matrix a >= 0, scaled to a diagonal of ones, whose eigenvalues
/// are above `least`: in the others rounding prevails.
Eigen::MatrixXd whitening(const Eigen::MatrixXd& a, double least) {
  const Eigen::VectorXd scale =
      a.diagonal().unaryExpr([](double square) { return square > 0 ? 1 / std::sqrt(square) : 0.0; });
  const Spectrum spectrum = symmetric_spectrum(scale.asDiagonal() * a * scale.asDiagonal());
  const Eigen::VectorXd factors =
      spectrum.values.unaryExpr([least](double value) { return value > least ? 1 / std::sqrt(value) : 0.0; });
  return scale.asDiagonal() * spectrum.vectors * factors.asDiagonal();
}

}  // namespace

std::vector<double> Anderson::next(const densities::Grid& grid, std::span<const double> weights,
                                   const std::vector<double>& x, const std::vector<double>& g) {
  const std::size_t n = x.size();
  const auto weighted_difference = [&](const std::vector<double>& a, const std::vector<double>& b) {
    std::vector<double> result(n);
    for (std::size_t i = 0; i < n; ++i) result[i] = weights[i] > 0 ? a[i] - b[i] : 0;
    return result;
  };
  const std::vector<double> residual = weighted_difference(g, x);
  if (begun_) {
    if (static_cast<std::int64_t>(residual_differences_.size()) == depth_) {
      residual_differences_.erase(residual_differences_.begin());
      g_differences_.erase(g_differences_.begin());
      products_.erase(products_.begin());
      for (std::vector<double>& row : products_) row.erase(row.begin());
    }
    residual_differences_.push_back(weighted_difference(residual, last_residual_));
    g_differences_.push_back(weighted_difference(g, last_g_));
    products_.push_back(products(grid, weights, residual_differences_, residual_differences_.back()));
  }
  begun_ = true;
  last_residual_ = residual;
  last_g_ = g;
  const Index count = static_cast<Index>(residual_differences_.size());
  std::vector<double> result = g;
  if (count == 0) return result;
  Eigen::MatrixXd matrix(count, count);
  for (Index j = 0; j < count; ++j) {
    for (Index k = 0; k <= j; ++k) matrix(j, k) = matrix(k, j) = products_[j][k];
  }
  const std::vector<double> right_side = products(grid, weights, residual_differences_, residual);
  const Eigen::Map<const Eigen::VectorXd> right(right_side.data(), count);
  const Eigen::MatrixXd s = whitening(matrix, 1e-12);
  const Eigen::VectorXd coefficients = s * (s.transpose() * right);
  for (Index j = 0; j < count; ++j) {
    for (std::size_t i = 0; i < n; ++i) result[i] -= coefficients(j) * g_differences_[j][i];
  }
  return result;
}

std::vector<double> Anderson::restart() {
  begun_ = false;
  last_residual_.clear();
  residual_differences_.clear();
  g_differences_.clear();
  products_.clear();
  return std::exchange(last_g_, {});
}

void Anderson::exchange(io::State& state, const densities::Grid& grid) {
  const Index first = grid.slab().begin * grid.layer_size(), n = grid.local_count();
  const auto rows = [&](const std::string& name, std::vector<double>& values) {
    values.resize(n);
    state.rows(name, values, grid.cell_count(), first, 1);
  };
  std::int64_t count = static_cast<std::int64_t>(residual_differences_.size());
  state.flag("acceleration", begun_);
  state.integer("differences", count);
  if (!begun_) return;
  products_.resize(count);
  for (std::int64_t j = 0; j < count; ++j) state.list("products_" + std::to_string(j), products_[j]);
  rows("residual", last_residual_);
  rows("fixed_point", last_g_);
  residual_differences_.resize(count);
  g_differences_.resize(count);
  for (std::int64_t j = 0; j < count; ++j) {
    rows("residual_difference_" + std::to_string(j), residual_differences_[j]);
    rows("difference_" + std::to_string(j), g_differences_[j]);
  }
}

}  // namespace fortet::bridges
