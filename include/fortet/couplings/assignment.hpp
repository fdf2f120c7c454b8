#pragma once
/// Optimal assignment: exact transport between two samples of equal size.
#include <cstdint>
#include <span>
#include <vector>

#include "fortet/base/points.hpp"

namespace fortet::couplings {

/// The permutation that minimises the sum over i of |x_i - y_{column[i]}|^2, with the potentials that prove it:
/// row_potential[i] + column_potential[j] <= |x_i - y_j|^2 for all pairs, with equality for j = column[i] (to
/// rounding).
struct Assignment {
  std::vector<std::int32_t> column;  ///< partner of each row
  std::vector<double> row_potential, column_potential;
  double cost = 0;  ///< sum over the pairs; divided by n it is W_2^2 of the two samples

  /// Work done, for the benchmarks: searches over all columns for one row.
  std::int64_t scans = 0;
};

/// Two samples to be assigned to one another.
struct PointSets {
  ConstPoints rows, columns;
};

/// Exact assignment of n points to n points in any dimension by shortest augmenting paths (Jonker and Volgenant 1987).
///
/// Potentials start from the solution for half of the points, recursively; rows then take their columns by augmenting
/// row reduction, and the rest by Dijkstra searches in the reduced costs. Up to 512 points in up to 16 dimensions, as
/// of a minibatch, are assigned by reduced costs rounded to 16 bits, and what rounding misjudged is put right in double
/// precision. Otherwise columns are kept in spatial blocks with a lower bound of the reduced cost per block, so that a
/// search reads the few blocks that can matter, and costs are computed from the coordinates: memory is O(n d) (O(n^2)
/// up to 4096 points in more than three dimensions). Single-threaded, deterministic: the plan depends on the points
/// alone. Throws UsageError when the sizes or dimensions differ, or a coordinate is not finite.
Assignment assign(ConstPoints rows, ConstPoints columns);

/// The same for several problems; of up to 512 points, two of the same size side by side take less time than one after
/// the other.
std::vector<Assignment> assign_all(std::span<const PointSets> problems);

}  // namespace fortet::couplings
