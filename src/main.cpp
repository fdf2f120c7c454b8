// fortet: starts MPI and PETSc, hands the command line to study/, and ends all ranks with one exit code.
#include <mpi.h>

#include <csignal>
#include <cstdio>

#include "fortet/io/hdf5_file.hpp"
#include "fortet/parallel/petsc.hpp"
#include "fortet/parallel/thread_count.hpp"
#include "fortet/study/command_line.hpp"

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit is reported by the write that meets it
  int provided = MPI_THREAD_SINGLE;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  MPI_Comm world = MPI_COMM_NULL;
  MPI_Comm_dup(MPI_COMM_WORLD, &world);
  int code = 0;
  {
    const fortet::parallel::Communicator communicator(world);
    const auto line = fortet::study::parse_command_line(argc, argv, communicator.is_root());
    code = line.exit_code;
    if (code < 0 && provided < MPI_THREAD_FUNNELED) {
      if (communicator.is_root()) std::fputs("fortet: this MPI supports no threads (MPI_THREAD_FUNNELED)\n", stderr);
      code = static_cast<int>(fortet::ExitCode::internal);
    }
    if (code < 0) {
      fortet::parallel::choose_thread_count(communicator);
      const fortet::parallel::PetscSession session(world, line.petsc_options);
      code = fortet::study::execute(line, communicator);
    }
  }
  if (fortet::io::has_abandoned_file()) {
    MPI_Barrier(world);
    MPI_Abort(world, code);
  }
  MPI_Comm_free(&world);
  MPI_Finalize();
  return code;
}
