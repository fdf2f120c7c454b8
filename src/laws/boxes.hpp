#pragma once
#include "fortet/laws/law.hpp"

namespace fortet::laws {

struct Box {
  std::vector<double> lower, upper;
};

/// Uniform law on a union of disjoint boxes.
LawPtr uniform_on(std::vector<Box> boxes);

}  // namespace fortet::laws
