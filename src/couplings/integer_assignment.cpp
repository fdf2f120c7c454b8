#include "integer_assignment.hpp"

#include <algorithm>
#include <numeric>

namespace fortet::couplings {
namespace {

constexpr int passes = 4;  // of the reduction

struct alignas(64) ColumnNumbers {
  Short value[512];
};
constexpr ColumnNumbers numbers = [] {
  ColumnNumbers all{};
  for (int j = 0; j < 512; ++j) all.value[j] = static_cast<Short>(j);
  return all;
}();

/// Calls both until both have returned false.
template <class First, class Second>
void in_turn(const First& first, const Second& second) {
  while (first() && second()) {
  }
  while (first()) {
  }
  while (second()) {
  }
}

}  // namespace

void IntegerAssignment::resize(int n) {
  size_ = n;
  padded_ = padded(n);
  matrix_.resize(static_cast<std::size_t>(n) * padded_);
  distance_.resize(padded_);
  reached_from_.resize(padded_);
}

void IntegerAssignment::solve() {
  begin_reduction();
  while (reduce_row()) {
  }
  begin_search();
  while (search()) {
  }
}

void IntegerAssignment::solve(IntegerAssignment& first, IntegerAssignment& second) {
  first.begin_reduction();
  second.begin_reduction();
  in_turn([&] { return first.reduce_row(); }, [&] { return second.reduce_row(); });
  first.begin_search();
  second.begin_search();
  in_turn([&] { return first.search(); }, [&] { return second.search(); });
}

bool IntegerAssignment::fail() {
  failed_ = true;
  count_ = next_ = 0;
  pass_ = passes;
  passed_.clear();
  return false;
}

void IntegerAssignment::begin_reduction() {
  lowered_.assign(padded_, 0);
  own_cost_.resize(padded_);
  row_of_.assign(size_, -1);
  taken_.clear();
  for (int j = size_; j < padded_; ++j) taken_.add(j);
  rows_.resize(size_);
  left_.resize(size_);
  std::iota(rows_.begin(), rows_.end(), 0);
  count_ = size_;
  next_ = left_count_ = pass_ = 0;
  lowered_next_ = lowered_by_ = 0;
  failed_ = false;
}

/// Looks at one row, as AssignmentSolver::reduce; false when no row is left to look at.
bool IntegerAssignment::reduce_row() {
  if (pass_ == passes) return false;
  if (next_ == count_) {
    rows_.swap(left_);
    count_ = left_count_;
    next_ = left_count_ = 0;
    pass_ = count_ == 0 ? passes : pass_ + 1;
    return true;
  }
  const int i = rows_[next_++];
  const Best best = two_smallest(i);
  lowered_by_ = 0;
  int j = best.place;
  if (best.first < best.second) {
    if (lowered_[j] + best.second - best.first > largest_potential) return fail();
    lowered_next_ = best.place;
    lowered_by_ = static_cast<Short>(best.second - best.first);
  } else if (row_of_[j] >= 0) {
    j = free_column(i, best.first);
    if (j < 0) {
      left_[left_count_++] = i;
      return true;
    }
  }
  left_[left_count_] = row_of_[j];
  left_count_ += row_of_[j] >= 0 ? 1 : 0;
  taken_.add(j);
  match(i, j);
  return true;
}

IntegerAssignment::Best IntegerAssignment::two_smallest(int i) {
  ++scans_;
  const Short* const costs = row(i);
  Short* const lowered = lowered_.data();
  const Shorts grows = broadcast(lowered_next_), by = broadcast(lowered_by_);
  Shorts first = broadcast(none), second = first, places{}, place = lane_numbers<Shorts>();
  for (int j = 0, end = padded_; j < end; j += short_lanes) {
    const Shorts old = load(lowered + j), w = chosen(equal(place, grows), old + by, old);
    store(lowered + j, w);
    const Shorts value = load(costs + j) + w;
    places = chosen(less(value, first), place, places);
    second = smaller(second, larger(first, value));
    first = smaller(first, value);
    place += short_lanes;
  }
  const std::uint32_t least = smallest_with_place(first, places);
  const auto at = static_cast<Short>(least);
  first = places == broadcast(at) ? second : first;
  return {static_cast<Short>(least >> 16), smallest(first), at};
}

/// A free column at this reduced cost, or -1.
int IntegerAssignment::free_column(int i, Short reduced) const {
  const Short *const costs = matrix_.data() + static_cast<std::size_t>(i) * padded_, *const lowered = lowered_.data();
  for (int j = 0; j < padded_; j += short_lanes) {
    const std::uint32_t found =
        bits_of(equal(load(costs + j) + load(lowered + j), broadcast(reduced)) & ~taken_[j / short_lanes]);
    if (found != 0) return j + std::countr_zero(found);
  }
  return -1;
}

void IntegerAssignment::begin_search() {
  lowered_[lowered_next_] += lowered_by_;
  column_of_.assign(size_, -1);
  for (int j = 0; j < size_; ++j) {
    if (row_of_[j] >= 0) column_of_[row_of_[j]] = j;
  }
  next_ = 0;
  passed_.clear();
  order_free_rows();
}

/// Those with a free column near by come first, which takes a tenth off the steps of all searches.
void IntegerAssignment::order_free_rows() {
  left_.resize(count_);
  for (int k = 0; k < count_; ++k) {
    const Short *const costs = row(rows_[k]), *const lowered = lowered_.data();
    Shorts all = broadcast(Short{65535}), free = all;
    for (std::size_t b = 0, blocks = static_cast<std::size_t>(padded_) / short_lanes; b < blocks; ++b) {
      const Shorts value = load(costs + b * short_lanes) + load(lowered + b * short_lanes);
      all = smaller(all, value);
      free = smaller(free, chosen(taken_[b], free, value));
    }
    left_[k] = std::min(smallest(free) - smallest(all), 32767) << 16 | rows_[k];
  }
  std::sort(left_.begin(), left_.end());
  for (int k = 0; k < count_; ++k) rows_[k] = left_[k] & 65535;
}

/// Lowers the distances of the columns not passed by paths through row i and returns the smallest, above the column;
/// those of the others are kept elsewhere.
template <bool First>
[[gnu::always_inline]] inline std::uint32_t IntegerAssignment::relax(int i, Short shift) {
  ++scans_;
  const Short *const costs = row(i), *const lowered = lowered_.data();
  Short *const distances = distance_.data(), *const reached_from = reached_from_.data();
  const Shorts shifts = broadcast(shift), from = broadcast(static_cast<Short>(i)), most = broadcast(Short{65535});
  Shorts least = most, places{};
#pragma GCC unroll 8
  for (std::size_t b = 0, blocks = static_cast<std::size_t>(padded_) / short_lanes; b < blocks; ++b) {
    const std::size_t j = b * short_lanes;
    const Where open = ~done_[b];
    Shorts value = load(costs + j) + load(lowered + j);
    if constexpr (First) {
      store(reached_from + j, from);
    } else {
      value += shifts;
      const Shorts old = load(distances + j);
      store(reached_from + j, chosen(less(open, value, old), from, load(reached_from + j)));
      value = smaller(value, old);
    }
    value = chosen(open, value, most);
    store(distances + j, value);
    places = chosen(less(value, least), load(numbers.value + j), places);
    least = smaller(least, value);
  }
  return smallest_with_place(least, places);
}

/// One step of Dijkstra's search from a free row to the nearest free column (see AssignmentSolver::augment); false when
/// no free row is left.
bool IntegerAssignment::search() {
  std::uint32_t nearest;
  if (passed_.empty()) {
    if (next_ == count_) return false;
    done_.clear();
    for (int j = size_; j < padded_; ++j) done_.add(j);
    nearest = relax<true>(rows_[next_], 0);
  } else {
    const int j = passed_.back() & 65535;
    nearest = relax<false>(row_of_[j], static_cast<Short>((passed_.back() >> 16) - own_cost_[j] - lowered_[j]));
  }
  const int j = nearest & 65535, distance = static_cast<int>(nearest >> 16);
  if (row_of_[j] >= 0) {
    if (distance > largest_potential) return fail();
    done_.add(j);
    passed_.push_back(nearest);
    return true;
  }
  for (const std::uint32_t passed : passed_) {
    const int k = passed & 65535, lowered = lowered_[k] + distance - static_cast<int>(passed >> 16);
    if (lowered > largest_potential) return fail();
    lowered_[k] = static_cast<Short>(lowered);
  }
  augment(j);
  passed_.clear();
  ++next_;
  return true;
}

/// Every row of the path that ends at column j takes the column it was reached by.
void IntegerAssignment::augment(int j) {
  int i;
  do {
    i = reached_from_[j];
    match(i, j);
    std::swap(column_of_[i], j);
  } while (i != rows_[next_]);
}

}  // namespace fortet::couplings
