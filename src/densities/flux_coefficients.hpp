#pragma once
/// Coefficients of the flux J = (b - div D) p - D grad p of a process at points.
#include "fortet/processes/process.hpp"

namespace fortet::densities {

/// drift[i] = (b - div D)_k and diffusion[i] = D_kk at (x_i, t) for axis k. Works in blocks of block_size points.
void axis_coefficients(const processes::Process& process, double t, ConstPoints x, int axis, double* drift,
                       double* diffusion);
/// (b - div D)(x_i, t) in d columns, and D in the upper triangle by rows, d(d+1)/2 columns.
void flux_coefficients(const processes::Process& process, double t, ConstPoints x, Points drift, Points diffusion);

/// Column of the entry (axis, axis) in the upper triangle of a symmetric d x d matrix by rows.
inline int diagonal_column(int dimension, int axis) { return axis * dimension - axis * (axis - 1) / 2; }

}  // namespace fortet::densities
