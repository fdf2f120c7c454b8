#include <H5public.h>
#include <omp.h>
#include <petscversion.h>

#include "fortet/study/results.hpp"

namespace fortet::study {

Json versions() {
  char mpi[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(mpi, &length);
  const std::string mpi_text(mpi);
  return Json{{"fortet", FORTET_VERSION},
              {"revision", FORTET_REVISION},
              {"compiler", FORTET_COMPILER},
              {"mpi", mpi_text.substr(0, mpi_text.find(','))},
              {"petsc", fmt::format("{}.{}.{}", PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR, PETSC_VERSION_SUBMINOR)},
              {"hdf5", fmt::format("{}.{}.{}", H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE)}};
}

}  // namespace fortet::study
