#pragma once
#include "fortet/parallel/communicator.hpp"

namespace fortet::parallel {

/// Sets the number of threads where the user has not (OMP_NUM_THREADS): the cores of a machine are shared by its ranks.
/// Collective.
void choose_thread_count(const Communicator& communicator);

}  // namespace fortet::parallel
