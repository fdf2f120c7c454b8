#pragma once
/// Finds where a coefficient of a process is not a number: what validation and the solvers say of it is one message.
#include <optional>
#include <string>

#include "fortet/processes/process.hpp"

namespace fortet::processes {

struct NotFinite {
  std::string component;  ///< "drift[0]", "noise[1]", "potential"
  double value = 0;
  double time = 0;
  std::vector<double> point;
  /// "drift[0] is nan at x = -2.97, t = 0"
  std::string text() const;
};

/// The first of these points where a component of drift, noise or potential is not finite. `axis`: only what acts along
/// this one; negative: all. Nothing where the process holds a field that a study computes later (NotComputedYet).
std::optional<NotFinite> first_not_finite(const Process& process, double t, ConstPoints x, int axis = -1);

}  // namespace fortet::processes
