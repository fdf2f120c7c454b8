#include "linear_solvers.hpp"

namespace fortet::densities {

void solve(KSP ksp, Vec right, Vec left, const char* what) {
  FORTET_PETSC(KSPSolve(ksp, right, left));
  KSPConvergedReason reason{};
  FORTET_PETSC(KSPGetConvergedReason(ksp, &reason));
  if (reason < 0) throw DivergedError(std::string(what) + ": the linear solver failed: " + KSPConvergedReasons[reason]);
}

/// Factors of a matrix: over several ranks by MUMPS or SuperLU_DIST; when PETSc was built without them every rank
/// factors the whole matrix.
void set_direct(PC pc, Mat matrix, const Grid& grid) {
  FORTET_PETSC(PCSetType(pc, PCLU));
  if (grid.communicator().size() == 1) return;
  for (const MatSolverType package : {MATSOLVERMUMPS, MATSOLVERSUPERLU_DIST}) {
    PetscBool available = PETSC_FALSE;
    FORTET_PETSC(MatGetFactorAvailable(matrix, package, MAT_FACTOR_LU, &available));
    if (!available) continue;
    FORTET_PETSC(PCFactorSetMatSolverType(pc, package));
    return;
  }
  FORTET_PETSC(PCSetType(pc, PCREDUNDANT));
}

/// Direct solver; options with the prefix -density_stationary_ replace it on grids too large for it.
KspOwner direct_solver(Mat matrix, const Grid& grid) {
  KspOwner ksp;
  FORTET_PETSC(KSPCreate(grid.communicator().handle(), ksp.out()));
  FORTET_PETSC(KSPSetOperators(ksp, matrix, matrix));
  FORTET_PETSC(KSPSetType(ksp, KSPGMRES));  // refines the direct solution
  FORTET_PETSC(KSPSetTolerances(ksp, 1e-12, 1e-300, PETSC_DEFAULT, 200));
  PC pc = nullptr;
  FORTET_PETSC(KSPGetPC(ksp, &pc));
  set_direct(pc, matrix, grid);
  FORTET_PETSC(KSPSetOptionsPrefix(ksp, "density_stationary_"));
  FORTET_PETSC(KSPSetFromOptions(ksp));
  return ksp;
}

/// Conjugate gradients with algebraic multigrid built around the (near) null vector of a symmetric matrix.
KspOwner multigrid_solver(Mat matrix, const Grid& grid) {
  KspOwner ksp;
  FORTET_PETSC(KSPCreate(grid.communicator().handle(), ksp.out()));
  FORTET_PETSC(KSPSetOperators(ksp, matrix, matrix));
  FORTET_PETSC(KSPSetType(ksp, KSPCG));
  FORTET_PETSC(KSPSetTolerances(ksp, 1e-12, 1e-300, PETSC_DEFAULT, 2000));
  PC pc = nullptr;
  FORTET_PETSC(KSPGetPC(ksp, &pc));
  FORTET_PETSC(PCSetType(pc, PCGAMG));
  FORTET_PETSC(KSPSetOptionsPrefix(ksp, "density_stationary_"));
  FORTET_PETSC(KSPSetFromOptions(ksp));
  return ksp;
}

}  // namespace fortet::densities
