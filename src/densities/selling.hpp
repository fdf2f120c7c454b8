#pragma once
/// Selling's decomposition of a positive definite form: M = sum_k weight_k e_k e_k^T with nonnegative weights and
/// integer e_k (Selling 1874; Bonnans, Ottenwaelter, Zidani 2004; Fehrenbach, Mirebeau 2014). It keeps diffusion
/// stencils monotone for any anisotropy.
#include <array>
#include <vector>

namespace fortet::densities {

struct SellingTerm {
  std::array<int, 3> offset;  ///< the last nonzero component is positive
  double weight;
};

/// `matrix`: upper triangle by rows of a d x d matrix, d = 2 or 3; at most 3 or 6 terms of positive weight. Empty when
/// the matrix is not positive definite (or too elongated for offsets below about 100 cells).
std::vector<SellingTerm> selling_decomposition(int dimension, const double* matrix);

}  // namespace fortet::densities
