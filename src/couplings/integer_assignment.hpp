#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "short_lanes.hpp"

namespace fortet::couplings {

/// Assignment of n <= 512 rows to n columns, costs whole numbers from 0 to largest_cost, by augmenting row reduction
/// and Dijkstra searches over all columns. Sixteen bits hold every sum, so that a register holds up to 32 columns: the
/// potentials of rows are u_i = min_j (c_ij + w_j) and those of columns -w_j, with w and all distances up to
/// largest_potential.
class IntegerAssignment {
 public:
  static constexpr Short largest_cost = 32767, largest_potential = 16383;

  static int padded(int n) { return (n + short_lanes - 1) / short_lanes * short_lanes; }

  /// The matrix to fill, row by row padded(n) apart; what stands in the padding of a row must be `none`.
  static constexpr Short none = 49151;
  void resize(int n);
  Short* row(int i) { return matrix_.data() + static_cast<std::size_t>(i) * padded_; }

  /// Afterwards there is a solution unless it has failed: a potential grew beyond its largest value.
  void solve();
  /// Both, a row of one after a row of the other: while one waits for its minimum the processor works for the other.
  static void solve(IntegerAssignment& first, IntegerAssignment& second);

  bool failed() const { return failed_; }
  int column(int i) const { return column_of_[i]; }
  Short lowered(int j) const { return lowered_[j]; }  ///< w_j
  Short cost(int i, int j) const { return matrix_[static_cast<std::size_t>(i) * padded_ + j]; }
  /// Whether a row has a column whose cost may have been cut off.
  bool cut_off() const {
    return std::find(own_cost_.begin(), own_cost_.begin() + size_, largest_cost) != own_cost_.begin() + size_;
  }
  /// Calls visit(j) where c_ij + w_j <= u_i + distance.
  template <class Visit>
  void for_near(int i, Short distance, const Visit& visit) const {
    const Short *const costs = matrix_.data() + static_cast<std::size_t>(i) * padded_, *const lowered = lowered_.data();
    const int own = column_of_[i];
    // Not the padding: real columns are below it.
    const Shorts limit = broadcast(static_cast<Short>(std::min(costs[own] + lowered[own] + distance, none - 1)));
    for (int j = 0; j < padded_; j += short_lanes) {
      std::uint32_t near = bits_of(at_most(load(costs + j) + load(lowered + j), limit));
      for (; near != 0; near &= near - 1) visit(j + std::countr_zero(near));
    }
  }
  std::int64_t scans() const { return scans_; }  ///< of all problems so far

 private:
  struct Best {
    Short first, second, place;
  };
  void begin_reduction();
  bool reduce_row();
  Best two_smallest(int i);
  int free_column(int i, Short reduced) const;
  void begin_search();
  void order_free_rows();
  bool search();
  template <bool First>
  std::uint32_t relax(int i, Short shift);
  void augment(int j);
  void match(int i, int j) {
    row_of_[j] = i;
    own_cost_[j] = cost(i, j);
  }
  bool fail();

  int size_ = 0, padded_ = 0;
  Aligned<Short> matrix_, lowered_, distance_, reached_from_;
  std::vector<Short> own_cost_;  // of a column with its row
  std::vector<int> row_of_, column_of_;
  // Rows to look at, the next of them, and those for the next pass of the reduction.
  std::vector<int> rows_, left_;
  int count_ = 0, next_ = 0, left_count_ = 0, pass_ = 0;
  // w of this column grows in the next scan, which writes all of them.
  Short lowered_next_ = 0, lowered_by_ = 0;
  ColumnSet taken_;
  // Of a search: columns whose distance is final, and those of them in order, each with its distance above it.
  ColumnSet done_;
  std::vector<std::uint32_t> passed_;
  bool failed_ = false;
  std::int64_t scans_ = 0;
};

}  // namespace fortet::couplings
