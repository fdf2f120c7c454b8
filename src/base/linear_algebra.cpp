#include "fortet/base/linear_algebra.hpp"

#include <Eigen/Dense>

namespace fortet {

using Eigen::MatrixXd;

Spectrum symmetric_spectrum(const MatrixXd& a) {
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(a);
  return {solver.eigenvalues(), solver.eigenvectors()};
}

Eigen::VectorXd symmetric_eigenvalues(const MatrixXd& a) {
  return Eigen::SelfAdjointEigenSolver<MatrixXd>(a, Eigen::EigenvaluesOnly).eigenvalues();
}

MatrixXd square_root(const MatrixXd& a) {
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(a);
  return solver.eigenvectors() * solver.eigenvalues().cwiseMax(0).cwiseSqrt().asDiagonal() *
         solver.eigenvectors().transpose();
}

MatrixXd spectral_factor(const MatrixXd& a) {
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(a);
  return solver.eigenvectors() * solver.eigenvalues().cwiseMax(0).cwiseSqrt().asDiagonal();
}

std::optional<MatrixXd> cholesky(const MatrixXd& a) {
  const Eigen::LLT<MatrixXd> factor(a);
  if (factor.info() != Eigen::Success) return std::nullopt;
  return factor.matrixL().toDenseMatrix();
}

MatrixXd solve_lower(const MatrixXd& lower, const MatrixXd& b) { return lower.triangularView<Eigen::Lower>().solve(b); }

MatrixXd solve_cholesky(const MatrixXd& lower, const MatrixXd& b) {
  return lower.transpose().triangularView<Eigen::Upper>().solve(solve_lower(lower, b));
}

MatrixXd solve_symmetric(const MatrixXd& a, const MatrixXd& b) { return a.ldlt().solve(b); }

std::optional<MatrixXd> solve_general(const MatrixXd& a, const MatrixXd& b) {
  const Eigen::FullPivLU<MatrixXd> factors(a);
  if (!factors.isInvertible()) return std::nullopt;
  return factors.solve(b);
}

MatrixXd inverse(const MatrixXd& a) { return a.inverse(); }

}  // namespace fortet
