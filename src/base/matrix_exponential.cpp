#include <unsupported/Eigen/MatrixFunctions>

#include "fortet/base/linear_algebra.hpp"

namespace fortet {

Eigen::MatrixXd matrix_exponential(const Eigen::MatrixXd& matrix) { return matrix.exp(); }

}  // namespace fortet
