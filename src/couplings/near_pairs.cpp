#include "near_pairs.hpp"

#include <algorithm>
#include <limits>

namespace fortet::couplings {

bool NearPairs::settle(const IntegerAssignment& problem, int dimension, double unit, const std::vector<float>& start) {
  constexpr Short near = 16;
  constexpr int most_cycles = 100;
  const int size = static_cast<int>(rows.size()) / dimension;
  potential_.resize(size);
  for (int j = 0; j < size; ++j) potential_[j] = start[j] - unit * problem.lowered(j);
  column_of_.resize(size);
  row_of_.resize(size);
  own_.resize(size);
  for (int i = 0; i < size; ++i) {
    column_of_[i] = problem.column(i);
    row_of_[column_of_[i]] = i;
    if (problem.cost(i, column_of_[i]) == IntegerAssignment::largest_cost) return false;  // cut off: may cost more
  }
  const auto value = [&](int i, int j) {
    double sum = -potential_[j];
    for (int k = 0; k < dimension; ++k) sum -= rows[i * dimension + k] * columns[j * dimension + k];
    return sum;
  };
  pairs_.clear();
  begin_.assign(1, 0);
  int row = 0;
  problem.for_near(near, [&](int i, int j) {
    for (; row < i; ++row) begin_.push_back(static_cast<int>(pairs_.size()));
    pairs_.push_back({j, value(i, j)});
    if (j == column_of_[i]) own_[i] = pairs_.back().value;
  });
  begin_.push_back(static_cast<int>(pairs_.size()));
  first_own_ = own_;
  // Of sums of d products up to 1, with partial sums up to 4 d.
  constexpr double half_ulp = std::numeric_limits<float>::epsilon() / 2,
                   double_ulp = std::numeric_limits<double>::epsilon();
  const double rounding = half_ulp * dimension * (2 + 4 * (dimension + 3)), tolerance = 8 * dimension * double_ulp;
  for (int cycles = 0; exchange(tolerance); ++cycles) {
    if (cycles == most_cycles) return false;
  }
  double moved = 0, dearer = 0;
  for (int i = 0; i < size; ++i) {
    moved = std::max(moved, -shift_[i]);
    dearer = std::max(dearer, own_[i] - first_own_[i]);
  }
  return moved + dearer <= near * unit - 2 * rounding;
}

bool NearPairs::exchange(double tolerance) {
  const int size = static_cast<int>(row_of_.size());
  shift_.assign(size, 0.0);
  parent_.assign(size, -1);
  waiting_.assign(size, 1);
  queue_.resize(size);
  for (int i = 0; i < size; ++i) queue_[i] = i;
  int shortened = 0;
  for (std::size_t next = 0; next < queue_.size(); ++next) {
    const int i = queue_[next];
    waiting_[i] = 0;
    const double start = shift_[i] - own_[i];
    for (int p = begin_[i]; p < begin_[i + 1]; ++p) {
      const int k = row_of_[pairs_[p].column];
      const double distance = start + pairs_[p].value;
      if (k == i || !(distance < shift_[k] - tolerance)) continue;
      shift_[k] = distance;
      parent_[k] = i;
      if (!waiting_[k]) queue_.push_back(k);
      waiting_[k] = 1;
      if (++shortened % size == 0 && exchange_cycle()) return true;
    }
  }
  return false;
}

/// A cycle of parents is one of negative length.
bool NearPairs::exchange_cycle() {
  const int size = static_cast<int>(row_of_.size());
  seen_from_.assign(size, -1);
  for (int first = 0; first < size; ++first) {
    int i = first;
    for (; i >= 0 && seen_from_[i] < 0; i = parent_[i]) seen_from_[i] = first;
    if (i < 0 || seen_from_[i] != first) continue;
    // Each row takes the column of its child.
    const int last = i;
    int column = column_of_[last];
    do {
      i = parent_[i];
      std::swap(column_of_[i], column);
      row_of_[column_of_[i]] = i;
      for (int p = begin_[i]; p < begin_[i + 1]; ++p) {
        if (pairs_[p].column == column_of_[i]) own_[i] = pairs_[p].value;
      }
    } while (i != last);
    return true;
  }
  return false;
}

}  // namespace fortet::couplings
