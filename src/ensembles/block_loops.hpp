#pragma once
/// Linear combinations of blocks of points.
#include <Eigen/Core>
#include <algorithm>

#include "fortet/base/points.hpp"

namespace fortet::ensembles {

/// out = x + a y.
inline void combine(ConstPoints x, double a, ConstPoints y, Points out) {
  for (int k = 0; k < x.dimension(); ++k) {
    const double *const xk = x.coordinate(k), *const yk = y.coordinate(k);
    double* const ok = out.coordinate(k);
#pragma omp simd
    for (Index i = 0; i < x.size(); ++i) ok[i] = xk[i] + a * yk[i];
  }
}

/// x += a y.
inline void add(Points x, double a, ConstPoints y) {
  for (int k = 0; k < x.dimension(); ++k) {
    double* const xk = x.coordinate(k);
    const double* const yk = y.coordinate(k);
#pragma omp simd
    for (Index i = 0; i < x.size(); ++i) xk[i] += a * yk[i];
  }
}

inline void copy(ConstPoints from, Points to) {
  for (int k = 0; k < from.dimension(); ++k) std::copy_n(from.coordinate(k), from.size(), to.coordinate(k));
}

inline void fill(Points x, double value) {
  for (int k = 0; k < x.dimension(); ++k) std::fill_n(x.coordinate(k), x.size(), value);
}

/// out += M x for every point.
inline void add_product(const Eigen::MatrixXd& matrix, ConstPoints x, Points out) {
  for (int r = 0; r < matrix.rows(); ++r) {
    double* const sum = out.coordinate(r);
    for (int c = 0; c < matrix.cols(); ++c) {
      const double factor = matrix(r, c);
      const double* const xc = x.coordinate(c);
#pragma omp simd
      for (Index i = 0; i < x.size(); ++i) sum[i] += factor * xc[i];
    }
  }
}

}  // namespace fortet::ensembles
