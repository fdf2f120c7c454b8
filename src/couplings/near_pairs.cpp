#include "near_pairs.hpp"

#include <algorithm>
#include <limits>

namespace fortet::couplings {

template <int Dimension>
bool NearPairs::settle(const IntegerAssignment& problem, int dimension, double unit, const Aligned<float>& start) {
  if (problem.cut_off()) return false;
  // Of sums of d products up to 1, with partial sums up to 4 d.
  constexpr double half_ulp = std::numeric_limits<float>::epsilon() / 2,
                   double_ulp = std::numeric_limits<double>::epsilon();
  const double rounding = half_ulp * dimension * (3 + 4 * (dimension + 4)), tolerance = 8 * dimension * double_ulp;
  const auto nothing_beyond_matters = [&](Short near) {
    double moved = 0, dearer = 0;
    for (std::size_t i = 0; i < own_.size(); ++i) {
      moved = std::max(moved, -shift_[i]);
      dearer = std::max(dearer, own_[i] - first_own_[i]);
    }
    return moved + dearer <= near * unit - 2 * rounding;
  };
  for (const Short near : {8, 32}) {  // the first is nearly always enough
    collect<Dimension>(problem, dimension, unit, start, near);
    // The first search may have gone round cycles, which no longer exist, before it saw them.
    for (int search = 0; search < 2 && relax(tolerance); ++search) {
      if (nothing_beyond_matters(near)) return true;
    }
  }
  return false;
}

template <int Dimension>
void NearPairs::collect(const IntegerAssignment& problem, int dimension, double unit, const Aligned<float>& start,
                        Short near) {
  const std::size_t size = rows.size() / dimension, dimensions = Dimension > 0 ? Dimension : dimension;
  start_.resize(size);
  column_of_.resize(size);
  row_of_.resize(size);
  own_.resize(size);
  begin_.resize(size + 1);
  for (std::size_t j = 0; j < size; ++j) start_[j] = start[j] - unit * problem.lowered(static_cast<int>(j));
  const auto value = [&](std::size_t i, std::size_t j) {
    double sum = -start_[j];
    for (std::size_t k = 0; k < dimensions; ++k) sum -= rows[i * dimensions + k] * columns[j * dimensions + k];
    return sum;
  };
  std::size_t count = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const int row = static_cast<int>(i), own = problem.column(row);
    column_of_[i] = own;
    row_of_[own] = row;
    own_[i] = value(i, own);
    begin_[i] = static_cast<int>(count);
    if (pairs_.size() < count + size) pairs_.resize(2 * (count + size));
    problem.for_near(row, near, [&](int j) {
      const double there = value(i, j);
      pairs_[count] = {j, there < own_[i] + unit / 2, there};
      count += j != own ? 1 : 0;
    });
  }
  begin_[size] = static_cast<int>(count);
  first_own_ = own_;
}

/// Bellman and Ford's search.
bool NearPairs::relax(double tolerance) {
  constexpr int most_cycles = 100, often = 4;
  look_once(tolerance);
  int cycles = 0;
  for (std::size_t next = 0; next < queue_.size(); ++next) {
    const int i = queue_[next], own = column_of_[i];
    const double start = shift_[own] - own_[i];
    waiting_[i] = 0;
    for (int p = begin_[i]; p < begin_[i + 1]; ++p) {
      const int j = pairs_[p].column;
      const double distance = start + pairs_[p].value;
      if (!(distance < shift_[j] - tolerance)) continue;
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
  }
  return true;
}

/// Looks at every row, first at those to which no tight pair leads from a row not looked at yet, so that few must be
/// looked at twice. Nothing here can be foreseen: no branch depends on it.
void NearPairs::look_once(double tolerance) {
  const std::size_t size = own_.size();
  shift_.assign(size, 0.0);
  parent_.assign(size, -1);
  shortened_.assign(size, 0);
  earlier_.assign(size, 0);
  seen_.assign(size, 0);
  waiting_.assign(size, 0);
  order_.resize(size + 1);
  queue_.resize(size + 1);
  for (int p = 0; p < begin_[size]; ++p) earlier_[pairs_[p].column] += pairs_[p].tight ? 1 : 0;
  std::size_t ready = 0, repeated = 0;
  for (std::size_t j = 0; j < size; ++j) {
    order_[ready] = static_cast<int>(j);
    ready += earlier_[j] == 0 ? 1 : 0;
  }
  for (std::size_t next = 0, unseen = 0; next < size; ++next) {
    if (next == ready) {  // tight pairs in a circle leave rows that none comes before
      while (seen_[unseen] != 0) ++unseen;
      order_[ready++] = static_cast<int>(unseen);
      earlier_[unseen] = 0;
    }
    const int own = order_[next], i = row_of_[own];
    const double start = shift_[own] - own_[i];
    seen_[own] = 1;
    for (int p = begin_[i], end = begin_[i + 1]; p < end; ++p) {
      const auto [j, tight, value] = pairs_[p];
      const double distance = start + value, old = shift_[j];
      const bool shorter = distance < old - tolerance;
      shift_[j] = shorter ? distance : old;
      parent_[j] = shorter ? own : parent_[j];
      shortened_[j] += shorter ? 1 : 0;
      const int row = row_of_[j], repeat = (shorter ? 1 : 0) & seen_[j] & ~waiting_[row];
      waiting_[row] |= repeat;
      queue_[repeated] = row;
      repeated += repeat;
      earlier_[j] -= tight ? 1 : 0;
      order_[ready] = j;
      ready += tight && earlier_[j] == 0 ? 1 : 0;
    }
  }
  queue_.resize(repeated);
}

void NearPairs::await(int row) {
  if (waiting_[row] == 0) queue_.push_back(row);
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
    const auto begin = pairs_.begin() + begin_[taker], end = pairs_.begin() + begin_[taker + 1];
    const auto taken = std::find_if(begin, end, [&](const Pair& pair) { return pair.column == j; });
    std::swap(taken->value, own_[taker]);
    taken->column = parent;
    j = parent;
  } while (j != last);
  return true;
}

template bool NearPairs::settle<0>(const IntegerAssignment&, int, double, const Aligned<float>&);
template bool NearPairs::settle<1>(const IntegerAssignment&, int, double, const Aligned<float>&);
template bool NearPairs::settle<2>(const IntegerAssignment&, int, double, const Aligned<float>&);
template bool NearPairs::settle<3>(const IntegerAssignment&, int, double, const Aligned<float>&);

}  // namespace fortet::couplings
