#pragma once
#include <span>

#include "fortet/couplings/assignment.hpp"

namespace fortet::couplings {

/// Sizes and dimensions that solve_small takes.
inline constexpr Index fewest_small = 33, most_small = 512;
inline constexpr int most_small_dimensions = 16;

/// Exact assignment of some hundred points: potentials from midpoints of pairs of neighbours, recursively; reduced
/// costs rounded to 16 bits and assigned exactly; then every pair that rounding may have misjudged is looked at in
/// double precision, where cycles that lower the cost are exchanged and the potentials made exact. One problem, or two
/// of the same size and dimension side by side, into as many results. Returns a bit for each that was solved: the
/// potentials of the others left the range of 16 bits.
unsigned solve_small(std::span<const PointSets> problems, std::span<Assignment> results);

}  // namespace fortet::couplings
