#pragma once
/// Pairs of the two ends of particles that a learned process carries.
#include <utility>
#include <vector>

#include "fortet/laws/law.hpp"
#include "fortet/parallel/communicator.hpp"
#include "fortet/processes/process.hpp"

namespace fortet::training {

struct Simulation {
  std::string name;     ///< of its random streams
  std::string stepper;  ///< kind
  long steps = 0, pairs = 0;
  std::uint64_t seed = 0;
};

/// (start, end) of particles started from `initial`, whole on every rank. Collective.
std::pair<PointArray, PointArray> simulate_pairs(const processes::ProcessPtr& process, const laws::LawPtr& initial,
                                                 const Simulation& simulation,
                                                 const parallel::Communicator& communicator);

/// The particles after each step, the start included: steps + 1 sets, whole on every rank. Collective.
std::vector<PointArray> simulate_paths(const processes::ProcessPtr& process, const laws::LawPtr& initial,
                                       const Simulation& simulation, const parallel::Communicator& communicator);

}  // namespace fortet::training
