#include "integer_assignment.hpp"

#include <algorithm>
#include <numeric>

namespace fortet::couplings {

void IntegerAssignment::resize(int n) {
  size_ = n;
  padded_ = padded(n);
  matrix_.resize(static_cast<std::size_t>(n) * padded_);
  distance_.resize(padded_);
  reached_from_.resize(padded_);
  done_.resize(padded_);
}

bool IntegerAssignment::solve() {
  lowered_.assign(padded_, 0);
  row_of_.assign(size_, -1);
  column_of_.assign(size_, -1);
  if (!reduce()) return false;
  return std::all_of(rows_.begin(), rows_.end(), [this](int i) { return augment(i); });
}

IntegerAssignment::Best IntegerAssignment::two_smallest(int i) {
  ++scans_;
  const Short *const costs = row(i), *const lowered = lowered_.data();
  Shorts first = broadcast(none), second = first, block{};
  for (int j = 0, end = padded_; j < end; j += short_lanes) {
    const Shorts value = load(costs + j) + load(lowered + j);
    block = value < first ? broadcast(static_cast<Short>(j)) : block;
    second = smaller(second, larger(first, value));
    first = smaller(first, value);
  }
  const Short least = smallest(first);
  const int lane = std::countr_zero(equal(first, broadcast(least)));
  std::array<Short, short_lanes> blocks, seconds;
  store(blocks.data(), block);
  store(seconds.data(), second);
  static constexpr Shorts lanes{0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
  first = lanes == broadcast(static_cast<Short>(lane)) ? second : first;
  return {least, smallest(first), blocks[lane] + lane};
}

/// As AssignmentSolver::reduce.
bool IntegerAssignment::reduce() {
  constexpr int passes = 4;
  rows_.resize(size_);
  std::iota(rows_.begin(), rows_.end(), 0);
  for (int pass = 0; pass < passes && !rows_.empty(); ++pass) {
    left_.clear();
    for (const int i : rows_) {
      const Best best = two_smallest(i);
      int j = best.place;
      if (best.first < best.second) {
        const int lowered = lowered_[j] + best.second - best.first;
        if (lowered > largest_potential) return false;
        lowered_[j] = static_cast<Short>(lowered);
      } else if (row_of_[j] >= 0) {
        const Short* const costs = row(i);
        int other = 0;
        while (other < size_ && (row_of_[other] >= 0 || costs[other] + lowered_[other] != best.first)) ++other;
        if (other == size_) {
          left_.push_back(i);
          continue;
        }
        j = other;
      }
      if (row_of_[j] >= 0) {
        column_of_[row_of_[j]] = -1;
        left_.push_back(row_of_[j]);
      }
      row_of_[j] = i;
      column_of_[i] = j;
    }
    rows_.swap(left_);
  }
  return true;
}

/// Lowers the distances by paths through row i and returns the column at the smallest distance of those not passed.
template <bool First>
[[gnu::always_inline]] inline int IntegerAssignment::relax(int i, Short shift) {
  ++scans_;
  const Short *const costs = row(i), *const lowered = lowered_.data(), *const done = done_.data();
  Short *const distances = distance_.data(), *const reached_from = reached_from_.data();
  const Shorts shifts = broadcast(shift), from = broadcast(static_cast<Short>(i));
  Shorts least = broadcast(Short{65535}), block{};
#pragma GCC unroll 4
  for (int j = 0, end = padded_; j < end; j += short_lanes) {
    Shorts value = load(costs + j) + load(lowered + j);
    if constexpr (First) {
      store(reached_from + j, from);
    } else {
      value += shifts;
      const Shorts old = load(distances + j);
      store(reached_from + j, value < old ? from : load(reached_from + j));
      value = smaller(value, old);
    }
    store(distances + j, value);
    const Shorts open = value | load(done + j);
    block = open < least ? broadcast(static_cast<Short>(j)) : block;
    least = smaller(least, open);
  }
  const int lane = std::countr_zero(equal(least, broadcast(smallest(least))));
  std::array<Short, short_lanes> blocks;
  store(blocks.data(), block);
  return blocks[lane] + lane;
}

/// Dijkstra's search from row `first` to the nearest free column; see AssignmentSolver::augment.
bool IntegerAssignment::augment(int first) {
  passed_.clear();
  std::fill(done_.begin(), done_.begin() + size_, Short{0});
  std::fill(done_.begin() + size_, done_.end(), Short{65535});
  int j = relax<true>(first, 0);
  while (row_of_[j] >= 0) {
    const Short distance = distance_[j];
    if (distance > largest_potential) return false;
    done_[j] = 65535;
    passed_.push_back(j);
    const int i = row_of_[j];
    j = relax<false>(i, static_cast<Short>(distance - cost(i, j) - lowered_[j]));
  }
  const Short shortest = distance_[j];
  for (const int k : passed_) {
    const int lowered = lowered_[k] + shortest - distance_[k];
    if (lowered > largest_potential) return false;
    lowered_[k] = static_cast<Short>(lowered);
  }
  int i;
  do {
    i = reached_from_[j];
    row_of_[j] = i;
    std::swap(column_of_[i], j);
  } while (i != first);
  return true;
}

}  // namespace fortet::couplings
