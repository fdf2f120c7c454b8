#pragma once
#include "fortet/parallel/communicator.hpp"

namespace fortet::test {
/// The communicator of all ranks of a test program.
parallel::Communicator world();
}  // namespace fortet::test
