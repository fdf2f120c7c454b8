#include "small_assignment.hpp"

#include <algorithm>
#include <cmath>

#include "hilbert_order.hpp"
#include "integer_assignment.hpp"
#include "near_pairs.hpp"

namespace fortet::couplings {
namespace {

/// Points in single precision, coordinate by coordinate, with a weight each.
struct Side {
  int size = 0, padded = 0;
  std::vector<float> coordinates, weights;

  void resize(int n, int dimension) {
    size = n;
    padded = IntegerAssignment::padded(n);
    coordinates.assign(static_cast<std::size_t>(padded) * dimension, 0);
    weights.assign(padded, 0);
  }
  const float* coordinate(int k) const { return coordinates.data() + static_cast<std::size_t>(k) * padded; }
  float* coordinate(int k) { return coordinates.data() + static_cast<std::size_t>(k) * padded; }
};

/// Points of which every two neighbours in the list become one.
void halve(const Side& from, int dimension, Side& to) {
  to.resize((from.size + 1) / 2, dimension);
  for (int k = 0; k < dimension; ++k) {
    const float* const x = from.coordinate(k);
    float* const middle = to.coordinate(k);
    for (int i = 0; i < from.size / 2; ++i) middle[i] = (x[2 * i] + x[2 * i + 1]) / 2;
    if (from.size % 2 != 0) middle[to.size - 1] = x[from.size - 1];
  }
}

/// weight_j = min_i (-x_i . y_j - weight_i) for the points y_j of `to`.
template <int Dimension>
void transform(const Side& from, int dimension, Side& to) {
  for (int j = 0; j < to.padded; j += 2 * float_lanes) {
    Floats least0 = broadcast(std::numeric_limits<float>::infinity()), least1 = least0;
    const float* const weights = from.weights.data();
    for (int i = 0, size = from.size; i < size; ++i) {
      Floats value0 = broadcast(-weights[i]), value1 = value0;
      for (int k = 0; k < (Dimension > 0 ? Dimension : dimension); ++k) {
        const float x = from.coordinate(k)[i];
        value0 -= x * load(to.coordinate(k) + j);
        value1 -= x * load(to.coordinate(k) + j + float_lanes);
      }
      least0 = smaller(least0, value0);
      least1 = smaller(least1, value1);
    }
    store(to.weights.data() + j, least0);
    store(to.weights.data() + j + float_lanes, least1);
  }
}

/// The matrix of -x_i . y_j - a_i - b_j over the unit, rounded.
template <int Dimension>
void fill(const Side& rows, const Side& columns, int dimension, float unit, IntegerAssignment& problem) {
  using Integers16 = std::int32_t __attribute__((vector_size(64)));
  using Half = Short __attribute__((vector_size(32)));
  problem.resize(rows.size);
  const float per_unit = 1 / unit;
  for (int i = 0; i < rows.size; ++i) {
    Short* const out = problem.row(i);
    const Floats start = broadcast(-rows.weights[i]);
    for (int j = 0; j < columns.padded; j += float_lanes) {
      Floats value = start - load(columns.weights.data() + j);
      for (int k = 0; k < (Dimension > 0 ? Dimension : dimension); ++k)
        value -= rows.coordinate(k)[i] * load(columns.coordinate(k) + j);
      value = value * per_unit + 0.5f;
      value = smaller(larger(value, Floats{}), broadcast(static_cast<float>(IntegerAssignment::largest_cost)));
      const Half rounded = __builtin_convertvector(__builtin_convertvector(value, Integers16), Half);
      std::memcpy(out + j, &rounded, sizeof rounded);
    }
    std::fill(out + columns.size, out + columns.padded, IntegerAssignment::none);
  }
}

/// Space of one thread, kept from call to call.
struct Workspace {
  static constexpr int levels = 6;
  std::array<Side, levels> rows, columns;
  HilbertOrder row_order, column_order;
  Side scratch;
  IntegerAssignment problem;
  NearPairs near;
};

/// The unit in which costs up to `reach` per dimension are whole numbers of 16 bits.
float unit_of(float reach, int dimension) {
  return reach * static_cast<float>(dimension) / static_cast<float>(IntegerAssignment::largest_cost);
}
/// Reduced costs of points in the unit box hardly ever exceed it.
constexpr float longest_reach = 4;

/// Potentials of a level, both sides' tight, from the solution of the next coarser one if there is one.
template <int Dimension>
bool start(int level, int dimension, Workspace& work) {
  constexpr int few = 40;
  Side &rows = work.rows[level], &columns = work.columns[level];
  if (rows.size > few) {
    Side &coarse_rows = work.rows[level + 1], &coarse_columns = work.columns[level + 1];
    halve(rows, dimension, coarse_rows);
    halve(columns, dimension, coarse_columns);
    const float unit = unit_of(longest_reach, dimension);
    if (!start<Dimension>(level + 1, dimension, work)) return false;
    fill<Dimension>(coarse_rows, coarse_columns, dimension, unit, work.problem);
    if (!work.problem.solve()) return false;
    for (int j = 0; j < coarse_columns.size; ++j)
      coarse_columns.weights[j] -= unit * static_cast<float>(work.problem.lowered(j));
    transform<Dimension>(coarse_columns, dimension, coarse_rows);
    transform<Dimension>(coarse_rows, dimension, columns);
  } else {
    transform<Dimension>(rows, dimension, columns);
  }
  transform<Dimension>(columns, dimension, rows);
  transform<Dimension>(rows, dimension, columns);
  return true;
}

/// Centre of the box of the points, and half the widest side.
struct Frame {
  std::array<double, most_small_dimensions> centre{};
  double scale = 0;

