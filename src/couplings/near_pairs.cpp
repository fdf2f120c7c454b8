#include "near_pairs.hpp"

#include <algorithm>
#include <limits>

namespace fortet::couplings {

bool NearPairs::settle(const IntegerAssignment& problem, int dimension, double unit, const Aligned<float>& start) {
  constexpr Short near = 16;
  const int size = static_cast<int>(rows.size()) / dimension;
  for (int i = 0; i < size; ++i) {
    if (problem.cost(i, problem.column(i)) == IntegerAssignment::largest_cost) return false;  // cut off: may cost more
  }
  collect(problem, dimension, unit, start, near);
  // Of sums of d products up to 1, with partial sums up to 4 d.
  constexpr double half_ulp = std::numeric_limits<float>::epsilon() / 2,
                   double_ulp = std::numeric_limits<double>::epsilon();
  const double rounding = half_ulp * dimension * (3 + 4 * (dimension + 4)), tolerance = 8 * dimension * double_ulp;
  const auto nothing_else_matters = [&] {
    double moved = 0, dearer = 0;
    for (int i = 0; i < size; ++i) {
      moved = std::max(moved, -shift_[i]);
      dearer = std::max(dearer, own_[i] - first_own_[i]);
    }
    return moved + dearer <= near * unit - 2 * rounding;
  };
  if (!relax(tolerance)) return false;
  if (nothing_else_matters()) return true;
  // The search went round cycles before it saw them, which no longer exist.
  earlier_.assign(size, size);
  return relax(tolerance) && nothing_else_matters();
}

void NearPairs::collect(const IntegerAssignment& problem, int dimension, double unit, const Aligned<float>& start,
                        Short near) {
  const int size = static_cast<int>(rows.size()) / dimension;
  start_.resize(size);
  column_of_.resize(size);
  row_of_.resize(size);
  own_.resize(size);
  begin_.resize(size + 1);
  pairs_.clear();
  for (int j = 0; j < size; ++j) start_[j] = start[j] - unit * problem.lowered(j);
  const auto value = [&](int i, int j) {
    double sum = -start_[j];
    for (int k = 0; k < dimension; ++k) sum -= rows[i * dimension + k] * columns[j * dimension + k];
    return sum;
  };
  tight_ = unit / 2;
  earlier_.assign(size, -1);  // the own pair is not counted
  for (int i = 0; i < size; ++i) {
    const int own = problem.column(i);
    column_of_[i] = own;
    row_of_[own] = i;
    own_[i] = value(i, own);
    begin_[i] = static_cast<int>(pairs_.size());
    problem.for_near(i, near, [&](int j) {
      pairs_.push_back({j, value(i, j)});
      earlier_[j] += pairs_.back().value < own_[i] + tight_ ? 1 : 0;
    });
  }
  begin_[size] = static_cast<int>(pairs_.size());
  first_own_ = own_;
}

/// Bellman and Ford's search. Each row is looked at first when those have been from which a tight pair leads to it: few
/// are then looked at twice.
bool NearPairs::relax(double tolerance) {
  constexpr int most_cycles = 100, often = 4;
  const int size = static_cast<int>(own_.size());
  shift_.assign(size, 0.0);
  parent_.assign(size, -1);
  shortened_.assign(size, 0);
  fresh_.assign(size, 1);
  waiting_.assign(size, 1);
  queue_.clear();
  for (int j = 0; j < size; ++j) {
    if (earlier_[j] == 0) queue_.push_back(row_of_[j]);
  }
  int cycles = 0;
  for (std::size_t next = 0;; ++next) {
    if (next == queue_.size()) {
      // Tight pairs in a circle leave rows that none comes before.
      for (int i = 0; i < size; ++i) {
        if (fresh_[i] != 0) queue_.push_back(i);
      }
      if (next == queue_.size()) return true;
    }
    const int i = queue_[next], own = column_of_[i];
    const double start = shift_[own] - own_[i], tight = fresh_[i] != 0 ? own_[i] + tight_ : -infinity;
    waiting_[i] = 0;
    fresh_[i] = 0;
    for (int p = begin_[i]; p < begin_[i + 1]; ++p) {
      const auto [j, value] = pairs_[p];
      const double distance = start + value;
      if (distance < shift_[j] - tolerance) {
        shift_[j] = distance;
        parent_[j] = own;
        await(row_of_[j]);
        if (++shortened_[j] >= often && exchange_cycle(j)) {
          if (++cycles > most_cycles) return false;
          std::fill(parent_.begin(), parent_.end(), -1);
          std::fill(shortened_.begin(), shortened_.end(), 0);
          await(i);  // whose other pairs have not been looked at
          break;
        }
      }
      if (value < tight && j != own && --earlier_[j] == 0 && fresh_[row_of_[j]] != 0) queue_.push_back(row_of_[j]);
    }
  }
}

void NearPairs::await(int row) {
  if (!waiting_[row]) queue_.push_back(row);
  waiting_[row] = 1;
}

/// A cycle of parents is one of negative length; looked for from column `first` backwards.
bool NearPairs::exchange_cycle(int first) {
  int j = parent_[first];
  for (int steps = static_cast<int>(row_of_.size()); j >= 0 && j != first && steps > 0; --steps) j = parent_[j];
  if (j < 0) return false;
  // The row of each parent takes the column of its child.
  const int last = j, row = row_of_[last];
  do {
    const int parent = parent_[j], taker = parent == last ? row : row_of_[parent];
    row_of_[j] = taker;
    column_of_[taker] = j;
    await(taker);
    for (int p = begin_[taker]; p < begin_[taker + 1]; ++p) {
      if (pairs_[p].column == j) own_[taker] = pairs_[p].value;
    }
    j = parent;
  } while (j != last);
  return true;
}

}  // namespace fortet::couplings
