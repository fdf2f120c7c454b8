#pragma once
/// The generator as an assembled PETSc matrix.
#include "edge_generator.hpp"
#include "fortet/densities/dmda.hpp"

namespace fortet::densities {

enum class MatrixForm {
  forward,     ///< L: acts on masses, columns sum to zero without exits
  transposed,  ///< L^T: acts on functions
  symmetric,   ///< -pi^{-1/2} L pi^{1/2} of a reversible generator: symmetric, positive semi-definite
};

/// Numbering of Grid (that of make_dmda). Collective.
MatOwner assemble(const Grid& grid, const EdgeGenerator& generator, MatrixForm form);
/// A vector of the slab's cells. Collective.
VecOwner make_vector(const Grid& grid);
void copy_to(std::span<const double> values, Vec vector);
void copy_from(Vec vector, std::span<double> values);

}  // namespace fortet::densities
