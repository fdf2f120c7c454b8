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
  Aligned<float> coordinates, weights;

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
  // So many vectors of columns at once share the loads of the row.
  const auto transform_some = [&]<int Count>(int j, std::integral_constant<int, Count>) {
    std::array<Floats, Count> most;
    for (Floats& m : most) m = broadcast(-std::numeric_limits<float>::infinity());
    const float* const weights = from.weights.data();
    for (int i = 0, size = from.size; i < size; ++i) {
      std::array<Floats, Count> value;
      for (Floats& v : value) v = broadcast(weights[i]);
      for (int k = 0; k < (Dimension > 0 ? Dimension : dimension); ++k) {
        const float x = from.coordinate(k)[i];
        for (int c = 0; c < Count; ++c) value[c] += x * load(to.coordinate(k) + j + c * float_lanes);
      }
      for (int c = 0; c < Count; ++c) most[c] = larger(most[c], value[c]);
    }
    for (int c = 0; c < Count; ++c) store(to.weights.data() + j + c * float_lanes, -most[c]);
  };
  int j = 0;
  for (; j + 4 * float_lanes <= to.padded; j += 4 * float_lanes) transform_some(j, std::integral_constant<int, 4>{});
  for (; j < to.padded; j += 2 * float_lanes) transform_some(j, std::integral_constant<int, 2>{});
}

/// The matrix of -x_i . y_j - a_i - b_j over the unit, rounded.
template <int Dimension>
void fill(const Side& rows, const Side& columns, int dimension, float unit, IntegerAssignment& problem) {
  problem.resize(rows.size);
  const float per_unit = 1 / unit;
  std::array<float, most_small_dimensions> x{};
  for (int i = 0; i < rows.size; ++i) {
    for (int k = 0; k < dimension; ++k) x[k] = rows.coordinate(k)[i] * per_unit;
    const Floats start = broadcast(0.5F - rows.weights[i] * per_unit);
    const auto value = [&](int j) {
      Floats sum = start - per_unit * load(columns.weights.data() + j);
      for (int k = 0; k < (Dimension > 0 ? Dimension : dimension); ++k) sum -= x[k] * load(columns.coordinate(k) + j);
      return sum;
    };
    Short* const out = problem.row(i);
    for (int j = 0; j < columns.padded; j += short_lanes)
      store(out + j, smaller(whole(value(j), value(j + float_lanes)), broadcast(IntegerAssignment::largest_cost)));
    std::fill(out + columns.size, out + columns.padded, IntegerAssignment::none);
  }
}

/// The unit in which costs up to `reach` per dimension are whole numbers of 16 bits.
float unit_of(float reach, int dimension) {
  return reach * static_cast<float>(dimension) / static_cast<float>(IntegerAssignment::largest_cost);
}
/// Reduced costs of points in the unit box hardly ever exceed it.
constexpr float longest_reach = 4;

/// Centre of the box of the points, and half the widest side.
struct Frame {
  std::array<double, most_small_dimensions> centre{};
  double scale = 0;

  Frame() = default;
  explicit Frame(ConstPoints points) {
    for (int k = 0; k < points.dimension(); ++k) {
      const auto [low, high] = std::minmax_element(points.coordinate(k), points.coordinate(k) + points.size());
      centre[k] = *low / 2 + *high / 2;
      scale = std::max(scale, *high / 2 - *low / 2);
    }
    if (!(scale >= std::numeric_limits<double>::min())) scale = 1;  // squares are 0
  }
};

/// One side of a problem on all levels: its points in the unit box and in order, and their midpoints.
struct Levels {
  static constexpr int most = 6;
  Frame frame;
  HilbertOrder hilbert;
  const std::vector<std::int32_t>* order = nullptr;
  std::array<Side, most> sides;
  int coarsest = 0;
  Side scratch;

  /// The points moved and scaled into the unit box, in order, in both precisions: the plan stays the same, whatever the
  /// offset and the scale of either side.
  void place(ConstPoints points, std::vector<double>& exact) {
    constexpr int few = 40;
    const int n = static_cast<int>(points.size()), dimension = points.dimension();
    frame = Frame(points);
    const double per_scale = 1 / frame.scale;
    const auto unit = [&](Index i, int k) { return (points(i, k) - frame.centre[k]) * per_scale; };
    scratch.resize(n, dimension);
    for (int k = 0; k < dimension; ++k) {
      float* const x = scratch.coordinate(k);
      for (int i = 0; i < n; ++i) x[i] = static_cast<float>(unit(i, k));
    }
    order = &hilbert(scratch.coordinate(0), n, dimension, scratch.padded);
    sides[0].resize(n, dimension);
    exact.resize(static_cast<std::size_t>(n) * dimension);
    for (int k = 0; k < dimension; ++k) {
      for (int i = 0; i < n; ++i) {
        const std::int32_t from = (*order)[i];
        sides[0].coordinate(k)[i] = scratch.coordinate(k)[from];
        exact[static_cast<std::size_t>(i) * dimension + k] = unit(from, k);
      }
    }
    for (coarsest = 0; sides[coarsest].size > few; ++coarsest) halve(sides[coarsest], dimension, sides[coarsest + 1]);
  }
};

/// A problem on its way to a solution; the space is kept from call to call.
class SmallProblem {
 public:
  void place(const PointSets& points) {
    scans_before_ = integers_.scans();
    dimension_ = points.rows.dimension();
    rows_.place(points.rows, near_.rows);
    columns_.place(points.columns, near_.columns);
    failed_ = false;
  }

