# Finds what fortet needs and refuses, with the reason and the remedy, what would fail later.
find_package(MPI REQUIRED COMPONENTS C CXX)
find_package(OpenMP REQUIRED)
find_package(Threads REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)
find_package(yaml-cpp REQUIRED)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(PkgConfig REQUIRED)

set(HDF5_PREFER_PARALLEL ON)
find_package(HDF5 REQUIRED COMPONENTS C)
if(NOT HDF5_IS_PARALLEL)
  message(FATAL_ERROR "HDF5 was built without MPI (${HDF5_C_LIBRARIES}). fortet writes one file from all ranks and "
    "needs the parallel build; on Debian: libhdf5-openmpi-dev. Point HDF5_ROOT to it.")
endif()

pkg_check_modules(PETSC IMPORTED_TARGET PETSc)
if(NOT PETSC_FOUND)
  message(FATAL_ERROR "PETSc was not found by pkg-config. On Debian: petsc-dev; elsewhere add the folder of PETSc.pc "
    "to PKG_CONFIG_PATH.")
endif()
if(PETSC_VERSION VERSION_LESS 3.18)
  message(FATAL_ERROR "PETSc ${PETSC_VERSION} is too old; fortet needs 3.18 or later.")
endif()
pkg_search_module(SLEPC IMPORTED_TARGET slepc SLEPc)

find_path(RANDOM123_INCLUDE_DIR Random123/philox.h REQUIRED)
find_path(BOOST_MATH_INCLUDE_DIR boost/math/distributions/non_central_chi_squared.hpp REQUIRED)
find_path(LEMON_INCLUDE_DIR lemon/network_simplex.h REQUIRED)

# PETSc's own headers say how it was built and which MPI it was built with.
include(CheckCXXSourceCompiles)
set(CMAKE_REQUIRED_LIBRARIES PkgConfig::PETSC MPI::MPI_CXX)
check_cxx_source_compiles("#include <petscsys.h>
  #if defined(PETSC_USE_COMPLEX)
  #error complex
  #endif
  int main() {}" FORTET_PETSC_IS_REAL)
if(NOT FORTET_PETSC_IS_REAL)
  message(FATAL_ERROR "This PETSc was built with complex numbers, or for another MPI than ${MPI_CXX_LIBRARIES}. fortet needs a real build "
    "(Debian: libpetsc-real-dev) with the same MPI.")
endif()
unset(CMAKE_REQUIRED_LIBRARIES)

# One MPI in all libraries: two in one process crash at run time.
function(fortet_mpi_of library result)
  execute_process(COMMAND ldd ${library} OUTPUT_VARIABLE linked ERROR_QUIET)
  string(REGEX MATCHALL "=> [^ ]*libmpi(ch)?\\.so[^ ]*" found "${linked}")
  list(REMOVE_DUPLICATES found)
  set(${result} "${found}" PARENT_SCOPE)
endfunction()
# The library of a package of pkg-config: where its .pc file says it is, or what is linked.
function(fortet_library_of package linked result)
  pkg_get_variable(libdir ${package} libdir)
  string(TOLOWER ${package} name)
  file(GLOB found ${libdir}/lib${name}*.so)
  list(APPEND found ${linked})
  if(NOT found)
    message(FATAL_ERROR "${package}'s library was not found in ${libdir}, where ${package}.pc says it is.")
  endif()
  list(GET found 0 found)
  set(${result} ${found} PARENT_SCOPE)
endfunction()
list(GET HDF5_C_LIBRARIES 0 hdf5_library)
fortet_library_of(PETSc "${PETSC_LINK_LIBRARIES}" petsc_library)
fortet_mpi_of(${hdf5_library} hdf5_mpi)
fortet_mpi_of(${petsc_library} petsc_mpi)
if(hdf5_mpi AND petsc_mpi AND NOT hdf5_mpi STREQUAL petsc_mpi)
  message(FATAL_ERROR "Two different MPIs: HDF5 uses ${hdf5_mpi}, PETSc uses ${petsc_mpi}. Build or choose both with the same one.")
endif()
if(SLEPC_FOUND)
  fortet_library_of(${SLEPC_MODULE_NAME} "${SLEPC_LINK_LIBRARIES}" slepc_library)
  fortet_mpi_of(${slepc_library} slepc_mpi)
  if(slepc_mpi AND petsc_mpi AND NOT slepc_mpi STREQUAL petsc_mpi)
    message(STATUS "SLEPc is left out: it uses ${slepc_mpi}, PETSc uses ${petsc_mpi}.")
    set(SLEPC_FOUND FALSE)
  endif()
endif()

add_library(fortet_dependencies INTERFACE)
target_link_libraries(fortet_dependencies INTERFACE
  MPI::MPI_CXX OpenMP::OpenMP_CXX Eigen3::Eigen yaml-cpp fmt::fmt CLI11::CLI11
  nlohmann_json::nlohmann_json PkgConfig::PETSC ${HDF5_C_LIBRARIES})
target_include_directories(fortet_dependencies SYSTEM INTERFACE
  ${HDF5_C_INCLUDE_DIRS} ${RANDOM123_INCLUDE_DIR} ${BOOST_MATH_INCLUDE_DIR} ${LEMON_INCLUDE_DIR})
target_compile_definitions(fortet_dependencies INTERFACE
  OMPI_SKIP_MPICXX MPICH_SKIP_MPICXX EIGEN_DONT_PARALLELIZE ${HDF5_C_DEFINITIONS})
if(SLEPC_FOUND)
  target_link_libraries(fortet_dependencies INTERFACE PkgConfig::SLEPC)
  target_compile_definitions(fortet_dependencies INTERFACE FORTET_HAVE_SLEPC)
endif()
