#pragma once
/// Errors of which a rank does not know whether the others met them too.
#include "fortet/parallel/communicator.hpp"

namespace fortet::parallel {

/// Returns when all ranks come here within a few seconds, as they do with an error that is the same on all of them.
/// Otherwise the others wait for this rank elsewhere, where it will never come: ends all ranks like fail_local. What
/// catches an error and then goes on with something collective asks this first.
void meet_or_end(const Communicator& communicator, const Error& error);

}  // namespace fortet::parallel
