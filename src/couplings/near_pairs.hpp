#pragma once
#include "integer_assignment.hpp"

namespace fortet::couplings {

/// What rounding may have misjudged in the solution of rounded costs: pairs whose reduced cost is within some units.
/// They alone are looked at in double precision. A graph joins row i to row k by such a pair (i, column of k), with the
/// reduced cost as length, which may be negative. A cycle of negative length lowers the cost when its rows exchange
/// their columns; when there is none, the shortest distances q_k <= 0 make the potentials v_k + q_k exact.
class NearPairs {
 public:
  std::vector<double> rows, columns;  ///< the points in the unit box, one after another

  /// From the solution of the problem, whose costs are -x . y - a - b in units, rounded; `start` are the b. False when
  /// the solution has a cost that was cut off, or a potential moves so far that other pairs could matter.
  bool settle(const IntegerAssignment& problem, int dimension, double unit, const std::vector<float>& start);

  int column(int i) const { return column_of_[i]; }
  double potential(int j) const { return potential_[j] + shift_[row_of_[j]]; }

 private:
  struct Pair {
    int column;
    double value;  // -x . y - v
  };
  /// Settles the distances along the pairs; true when they show a cycle, whose rows have then exchanged their columns.
  bool exchange(double tolerance);
  bool exchange_cycle();

  std::vector<Pair> pairs_;
  std::vector<int> begin_;  // pairs of row i: begin_[i] to begin_[i + 1]
  std::vector<int> column_of_, row_of_, parent_, queue_, waiting_, seen_from_;
  std::vector<double> own_, first_own_, potential_, shift_;
};

}  // namespace fortet::couplings
