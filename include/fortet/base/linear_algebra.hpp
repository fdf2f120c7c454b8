#pragma once
/// Decompositions of dense matrices of moderate size, in one compiled place: the templates behind them are slow to
/// compile. All take matrices of any size; those of symmetric matrices read the lower triangle.
#include <Eigen/Core>
#include <optional>

namespace fortet {

/// a = vectors diag(values) vectors^T, eigenvalues ascending, eigenvectors in the columns.
struct Spectrum {
  Eigen::VectorXd values;
  Eigen::MatrixXd vectors;
};
Spectrum symmetric_spectrum(const Eigen::MatrixXd& a);
/// Ascending.
Eigen::VectorXd symmetric_eigenvalues(const Eigen::MatrixXd& a);

/// The positive root of a symmetric a >= 0. An eigenvalue that is negative by rounding stands for zero.
Eigen::MatrixXd square_root(const Eigen::MatrixXd& a);
/// R with R R^T = a, symmetric a >= 0, also a singular one: V diag(values)^{1/2}; as above.
Eigen::MatrixXd spectral_factor(const Eigen::MatrixXd& a);

/// L, lower triangular, with L L^T = a; none when a is not positive definite.
std::optional<Eigen::MatrixXd> cholesky(const Eigen::MatrixXd& a);
/// L^{-1} b for a lower triangular L, and (L L^T)^{-1} b.
Eigen::MatrixXd solve_lower(const Eigen::MatrixXd& lower, const Eigen::MatrixXd& b);
Eigen::MatrixXd solve_cholesky(const Eigen::MatrixXd& lower, const Eigen::MatrixXd& b);

/// a^{-1} b: of a symmetric a (pivoted L D L^T), and of any, none when a is singular to rounding (full pivoting).
Eigen::MatrixXd solve_symmetric(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b);
std::optional<Eigen::MatrixXd> solve_general(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b);
/// a^{-1}, not finite for a singular a (partial pivoting).
Eigen::MatrixXd inverse(const Eigen::MatrixXd& a);

/// e^a by scaling and squaring with Pade approximants (Higham 2005).
Eigen::MatrixXd matrix_exponential(const Eigen::MatrixXd& a);

}  // namespace fortet
