#pragma once
/// Memory that ranks have used, and that their machines have.
#include "fortet/parallel/communicator.hpp"

namespace fortet::parallel {

/// Largest resident memory of each rank so far, in bytes. What ranks of a node share counts at each that has touched
/// it.
struct HighWater {
  double least = 0, mean = 0, most = 0;
};
/// Collective.
HighWater memory_high_water(const Communicator& ranks);

/// Bytes that processes may have on this machine: its memory, or less where a control group (a job of Slurm, a
/// container) or a limit of the shell says so. Not collective.
double memory_of_this_node();

struct Machine {
  int nodes = 1;
  double memory = 0;  ///< of all nodes, in bytes
};
/// The nodes of a communicator's ranks. Collective.
Machine machine_of(const Communicator& ranks);

}  // namespace fortet::parallel
