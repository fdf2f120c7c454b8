#include "fortet/parallel/thread_count.hpp"

#include <omp.h>
#include <unistd.h>

#include <cstdlib>

namespace fortet::parallel {

void choose_thread_count(const Communicator& communicator) {
  if (std::getenv("OMP_NUM_THREADS")) return;
  MPI_Comm machine = MPI_COMM_NULL;
  MPI_Comm_split_type(communicator.handle(), MPI_COMM_TYPE_SHARED, communicator.rank(), MPI_INFO_NULL, &machine);
  int ranks = 1;
  MPI_Comm_size(machine, &ranks);
  MPI_Comm_free(&machine);
  // A launcher that binds ranks to cores has shared them already; otherwise every rank sees them all.
  const int cores = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  omp_set_num_threads(std::max(1, std::min(omp_get_num_procs(), cores / ranks)));
}

}  // namespace fortet::parallel
