#include "fortet/parallel/thread_count.hpp"

#include <omp.h>
#include <unistd.h>

#include <cstdlib>

namespace fortet::parallel {

namespace {
/// A count that a scheduler has set, 0 if it has not.
int count_from(const char* variable) {
  const char* text = std::getenv(variable);
  return text ? std::max(0, std::atoi(text)) : 0;
}
}  // namespace

void choose_thread_count(const Communicator& communicator) {
  if (std::getenv("OMP_NUM_THREADS")) return;
  if (const int granted = count_from("SLURM_CPUS_PER_TASK")) {
    omp_set_num_threads(granted);
    return;
  }
  MPI_Comm machine = MPI_COMM_NULL;
  MPI_Comm_split_type(communicator.handle(), MPI_COMM_TYPE_SHARED, communicator.rank(), MPI_INFO_NULL, &machine);
  int ranks = 1;
  MPI_Comm_size(machine, &ranks);
  MPI_Comm_free(&machine);
  // A launcher that binds ranks to cores has shared them already; otherwise every rank sees them all.
  // In a job without --cpus-per-task the machine's cores are those that the job was given on it.
  const int granted = count_from("SLURM_CPUS_ON_NODE");
  const int cores = granted > 0 ? granted : static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  omp_set_num_threads(std::max(1, std::min(omp_get_num_procs(), cores / ranks)));
}

}  // namespace fortet::parallel
