#pragma once
/// PETSc (and SLEPc) session and error check. PETSc is called from the master thread only.
#include <mpi.h>
#include <petscsys.h>

#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "fortet/base/error.hpp"

namespace fortet::parallel {

/// Starts PETSc on a communicator and ends it; MPI must be running before and after. `options` are PETSc's own
/// ("-density_ts_type", "bdf"), handed over unchanged, and the only ones: the files .petscrc and petscrc and the
/// variable PETSC_OPTIONS are not read, since they could change results, or load code, without being named. Collective.
class PetscSession {
 public:
  PetscSession(MPI_Comm communicator, const std::vector<std::string>& options);
  ~PetscSession();
  PetscSession(const PetscSession&) = delete;
  PetscSession& operator=(const PetscSession&) = delete;
};

/// Options that were given and that nothing has read yet, "-density_law_ts_type"; without those that PETSc itself reads
/// when it ends.
std::vector<std::string> unread_petsc_options();
/// The object of this prefix ("density_law_") is not computed now: its options count as read.
void excuse_petsc_options(const std::string& prefix);

/// Throws for a non-zero PETSc error code (exit 3), naming the call.
void check_petsc(PetscErrorCode code, const char* call);
#define FORTET_PETSC(call) ::fortet::parallel::check_petsc((call), #call)

/// Owner of one PETSc object (Vec, Mat, KSP, TS, DM, ...). Move-only. Construction and destruction are collective; an
/// object that goes out of scope while an exception unwinds is left to PetscFinalize, since other ranks may not be
/// here.
template <class Handle, PetscErrorCode (*destroy)(Handle*)>
class PetscObjectOwner {
 public:
  PetscObjectOwner() = default;
  explicit PetscObjectOwner(Handle handle) : handle_(handle) {}
  PetscObjectOwner(PetscObjectOwner&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  PetscObjectOwner& operator=(PetscObjectOwner&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~PetscObjectOwner() {
    if (handle_ && std::uncaught_exceptions() == 0) destroy(&handle_);
  }
  operator Handle() const { return handle_; }  // NOLINT: used like the handle
  Handle* out() { return &handle_; }           ///< for creating calls

 private:
  Handle handle_ = nullptr;
};

}  // namespace fortet::parallel
