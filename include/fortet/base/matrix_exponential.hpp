#pragma once
#include <Eigen/Core>

namespace fortet {

/// e^A by scaling and squaring with Pade approximants (Higham 2005). One compiled place: the template is slow to compile.
Eigen::MatrixXd matrix_exponential(const Eigen::MatrixXd& matrix);

}  // namespace fortet
