#pragma once
/// Static optimal transport between discrete laws.
#include <span>
#include <vector>

#include "fortet/base/points.hpp"
#include "fortet/parallel/random.hpp"

namespace fortet::couplings {

/// A plan of unit mass with few entries: at most one less than there are sources and targets.
struct TransportPlan {
  struct Entry {
    std::int32_t source, target;
    double mass;
  };
  std::vector<Entry> entries;  ///< by source, then by target
  double cost = 0;
};

/// min over plans of sum cost(i,j) plan(i,j), by the network simplex of LEMON, for weighted or unequal sides (for equal
/// ones there is assignment.hpp). `cost` is row-major, source.size() x target.size(); masses are non-negative, each
/// side is scaled to unit mass. Masses and costs are resolved to 2^-40 of their total and largest. Throws DivergedError
/// when the solver fails.
TransportPlan exact_plan(std::span<const double> source, std::span<const double> target, std::span<const double> cost);

/// The cost of that plan.
double exact_cost(std::span<const double> source, std::span<const double> target, std::span<const double> cost);

/// W_p^p of two laws on the same sorted points of the line, p = 1 or 2: the integral of |F^-1 - G^-1|^p over (0, 1).
/// Both are scaled to total mass one.
double line_cost(std::span<const double> points, std::span<const double> source, std::span<const double> target, int p);

/// W_p^p of two samples of the line of any sizes, p = 1 or 2, each sorted.
double sample_line_cost(std::span<const double> source, std::span<const double> target, int p);

/// Sliced W_2^2 of two samples of any sizes (Rabin, Peyre, Delon, Bernot 2011): the mean over `projections` random
/// directions, numbers 0, 1, .. of `stream`, of W_2^2 of the projections. On the line there is one direction. Throws
/// UsageError when dimensions differ or a sample is empty.
double sliced_cost(ConstPoints source, ConstPoints target, long projections, const parallel::Stream& stream);

}  // namespace fortet::couplings
