#include "generator_matrix.hpp"

namespace fortet::densities {

DmOwner make_dmda(const Grid& grid, int width) {
  const int d = grid.dimension();
  std::array<PetscInt, 3> cells{1, 1, 1}, ranks{1, 1, 1};
  std::array<DMBoundaryType, 3> boundary{DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE};
  for (int k = 0; k < d; ++k) {
    cells[k] = static_cast<PetscInt>(grid.cells(k));
    if (grid.is_periodic(k)) boundary[k] = DM_BOUNDARY_PERIODIC;
  }
  const parallel::Communicator& communicator = grid.communicator();
  ranks[d - 1] = communicator.size();
  std::vector<PetscInt> slabs;
  for (int rank = 0; rank < communicator.size(); ++rank) {
    slabs.push_back(static_cast<PetscInt>(communicator.share(cells[d - 1], rank).size()));
  }
  const PetscInt* last = slabs.data();
  const MPI_Comm handle = communicator.handle();
  DmOwner dm;
  if (d == 1) {
    FORTET_PETSC(DMDACreate1d(handle, boundary[0], cells[0], 1, width, last, dm.out()));
  } else if (d == 2) {
    FORTET_PETSC(DMDACreate2d(handle, boundary[0], boundary[1], DMDA_STENCIL_STAR, cells[0], cells[1], 1, ranks[1], 1,
                              width, nullptr, last, dm.out()));
  } else {
    FORTET_PETSC(DMDACreate3d(handle, boundary[0], boundary[1], boundary[2], DMDA_STENCIL_STAR, cells[0], cells[1],
                              cells[2], 1, 1, ranks[2], 1, width, nullptr, nullptr, last, dm.out()));
  }
  FORTET_PETSC(DMSetUp(dm));
  return dm;
}

MatOwner assemble(const Grid& grid, const EdgeGenerator& generator, MatrixForm form) {
  const PetscInt n = static_cast<PetscInt>(grid.local_count()),
                 begin = static_cast<PetscInt>(grid.slab().begin * grid.layer_size());
  std::vector<PetscInt> diagonal(n), beyond(n);
  for (PetscInt i = 0; i < n; ++i) {
    diagonal[i] = 1;
    for (Index e = generator.first()[i]; e < generator.first()[i + 1]; ++e) {
      const std::int64_t column = generator.halo().global(generator.edges()[e].neighbour);
      ++(column >= begin && column < begin + n ? diagonal : beyond)[i];
    }
  }
  MatOwner matrix;
  FORTET_PETSC(MatCreateAIJ(grid.communicator().handle(), n, n, PETSC_DETERMINE, PETSC_DETERMINE, 0, diagonal.data(), 0,
                            beyond.data(), matrix.out()));
  FORTET_PETSC(MatSetOption(matrix, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_TRUE));
  const double sign = form == MatrixForm::symmetric ? -1 : 1;
  for (PetscInt i = 0; i < n; ++i) {
    const PetscInt row = begin + i;
    FORTET_PETSC(MatSetValue(matrix, row, row, -sign * generator.leaving()[i], ADD_VALUES));
    for (Index e = generator.first()[i]; e < generator.first()[i + 1]; ++e) {
      const Edge& edge = generator.edges()[e];
      const double value = form == MatrixForm::forward      ? edge.in
                           : form == MatrixForm::transposed ? edge.out
                                                            : std::sqrt(edge.in * edge.out);
      FORTET_PETSC(MatSetValue(matrix, row, static_cast<PetscInt>(generator.halo().global(edge.neighbour)),
                               sign * value, ADD_VALUES));
    }
  }
  FORTET_PETSC(MatAssemblyBegin(matrix, MAT_FINAL_ASSEMBLY));
  FORTET_PETSC(MatAssemblyEnd(matrix, MAT_FINAL_ASSEMBLY));
  return matrix;
}

VecOwner make_vector(const Grid& grid) {
  VecOwner vector;
  FORTET_PETSC(VecCreateMPI(grid.communicator().handle(), static_cast<PetscInt>(grid.local_count()), PETSC_DETERMINE,
                            vector.out()));
  return vector;
}

void copy_to(std::span<const double> values, Vec vector) {
  double* array = nullptr;
  FORTET_PETSC(VecGetArrayWrite(vector, &array));
  std::copy(values.begin(), values.end(), array);
  FORTET_PETSC(VecRestoreArrayWrite(vector, &array));
}

void copy_from(Vec vector, std::span<double> values) {
  const double* array = nullptr;
  FORTET_PETSC(VecGetArrayRead(vector, &array));
  std::copy_n(array, values.size(), values.begin());
  FORTET_PETSC(VecRestoreArrayRead(vector, &array));
}

}  // namespace fortet::densities
