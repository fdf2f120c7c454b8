#pragma once
/// Loops over blocks of items on the threads of one rank.
#include <functional>

#include "fortet/base/points.hpp"

namespace fortet::parallel {

int thread_count();

/// Calls body(begin, end) for consecutive blocks of [0, size) of `block` items (the last one shorter), statically
/// shared between the threads. The first exception thrown by any block is rethrown after the loop.
void for_blocks(Index size, Index block, const std::function<void(Index begin, Index end)>& body);

}  // namespace fortet::parallel
