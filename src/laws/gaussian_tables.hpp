#pragma once
/// Factors of the covariances of a normal mixture in the layout of its kernels, and its cell masses.
#include "fortet/laws/gaussian_mixture.hpp"

namespace fortet::laws {

/// The cheapest shape that fits all components of a mixture.
enum class CovarianceShape { isotropic, diagonal, full };

struct GaussianTables {
  int dimension = 0;
  CovarianceShape shape = CovarianceShape::isotropic;
  bool has_density = true;                   ///< no singular covariance
  int factor_size = 1;                       ///< 1, d or d(d+1)/2
  std::vector<double> offsets;               ///< log weight - d/2 log 2 pi - 1/2 log det C
  std::vector<double> weights;               ///< normalised
  std::vector<double> means;                 ///< k * d + a
  std::vector<Eigen::MatrixXd> covariances;  ///< one for each component, or one for all
  std::vector<double> factors;           ///< rows of L^{-1}, C = L L^T: 1/sd, or 1/sd_a, or the lower triangle by rows
  std::vector<double> precision_traces;  ///< tr C^{-1}
  std::vector<double> cumulative;        ///< cumulative weights
  std::vector<Eigen::MatrixXd> roots;    ///< R with R R^T = C, for sampling; also of singular C; as the covariances

  Eigen::Map<const Eigen::VectorXd> mean(std::size_t k) const { return {means.data() + k * dimension, dimension}; }
  const Eigen::MatrixXd& covariance(std::size_t k) const { return covariances[covariances.size() == 1 ? 0 : k]; }
  const Eigen::MatrixXd& root(std::size_t k) const { return roots[roots.size() == 1 ? 0 : k]; }
};

/// `means`: mean k at k * dimension; one covariance, or one for each mean. Throws ParameterError("covariances") for a
/// matrix that is no covariance.
GaussianTables make_gaussian_tables(std::vector<double> weights, std::vector<double> means,
                                    std::vector<Eigen::MatrixXd> covariances, int dimension);

/// Diagonal components: products of normal intervals. Full ones: quadrature over all axes but the last of the
/// conditional interval probability of the last, in panels no wider than the scale of the integrand.
void gaussian_cell_masses(const GaussianTables& tables, const std::vector<std::vector<double>>& edges,
                          std::span<double> out);

}  // namespace fortet::laws
