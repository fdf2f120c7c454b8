#pragma once
#include "fortet/parallel/communicator.hpp"

namespace fortet::study {

/// Runs exact cases on this installation and prints a line for each; 0 when all hold, 1 otherwise. Collective.
int selftest(const parallel::Communicator& communicator);

}  // namespace fortet::study
