#pragma once
/// Cosine transform of lines: the eigenvectors of the second difference with reflecting ends,
///   y_p = sum_j c_p cos(pi p (j + 1/2) / n) x_j  (DCT-II, orthonormal),  eigenvalue (2 - 2 cos(pi p / n)) / h^2.
/// A product with the two halves of the matrix (even and odd p) in vector lanes: n^2/2 multiply-adds per line of the
/// short lengths of space-time grids, and every line has the same bits wherever it lies.
#include "fortet/densities/lines.hpp"

namespace fortet::bridges {

class CosineTransform {
 public:
  explicit CosineTransform(Index length);
  /// Transforms all lines in place, on the calling thread.
  void forward(double* data, const densities::LineSet& lines) const { run(data, lines, true); }
  void inverse(double* data, const densities::LineSet& lines) const { run(data, lines, false); }
  /// (2 - 2 cos(pi p / n)) / width^2, p < length.
  static std::vector<double> eigenvalues(Index length, double width);

 private:
  void run(double* data, const densities::LineSet& lines, bool is_forward) const;

  Index length_, evens_, odds_;
  std::vector<double> even_, odd_, even_transposed_, odd_transposed_;  ///< rows in panels, see multiply()
};

}  // namespace fortet::bridges
