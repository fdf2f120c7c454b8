#include "fortet/base/matrix_exponential.hpp"

#include <unsupported/Eigen/MatrixFunctions>

namespace fortet {

Eigen::MatrixXd matrix_exponential(const Eigen::MatrixXd& matrix) { return matrix.exp(); }

}  // namespace fortet
