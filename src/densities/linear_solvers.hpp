#pragma once
/// PETSc's linear solvers as the steady equations use them. All collective.
#include <petscksp.h>

#include "generator_matrix.hpp"

namespace fortet::densities {

using KspOwner = parallel::PetscObjectOwner<KSP, KSPDestroy>;

/// Throws DivergedError, which names `what`, when the solver fails.
void solve(KSP ksp, Vec right, Vec left, const char* what);
void set_direct(PC pc, Mat matrix, const Grid& grid);
KspOwner direct_solver(Mat matrix, const Grid& grid);
KspOwner multigrid_solver(Mat matrix, const Grid& grid);

}  // namespace fortet::densities
