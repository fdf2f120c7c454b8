// Stationary law and spectral gap from the assembled generator.
#ifdef FORTET_HAVE_SLEPC
#include <slepceps.h>
#endif

#include "assumptions.hpp"
#include "fortet/base/linear_algebra.hpp"
#include "fortet/densities/density.hpp"
#include "linear_solvers.hpp"

namespace fortet::densities {

namespace {

/// Potential at the cell centres, shifted so that its smallest value is zero.
std::vector<double> potential_of(const processes::Process& process, const Grid& grid) {
  std::vector<double> v(grid.local_count());
  PointArray x(block_size, grid.dimension());
  for (Index begin = 0; begin < grid.local_count(); begin += block_size) {
    const Index count = std::min(block_size, grid.local_count() - begin);
    grid.local_centres(begin, x.view().slice(0, count));
    process.potential(ConstPoints(x.view().slice(0, count)), v.data() + begin);
  }
  const double lowest = grid.communicator().min(*std::min_element(v.begin(), v.end()));
  for (double& value : v) value -= lowest;
  return v;
}

void refuse_exits(const EdgeGenerator& generator, const Grid& grid, const char* what) {
  if (grid.communicator().any(!generator.exits().empty())) {
    throw UsageError(std::string(what) + " needs a grid that nothing leaves (no_flux or periodic sides)");
  }
}

/// Cells up to which a direct factorisation is cheap; it does not mind barriers, behind which rates span hundreds of
/// decades.
constexpr Index direct_cells = 200000;

/// Smallest eigenvalue of a symmetric positive semi-definite matrix on the complement of its null vector: Lanczos
/// iteration with the inverse of matrix + shift.
double smallest_nonzero(Mat matrix, Vec null_vector, double largest_rate, const Grid& grid) {
  const MPI_Comm handle = grid.communicator().handle();
  MatNullSpace space = nullptr;
  FORTET_PETSC(MatNullSpaceCreate(handle, PETSC_FALSE, 1, &null_vector, &space));
  const parallel::PetscObjectOwner<MatNullSpace, MatNullSpaceDestroy> owner(space);
  const double shift = 1e-9 * largest_rate;  // makes the matrix regular; taken off the result exactly
  FORTET_PETSC(MatShift(matrix, shift));
  FORTET_PETSC(MatSetNearNullSpace(matrix, space));
  FORTET_PETSC(MatSetOption(matrix, MAT_SPD, PETSC_TRUE));
  const KspOwner ksp = grid.cell_count() <= direct_cells ? direct_solver(matrix, grid) : multigrid_solver(matrix, grid);

  const auto project = [&](Vec v) { FORTET_PETSC(MatNullSpaceRemove(space, v)); };
  std::vector<VecOwner> basis;
  basis.push_back(make_vector(grid));
  {
    std::vector<double> start(grid.local_count());
    const std::int64_t first = grid.slab().begin * grid.layer_size();
    for (std::size_t i = 0; i < start.size(); ++i) {
      const double s = static_cast<double>(first + static_cast<std::int64_t>(i));
      start[i] = std::sin(1.0 + 0.7 * s) + s / static_cast<double>(grid.cell_count());
    }
    copy_to(start, basis[0]);
  }
  // One smoothing by the inverse makes the start rich in slow modes.
  project(basis[0]);
  VecOwner w = make_vector(grid);
  solve(ksp, basis[0], w, "spectral gap");
  FORTET_PETSC(VecCopy(w, basis[0]));
  project(basis[0]);
  FORTET_PETSC(VecNormalize(basis[0], nullptr));
  constexpr int most = 60;
  std::vector<double> diagonal, beside;
  double previous = 0;
  for (int k = 0; k < most; ++k) {
    solve(ksp, basis[k], w, "spectral gap");
    project(w);
    double alpha = 0, beta = 0;
    FORTET_PETSC(VecDot(w, basis[k], &alpha));
    for (int pass = 0; pass < 2; ++pass) {
      for (const VecOwner& v : basis) {
        double overlap = 0;
        FORTET_PETSC(VecDot(w, v, &overlap));
        FORTET_PETSC(VecAXPY(w, -overlap, v));
      }
    }
    diagonal.push_back(alpha);
    Eigen::MatrixXd small = Eigen::MatrixXd::Zero(k + 1, k + 1);
    for (int i = 0; i <= k; ++i) {
      small(i, i) = diagonal[i];
      if (i < k) small(i, i + 1) = small(i + 1, i) = beside[i];
    }
    const Spectrum ritz = symmetric_spectrum(small);
    const double largest = ritz.values[k];
    FORTET_PETSC(VecNorm(w, NORM_2, &beta));
    // Residual of the Ritz pair; the eigenvalue's own error is its square over the distance to the next.
    const double residual = beta * std::abs(ritz.vectors(k, k));
    if (residual < 1e-7 * largest && std::abs(largest - previous) < 1e-11 * largest) return 1 / largest - shift;
    if (beta < 1e-14 * largest) return 1 / largest - shift;
    previous = largest;
    beside.push_back(beta);
    basis.push_back(make_vector(grid));
    FORTET_PETSC(VecCopy(w, basis.back()));
    FORTET_PETSC(VecScale(basis.back(), 1 / beta));
  }
  throw DivergedError("spectral gap: Lanczos iteration did not converge in " + std::to_string(most) + " steps");
}

/// The rates are in detailed balance with e^{-V} at the cell centres.
bool is_reversible(const processes::Process& process, const Grid& grid) {
  if (!has_equilibrium(process, grid)) return false;
  for (int axis = 0; axis < grid.dimension(); ++axis) {
    if (needs_cell_rates(process, grid, axis)) return false;
  }
  return true;
}

}  // namespace

Snapshot stationary(const processes::Process& process, const GridPtr& grid, double t) {
  EdgeGenerator generator(process, *grid);
  generator.build(t);
  refuse_exits(generator, *grid, "a stationary law");
  const std::vector<double> volumes = grid->local_volumes();
  std::vector<double> masses(grid->local_count());
  if (is_reversible(process, *grid)) {
    const std::vector<double> v = potential_of(process, *grid);
    for (std::size_t i = 0; i < masses.size(); ++i) masses[i] = std::exp(-v[i]) * volumes[i];
  } else {
    // Inverse iteration with L - s: one implicit step far longer than any time scale of the process.
    MatOwner matrix = assemble(*grid, generator, MatrixForm::forward);
    const double shift = 1e-13 * generator.largest();
    FORTET_PETSC(MatScale(matrix, -1));
    FORTET_PETSC(MatShift(matrix, shift));
    const KspOwner ksp = direct_solver(matrix, *grid);
    VecOwner p = make_vector(*grid), next = make_vector(*grid);
    copy_to(volumes, p);
    double change = 1;
    for (int iteration = 0; iteration < 20 && change > 1e-13; ++iteration) {
      solve(ksp, p, next, "stationary law");
      double sum = 0;
      FORTET_PETSC(VecSum(next, &sum));
      FORTET_PETSC(VecScale(next, 1 / sum));
      FORTET_PETSC(VecAXPY(p, -1, next));
      FORTET_PETSC(VecNorm(p, NORM_1, &change));
      FORTET_PETSC(VecCopy(next, p));
    }
    if (!(change < 1e-8))
      throw DivergedError("stationary law: inverse iteration did not converge; the process may have several");
    copy_from(p, masses);
  }
  parallel::ExactSum sum;
  sum.add(std::span<const double>(masses));
  const double total = grid->communicator().sum(sum);
  Snapshot result{t, std::move(masses)};
  for (std::size_t i = 0; i < volumes.size(); ++i) result.values[i] /= total * volumes[i];
  return result;
}

double spectral_gap(const processes::Process& process, const GridPtr& grid, double t) {
  EdgeGenerator generator(process, *grid);
  generator.build(t);
  refuse_exits(generator, *grid, "a spectral gap");
  if (is_reversible(process, *grid)) {
    const MatOwner matrix = assemble(*grid, generator, MatrixForm::symmetric);
    std::vector<double> root = potential_of(process, *grid);
    const std::vector<double> volumes = grid->local_volumes();
    for (std::size_t i = 0; i < root.size(); ++i) root[i] = std::exp(-0.5 * root[i]) * std::sqrt(volumes[i]);
    const VecOwner null_vector = make_vector(*grid);
    copy_to(root, null_vector);
    FORTET_PETSC(VecNormalize(null_vector, nullptr));
    return smallest_nonzero(matrix, null_vector, generator.largest(), *grid);
  }
#ifdef FORTET_HAVE_SLEPC
  const MatOwner matrix = assemble(*grid, generator, MatrixForm::transposed);
  const parallel::PetscObjectOwner<EPS, EPSDestroy> eps = [&] {
    EPS handle = nullptr;
    FORTET_PETSC(EPSCreate(grid->communicator().handle(), &handle));
    return parallel::PetscObjectOwner<EPS, EPSDestroy>(handle);
  }();
  // The constants are the null vector of L^T; what is nearest to a point just right of zero is what decays slowest.
  VecOwner ones = make_vector(*grid);
  FORTET_PETSC(VecSet(ones, 1));
  Vec deflated = ones;
  FORTET_PETSC(EPSSetOperators(eps, matrix, nullptr));
  FORTET_PETSC(EPSSetProblemType(eps, EPS_NHEP));
  FORTET_PETSC(EPSSetDeflationSpace(eps, 1, &deflated));
  FORTET_PETSC(EPSSetWhichEigenpairs(eps, EPS_TARGET_MAGNITUDE));
  FORTET_PETSC(EPSSetTarget(eps, 1e-9 * generator.largest()));
  FORTET_PETSC(EPSSetDimensions(eps, 6, PETSC_DEFAULT, PETSC_DEFAULT));
  FORTET_PETSC(EPSSetTolerances(eps, 1e-10, 1000));
  ST transform = nullptr;
  KSP ksp = nullptr;
  PC pc = nullptr;
  FORTET_PETSC(EPSGetST(eps, &transform));
  FORTET_PETSC(STSetType(transform, STSINVERT));
  FORTET_PETSC(STGetKSP(transform, &ksp));
  FORTET_PETSC(KSPSetType(ksp, KSPPREONLY));
  FORTET_PETSC(KSPGetPC(ksp, &pc));
  set_direct(pc, matrix, *grid);
  FORTET_PETSC(EPSSetOptionsPrefix(eps, "density_gap_"));
  FORTET_PETSC(EPSSetFromOptions(eps));
  FORTET_PETSC(EPSSolve(eps));
  EPSConvergedReason reason{};
  PetscInt found = 0;
  FORTET_PETSC(EPSGetConvergedReason(eps, &reason));
  FORTET_PETSC(EPSGetConverged(eps, &found));
  if (reason < 0 || found == 0) throw DivergedError("spectral gap: the eigenvalue solver did not converge");
  double gap = std::numeric_limits<double>::infinity();
  for (PetscInt i = 0; i < found; ++i) {
    double real = 0, imaginary = 0;
    FORTET_PETSC(EPSGetEigenvalue(eps, i, &real, &imaginary));
    if (std::hypot(real, imaginary) > 1e-12 * generator.largest()) gap = std::min(gap, -real);
  }
  if (!std::isfinite(gap) || gap < -1e-9 * generator.largest())
    throw DivergedError(fmt::format("spectral gap: no decay rate was found (least {:.3g})", gap));
  return gap;
#else
  throw UsageError("the spectral gap of a process without a potential needs a build with SLEPc");
#endif
}

}  // namespace fortet::densities
