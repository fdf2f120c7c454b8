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
  /// Dimension 0: any.
  template <int Dimension>
  bool settle(const IntegerAssignment& problem, int dimension, double unit, const Aligned<float>& start);

  int column(int i) const { return column_of_[i]; }
  double potential(int j) const { return start_[j] + shift_[j]; }

 private:
  struct Pair {
    int column;
    bool tight;    // reduced cost below half a unit
    double value;  // -x . y - v
  };
  template <int Dimension>
  void collect(const IntegerAssignment& problem, int dimension, double unit, const Aligned<float>& start, Short near);
  /// Settles the distances along the pairs, and exchanges cycles on the way; false when there are too many of them.
  bool relax(double tolerance);
  void look_once(double tolerance);
  bool exchange_cycle(int first);
  void await(int row);

  std::vector<Pair> pairs_;  // without those of a row and its own column
  std::vector<int> begin_;   // pairs of row i: begin_[i] to begin_[i + 1]
  std::vector<int> column_of_, row_of_;
  std::vector<double> own_, first_own_;  // of a row: value of the pair with its column, now and before any exchange
  std::vector<double> start_, shift_;    // of a column: v and q
  // Of columns: what the distance comes from, how often it was shortened, how many tight pairs of rows not looked at
  // lead to it, and whether its row was looked at.
  std::vector<int> parent_, shortened_, earlier_, seen_;
  std::vector<int> order_;            // columns in the order of the first look
  std::vector<int> queue_, waiting_;  // rows to look at after the first time, and which they are
};

}  // namespace fortet::couplings
