#include "fortet/parallel/petsc.hpp"

#ifdef FORTET_HAVE_SLEPC
#include <slepcsys.h>
#endif

namespace fortet::parallel {

PetscSession::PetscSession(MPI_Comm communicator, const std::vector<std::string>& options) {
  std::vector<std::string> words{"fortet"};
  words.insert(words.end(), options.begin(), options.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  int count = static_cast<int>(words.size());
  char** arguments = pointers.data();
  PETSC_COMM_WORLD = communicator;
#ifdef FORTET_HAVE_SLEPC
  FORTET_PETSC(SlepcInitialize(&count, &arguments, nullptr, nullptr));
#else
  FORTET_PETSC(PetscInitialize(&count, &arguments, nullptr, nullptr));
#endif
  FORTET_PETSC(PetscPopSignalHandler());
  FORTET_PETSC(PetscPushErrorHandler(PetscReturnErrorHandler, nullptr));
}

PetscSession::~PetscSession() {
#ifdef FORTET_HAVE_SLEPC
  SlepcFinalize();
#else
  PetscFinalize();
#endif
}

void check_petsc(PetscErrorCode code, const char* call) {
  if (code == 0) return;
  const char* text = nullptr;
  PetscErrorMessage(code, &text, nullptr);
  throw DivergedError(std::string("PETSc: ") + (text ? text : "error") + " (code " + std::to_string(code) + ") in " +
                      call);
}

}  // namespace fortet::parallel