  explicit Frame(ConstPoints points) {
    for (int k = 0; k < points.dimension(); ++k) {
      const auto [low, high] = std::minmax_element(points.coordinate(k), points.coordinate(k) + points.size());
      centre[k] = *low / 2 + *high / 2;
      scale = std::max(scale, *high / 2 - *low / 2);
    }
    if (!(scale > 0)) scale = 1;
  }
};

/// The points moved and scaled into the unit box, in order, in both precisions: the plan stays the same, whatever the
/// offset and the scale of either side. Returns the order.
const std::vector<std::int32_t>& place(ConstPoints points, const Frame& frame, HilbertOrder& hilbert, Side& scratch,
                                       std::vector<double>& exact, Side& side) {
  const int n = static_cast<int>(points.size()), dimension = points.dimension();
  const auto unit = [&](Index i, int k) { return (points(i, k) - frame.centre[k]) / frame.scale; };
  scratch.resize(n, dimension);
  for (int k = 0; k < dimension; ++k) {
    float* const x = scratch.coordinate(k);
    for (int i = 0; i < n; ++i) x[i] = static_cast<float>(unit(i, k));
  }
  const std::vector<std::int32_t>& order = hilbert(scratch.coordinate(0), n, dimension, scratch.padded);
  side.resize(n, dimension);
  exact.resize(static_cast<std::size_t>(n) * dimension);
  for (int k = 0; k < dimension; ++k) {
    for (int i = 0; i < n; ++i) {
      side.coordinate(k)[i] = scratch.coordinate(k)[order[i]];
      exact[static_cast<std::size_t>(i) * dimension + k] = unit(order[i], k);
    }
  }
  return order;
}

template <int Dimension>
bool solve_in(int dimension, Workspace& work) {
  const Side &rows = work.rows[0], &columns = work.columns[0];
  if (!start<Dimension>(0, dimension, work)) return false;
  // A short reach leaves little to NearPairs; clusters far apart need the longest.
  for (const float reach : {std::max(0.25F, 64 / static_cast<float>(rows.size)), longest_reach}) {
    const float unit = unit_of(reach, dimension);
    fill<Dimension>(rows, columns, dimension, unit, work.problem);
    if (work.problem.solve() && work.near.settle(work.problem, dimension, unit, columns.weights)) return true;
  }
  return false;
}

}  // namespace

bool solve_small(ConstPoints rows, ConstPoints columns, Assignment& result) {
  static thread_local Workspace work;
  const std::int64_t scans_before = work.problem.scans();
  const Frame row_frame(rows), column_frame(columns);
  const auto& row_order = place(rows, row_frame, work.row_order, work.scratch, work.near.rows, work.rows[0]);
  const auto& column_order =
      place(columns, column_frame, work.column_order, work.scratch, work.near.columns, work.columns[0]);
  const bool solved = rows.dimension() == 1   ? solve_in<1>(rows.dimension(), work)
                      : rows.dimension() == 2 ? solve_in<2>(rows.dimension(), work)
                      : rows.dimension() == 3 ? solve_in<3>(rows.dimension(), work)
                                              : solve_in<0>(rows.dimension(), work);
  if (!solved) return false;
  const auto n = static_cast<std::size_t>(rows.size());
  result.column.resize(n);
  result.row_potential.resize(n);
  result.column_potential.resize(n);
  // Of |x - y|^2 = |x'|^2 + |y'|^2 - 2 x'.y' + 2 D.(x' - y') + |D|^2 with x', y' relative to the centres, D apart.
  for (std::size_t j = 0; j < n; ++j) {
    double sum = 2 * row_frame.scale * column_frame.scale * work.near.potential(static_cast<int>(j));
    for (int k = 0; k < rows.dimension(); ++k) {
      const double y = columns(column_order[j], k) - column_frame.centre[k];
      sum += y * (y - 2 * (row_frame.centre[k] - column_frame.centre[k]));
    }
    result.column_potential[column_order[j]] = sum;
  }
  for (std::size_t i = 0; i < n; ++i) result.column[row_order[i]] = column_order[work.near.column(static_cast<int>(i))];
  for (Index i = 0; i < rows.size(); ++i) {
    double cost = 0;
    for (int k = 0; k < rows.dimension(); ++k) {
      const double difference = rows(i, k) - columns(result.column[i], k);
      cost += difference * difference;
    }
    result.cost += cost;
    result.row_potential[i] = cost - result.column_potential[result.column[i]];
  }
  result.scans = work.problem.scans() - scans_before;
  return true;
}

}  // namespace fortet::couplings
