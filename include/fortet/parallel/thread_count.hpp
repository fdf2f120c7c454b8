#pragma once
#include "fortet/parallel/communicator.hpp"

namespace fortet::parallel {

/// Sets the number of threads where the user has not (OMP_NUM_THREADS): what Slurm gave to a task (SLURM_CPUS_PER_TASK), or
/// the cores of the machine, or of the job on it (SLURM_CPUS_ON_NODE), shared by its ranks.
/// Collective.
void choose_thread_count(const Communicator& communicator);

}  // namespace fortet::parallel