  /// Potentials of a level, both sides' tight, from the solution of the next coarser one if there is one.
  template <int Dimension>
  void start(int level) {
    Side &rows = rows_.sides[level], &columns = columns_.sides[level];
    if (level < rows_.coarsest) {
      Side &coarse_rows = rows_.sides[level + 1], &coarse_columns = columns_.sides[level + 1];
      for (int j = 0; j < coarse_columns.size; ++j)
        coarse_columns.weights[j] -= unit_ * static_cast<float>(integers_.lowered(j));
      transform<Dimension>(coarse_columns, dimension_, coarse_rows);
      transform<Dimension>(coarse_rows, dimension_, columns);
    } else {
      transform<Dimension>(rows, dimension_, columns);
    }
    transform<Dimension>(columns, dimension_, rows);
    transform<Dimension>(rows, dimension_, columns);
  }

  /// The problem of a level in whole numbers, to be solved.
  template <int Dimension>
  IntegerAssignment& integer_costs(int level, float reach) {
    unit_ = unit_of(reach, dimension_);
    fill<Dimension>(rows_.sides[level], columns_.sides[level], dimension_, unit_, integers_);
    return integers_;
  }

  int size() const { return rows_.sides[0].size; }
  int coarsest() const { return rows_.coarsest; }
  /// A coarse level without a solution cannot start the next one.
  void take_coarse() { failed_ = failed_ || integers_.failed(); }
  bool failed() const { return failed_; }
  /// True when the solution of the finest level could be made exact.
  template <int Dimension>
  bool settle() {
    return !integers_.failed() && near_.settle<Dimension>(integers_, dimension_, unit_, columns_.sides[0].weights);
  }
  void write(const PointSets& points, Assignment& result) const;

 private:
  int dimension_ = 0;
  float unit_ = 0;
  bool failed_ = false;
  std::int64_t scans_before_ = 0;
  Levels rows_, columns_;
  IntegerAssignment integers_;
  NearPairs near_;
};

void SmallProblem::write(const PointSets& points, Assignment& result) const {
  const auto& [rows, columns] = points;
  const auto n = static_cast<std::size_t>(rows.size());
  result.column.resize(n);
  result.row_potential.resize(n);
  result.column_potential.resize(n);
  const std::vector<std::int32_t>&row_order = *rows_.order, &column_order = *columns_.order;
  // Of |x - y|^2 = |x'|^2 + |y'|^2 - 2 x'.y' + 2 D.(x' - y') + |D|^2 with x', y' relative to the centres, D apart.
  for (std::size_t j = 0; j < n; ++j) {
    double sum = 2 * rows_.frame.scale * columns_.frame.scale * near_.potential(static_cast<int>(j));
    for (int k = 0; k < rows.dimension(); ++k) {
      const double y = columns(column_order[j], k) - columns_.frame.centre[k];
      sum += y * (y - 2 * (rows_.frame.centre[k] - columns_.frame.centre[k]));
    }
    result.column_potential[column_order[j]] = sum;
  }
  for (std::size_t i = 0; i < n; ++i) result.column[row_order[i]] = column_order[near_.column(static_cast<int>(i))];
  result.cost = 0;
  for (Index i = 0; i < rows.size(); ++i) {
    double cost = 0;
    for (int k = 0; k < rows.dimension(); ++k) {
      const double difference = rows(i, k) - columns(result.column[i], k);
      cost += difference * difference;
    }
    result.cost += cost;
    result.row_potential[i] = cost - result.column_potential[result.column[i]];
  }
  result.scans = integers_.scans() - scans_before_;
}

/// Returns a bit for each that was solved.
template <int Dimension>
unsigned solve_in(std::span<SmallProblem> problems) {
  const auto solve = [](std::span<SmallProblem> some, int level, float reach) {
    IntegerAssignment& first = some[0].integer_costs<Dimension>(level, reach);
    if (some.size() == 1) return first.solve();
    IntegerAssignment::solve(first, some[1].integer_costs<Dimension>(level, reach));
  };
  for (int level = problems[0].coarsest(); level > 0; --level) {
    for (SmallProblem& problem : problems) problem.start<Dimension>(level);
    solve(problems, level, longest_reach);
    for (SmallProblem& problem : problems) problem.take_coarse();
  }
  for (SmallProblem& problem : problems) problem.start<Dimension>(0);
  // A short reach leaves little to NearPairs; clusters far apart need a longer one.
  const float shortest = 64 / static_cast<float>(problems[0].size());
  solve(problems, 0, shortest);
  unsigned solved = 0;
  for (std::size_t p = 0; p < problems.size(); ++p) {
    if (problems[p].failed()) continue;
    bool settled = problems[p].settle<Dimension>();
    for (float reach = shortest; !settled && reach < longest_reach;) {
      reach = std::min(4 * reach, longest_reach);
      solve(problems.subspan(p, 1), 0, reach);
      settled = problems[p].settle<Dimension>();
    }
    solved |= settled ? 1u << p : 0u;
  }
  return solved;
}

}  // namespace

unsigned solve_small(std::span<const PointSets> problems, std::span<Assignment> results) {
  static thread_local std::array<SmallProblem, 2> space;
  const std::span<SmallProblem> placed(space.data(), problems.size());
  for (std::size_t p = 0; p < problems.size(); ++p) placed[p].place(problems[p]);
  const int dimension = problems[0].rows.dimension();
  const unsigned solved = dimension == 1   ? solve_in<1>(placed)
                          : dimension == 2 ? solve_in<2>(placed)
                          : dimension == 3 ? solve_in<3>(placed)
                                           : solve_in<0>(placed);
  for (std::size_t p = 0; p < problems.size(); ++p) {
    if ((solved >> p & 1u) != 0) placed[p].write(problems[p], results[p]);
  }
  return solved;
}

}  // namespace fortet::couplings
