#include "fortet/parallel/petsc.hpp"

#ifdef FORTET_HAVE_SLEPC
#include <slepcsys.h>
#endif

#include <cstdio>
#include <cstdlib>

namespace fortet::parallel {

namespace {
/// Removes a variable of the environment before PETSc sees it.
void ignore_variable(const char* name, bool speaks) {
  if (!std::getenv(name)) return;
  unsetenv(name);
  if (speaks) std::fprintf(stderr, "fortet: the variable %s is not read; give options of PETSc after --\n", name);
}
}  // namespace

PetscSession::PetscSession(MPI_Comm communicator, const std::vector<std::string>& options) {
  int rank = 0;
  MPI_Comm_rank(communicator, &rank);
  for (const char* name : {"PETSC_OPTIONS", "PETSC_OPTIONS_YAML"}) ignore_variable(name, rank == 0);
  std::vector<std::string> words{"fortet", "-skip_petscrc", "1"};
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

std::vector<std::string> unread_petsc_options() {
  constexpr const char* read_at_the_end[] = {"objects_dump", "options_left", "options_view", "malloc_dump",
                                             "malloc_view",  "log_view",     "log_all",      "skip_petscrc"};
  PetscInt count = 0;
  char **names = nullptr, **values = nullptr;
  FORTET_PETSC(PetscOptionsLeftGet(nullptr, &count, &names, &values));
  std::vector<std::string> found;
  for (PetscInt i = 0; i < count; ++i) {
    const bool is_last = std::any_of(std::begin(read_at_the_end), std::end(read_at_the_end),
                                     [&](const char* name) { return std::string(names[i]) == name; });
    if (!is_last) found.push_back("-" + std::string(names[i]));
  }
  FORTET_PETSC(PetscOptionsLeftRestore(nullptr, &count, &names, &values));
  return found;
}

void excuse_petsc_options(const std::string& prefix) {
  for (const std::string& option : unread_petsc_options()) {
    PetscBool ignored = PETSC_FALSE;
    if (option.starts_with("-" + prefix)) FORTET_PETSC(PetscOptionsHasName(nullptr, nullptr, option.c_str(), &ignored));
  }
}

void check_petsc(PetscErrorCode code, const char* call) {
  if (code == 0) return;
  const char* text = nullptr;
  PetscErrorMessage(code, &text, nullptr);
  throw DivergedError(std::string("PETSc: ") + (text ? text : "error") + " (code " + std::to_string(code) + ") in " +
                      call);
}

}  // namespace fortet::parallel
