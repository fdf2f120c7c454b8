#pragma once
/// Coefficients of the flux J = (b - div D) p - D grad p of a process at points.
#include "fortet/processes/process.hpp"

namespace fortet::densities {

/// drift[i] = (b - div D)_k and diffusion[i] = D_kk at (x_i, t) for axis k. Works in blocks of block_size points.
void axis_coefficients(const processes::Process& process, double t, ConstPoints x, int axis, double* drift,
                       double* diffusion);
/// (b - div D)(x_i, t) in d columns, and D in the upper triangle by rows, d(d+1)/2 columns.
void flux_coefficients(const processes::Process& process, double t, ConstPoints x, Points drift, Points diffusion);

}  // namespace fortet::densities
