#pragma once
/// PETSc's view of a grid.
#include <petscdmda.h>

#include "fortet/densities/grid.hpp"
#include "fortet/parallel/petsc.hpp"

namespace fortet::densities {

using DmOwner = parallel::PetscObjectOwner<DM, DMDestroy>;
using MatOwner = parallel::PetscObjectOwner<Mat, MatDestroy>;
using VecOwner = parallel::PetscObjectOwner<Vec, VecDestroy>;

/// A DMDA with exactly the grid's slabs (one rank along all axes but the last), one value per cell, star stencil of
/// `width`. Its global vectors have the layout of Snapshot::values. Collective.
DmOwner make_dmda(const Grid& grid, int width = 1);

}  // namespace fortet::densities
