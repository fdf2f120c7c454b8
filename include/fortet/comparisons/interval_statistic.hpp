#pragma once
/// Statistics of what happens between two times, taken from the sides themselves instead of their masses on bins (also
/// category "statistics", one per .cpp).
#include <functional>

#include "fortet/base/registry.hpp"
#include "fortet/comparisons/check.hpp"

namespace fortet::comparisons {

struct IntervalStatistic {
  /// Throws ParameterError for sides that do not suit it. Sides may still be without results.
  std::function<void(const CheckSettings&, const Parameters&)> check;
  /// Rows of the table for [from, to], two consecutive times of the check. Check, sides and time are filled in by the
  /// caller, and the statistic where it is empty. Collective; same results on every rank.
  std::function<std::vector<Result>(const CheckSettings&, const Parameters&, double from, double to,
                                    const parallel::Communicator&)>
      evaluate;
  bool from_start = false;  ///< also for what happened from 0 to the first time
};

}  // namespace fortet::comparisons
