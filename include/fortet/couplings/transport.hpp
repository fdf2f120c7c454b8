#pragma once
/// Static optimal transport between discrete laws.
#include <span>
#include <vector>

#include "fortet/base/points.hpp"

namespace fortet::couplings {

/// min over plans of sum cost(i,j) plan(i,j), by the network simplex of LEMON. `cost` is row-major, source.size() x
/// target.size(); masses are non-negative and each sum to the same total (the larger total is scaled to the smaller by
/// the caller). Masses and costs are resolved to 2^-40 of their total and largest. Throws DivergedError when the solver
/// fails.
double exact_cost(std::span<const double> source, std::span<const double> target, std::span<const double> cost);

/// W_p^p of two laws on the same sorted points of the line, p = 1 or 2: the integral of |F^-1 - G^-1|^p over (0, 1).
/// Both are scaled to total mass one.
double line_cost(std::span<const double> points, std::span<const double> source, std::span<const double> target, int p);

}  // namespace fortet::couplings
