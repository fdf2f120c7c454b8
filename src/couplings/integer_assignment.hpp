#pragma once
#include <cstdint>
#include <vector>

#include "short_lanes.hpp"

namespace fortet::couplings {

/// Assignment of n rows to n columns, costs whole numbers from 0 to largest_cost, by augmenting row reduction and
/// Dijkstra searches over all columns. Sixteen bits hold every sum, so that a vector holds 32 columns: the potentials
/// of rows are u_i = min_j (c_ij + w_j) and those of columns -w_j, with w and all distances up to largest_potential.
class IntegerAssignment {
 public:
  static constexpr Short largest_cost = 32767, largest_potential = 16383;

  static int padded(int n) { return (n + short_lanes - 1) / short_lanes * short_lanes; }

  /// The matrix to fill, row by row padded(n) apart; what stands in the padding of a row must be `none`.
  static constexpr Short none = 49151;
  void resize(int n);
  Short* row(int i) { return matrix_.data() + static_cast<std::size_t>(i) * padded_; }

  /// False when a potential grew beyond its largest value, which leaves no solution.
  bool solve();
  int column(int i) const { return column_of_[i]; }
  Short lowered(int j) const { return lowered_[j]; }  ///< w_j
  Short cost(int i, int j) const { return matrix_[static_cast<std::size_t>(i) * padded_ + j]; }
  /// Calls visit(i, j) where c_ij + w_j <= u_i + distance.
  template <class Visit>
  void for_near(Short distance, const Visit& visit) const {
    for (int i = 0; i < size_; ++i) {
      const Short* const costs = matrix_.data() + static_cast<std::size_t>(i) * padded_;
      const int own = column_of_[i];
      const Shorts limit = broadcast(static_cast<Short>(costs[own] + lowered_[own] + distance));
      for (int j = 0; j < padded_; j += short_lanes) {
        std::uint32_t near = at_most(load(costs + j) + load(lowered_.data() + j), limit);
        for (; near != 0; near &= near - 1) visit(i, j + std::countr_zero(near));
      }
    }
  }
  std::int64_t scans() const { return scans_; }  ///< of all problems so far

 private:
  struct Best {
    Short first, second;
    int place;
  };
  Best two_smallest(int i);
  bool reduce();
  bool augment(int first);
  template <bool First>
  int relax(int i, Short shift);

  int size_ = 0, padded_ = 0;
  std::vector<Short> matrix_, lowered_, distance_, done_, reached_from_;
  std::vector<int> row_of_, column_of_, rows_, left_, passed_;
  std::int64_t scans_ = 0;
};

}  // namespace fortet::couplings
