#pragma once
/// Shortest augmenting paths over blocks of columns (see assignment.hpp).
#include <algorithm>
#include <numeric>
#include <vector>

#include "assignment_costs.hpp"
#include "spatial_order.hpp"

namespace fortet::couplings {

/// Rows and columns are in spatial order. Column potentials v are kept; that of row i is min_j (c_ij - v_j), which is
/// reached at its own column once it has one.
template <class Costs>
class AssignmentSolver {
 public:
  AssignmentSolver(ConstPoints rows, ConstPoints columns)
      : size_(rows.size()),
        blocks_(padded_columns(size_) / column_block),
        costs_(rows, columns),
        potential_(Eigen::ArrayXd::Constant(blocks_ * column_block, -infinity)),
        distance_(Eigen::ArrayXd::Constant(blocks_ * column_block, infinity)),
        taken_(Eigen::ArrayXd::Constant(blocks_ * column_block, infinity)),
        highest_potential_(blocks_),
        bound_(blocks_),
        nearest_(Eigen::ArrayXd::Constant(blocks_, infinity)),
        farthest_(Eigen::ArrayXd::Constant(blocks_, infinity)),
        reached_from_(blocks_ * column_block),
        row_of_(size_, -1),
        column_of_(size_, -1),
        free_in_(blocks_, 0),
        touched_(blocks_, 0) {
    taken_.head(size_) = 0;
    for (Index j = 0; j < size_; ++j) ++free_in_[j / column_block];
    start(rows, columns);
    for (Index b = 0; b < blocks_; ++b) refresh(b);
    for (const Index i : reduce()) augment(i);
  }

  Index column(Index i) const { return column_of_[i]; }
  double column_potential(Index j) const { return potential_[j]; }
  double row_potential(Index i) const { return cost(i, column_of_[i]) - potential_[column_of_[i]]; }
  double cost(Index i, Index j) const {
    return costs_.costs(costs_.row(i), j / lane_count * lane_count)[j % lane_count];
  }
  std::int64_t scans() const { return scans_; }

 private:
  /// v_j = min_i (c_ij - u_i) over every second row, with u from the solution for every second row and column; for few
  /// points over all rows, with u = 0.
  void start(ConstPoints rows, ConstPoints columns) {
    constexpr Index few = 80;
    std::vector<std::int32_t> chosen;
    std::vector<double> u;
    if (size_ > few) {
      for (Index i = 1; i < size_; i += 2) chosen.push_back(static_cast<std::int32_t>(i));
      const PointArray coarse_rows = gather(rows, chosen), coarse_columns = gather(columns, chosen);
      const AssignmentSolver coarse(coarse_rows, coarse_columns);
      for (Index i = 0; i < coarse_rows.size(); ++i) u.push_back(coarse.row_potential(i));
      scans_ += coarse.scans_;
    } else {
      chosen.resize(size_);
      std::iota(chosen.begin(), chosen.end(), 0);
      u.assign(size_, 0.0);
    }
    for (Index j = 0; j < size_; j += lane_count) {
      Lanes least = broadcast(infinity);
      for (std::size_t r = 0; r < chosen.size(); ++r)
        least = smaller(least, costs_.costs(costs_.row(chosen[r]), j) - u[r]);
      for (Index lane = 0; lane < std::min(lane_count, size_ - j); ++lane) potential_[j + lane] = least[lane];
    }
  }

  void refresh(Index b) {
    Lanes most = broadcast(-infinity);
    for (Index j = b * column_block; j < (b + 1) * column_block; j += lane_count)
      most = larger(most, load(potential_.data() + j));
    highest_potential_[b] = largest(most);
  }

  /// The two smallest reduced costs of a row and their columns.
  struct Best {
    double first = infinity, second = infinity;
    Index place = -1, other = -1;
  };

  void look(typename Costs::Row row, Index b, Best& best) const {
    for (Index j = b * column_block; j < (b + 1) * column_block; j += lane_count) {
      const Lanes reduced = costs_.costs(row, j) - load(potential_.data() + j);
      for_lanes(reduced < broadcast(best.second), [&](int lane) {
        if (reduced[lane] < best.first) {
          best.second = best.first;
          best.other = best.place;
          best.first = reduced[lane];
          best.place = j + lane;
        } else if (reduced[lane] < best.second) {
          best.second = reduced[lane];
          best.other = j + lane;
        }
      });
    }
  }

  Best two_smallest(Index i) {
    ++scans_;
    const typename Costs::Row row = costs_.row(i);
    for (Index b = 0; b < blocks_; b += lane_count)
      store(bound_.data() + b, costs_.bounds(row, b) - load(highest_potential_.data() + b));
    const Index nearest = place_of(smallest(bound_.data(), blocks_), bound_.data(), blocks_);
    Best best;
    look(row, nearest, best);
    bound_[nearest] = infinity;
    for (Index b = 0; b < blocks_; b += lane_count) {
      for_lanes(load(bound_.data() + b) < broadcast(best.second), [&](int lane) {
        if (bound_[b + lane] < best.second) look(row, b + lane, best);
      });
    }
    return best;
  }

  /// Augmenting row reduction: each row in turn takes its cheapest column and lowers that column's potential until the
  /// second cheapest is as good; who held the column is without again. Returns the rows left without a column.
  std::vector<Index> reduce() {
    constexpr int passes = 4;
    std::vector<Index> rows(size_), left;
    std::iota(rows.begin(), rows.end(), Index{0});
    for (int pass = 0; pass < passes && !rows.empty(); ++pass) {
      left.clear();
      for (const Index i : rows) {
        const Best best = two_smallest(i);
        Index j = best.place;
        if (best.first < best.second) {
          if (best.other >= 0) potential_[j] -= best.second - best.first;
          refresh(j / column_block);
        } else if (row_of_[j] >= 0) {
          if (row_of_[best.other] >= 0) {
            left.push_back(i);
            continue;
          }
          j = best.other;
        }
        if (row_of_[j] >= 0) {
          column_of_[row_of_[j]] = -1;
          left.push_back(row_of_[j]);
        } else {
          take(j);
        }
        row_of_[j] = i;
        column_of_[i] = j;
      }
      rows.swap(left);
    }
    return rows;
  }

  void take(Index j) {
    taken_[j] = infinity;
    --free_in_[j / column_block];
  }

  /// Lowers the distances of the columns of block b by paths through row i, whose column is at distance d:
  /// d + c_ij - v_j - u_i, with shift = u_i - d.
  void relax(typename Costs::Row row, Index i, double shift, Index b) {
    if (!touched_[b]) {
      touched_[b] = 1;
      touched_blocks_.push_back(b);
    }
    const Lanes none = broadcast(-infinity);
    Lanes least = broadcast(infinity), most = none;
    for (Index j = b * column_block; j < (b + 1) * column_block; j += lane_count) {
      const Lanes v = load(potential_.data() + j), old = load(distance_.data() + j);
      const Lanes value = costs_.costs(row, j) - v - shift;
      const auto better = value < old;
      const Lanes now = better ? value : old;
      Integers from;
      std::memcpy(&from, reached_from_.data() + j, sizeof from);
      from = better ? Integers{} + i : from;
      std::memcpy(reached_from_.data() + j, &from, sizeof from);
      store(distance_.data() + j, now);
      least = smaller(least, now);
      most = larger(most, v == none ? none : now);  // what is final counts no more
    }
    nearest_[b] = smallest(least);
    farthest_[b] = largest(most);
    if (free_in_[b] == 0 || !(nearest_[b] < shortest_)) return;
    for (Index j = b * column_block; j < (b + 1) * column_block; j += lane_count) {
      const Lanes open = load(distance_.data() + j) + load(taken_.data() + j);
      for_lanes(open < broadcast(shortest_), [&](int lane) {
        if (open[lane] < shortest_) {
          shortest_ = open[lane];
          end_ = j + lane;
        }
      });
    }
  }

  /// A block matters when its bound is below both its farthest column and the shortest path known to a free column.
  void scan(Index i, double shift) {
    ++scans_;
    const typename Costs::Row row = costs_.row(i);
    for (Index b = 0; b < blocks_; b += lane_count) {
      const Lanes bound = costs_.bounds(row, b) - load(highest_potential_.data() + b) - shift;
      for_lanes(bound < smaller(load(farthest_.data() + b), broadcast(shortest_)), [&](int lane) {
        if (bound[lane] < shortest_) relax(row, i, shift, b + lane);
      });
    }
  }

  /// Dijkstra's search from row `first` to the nearest free column; shifts the potentials of the columns passed and
  /// exchanges along the path.
  void augment(Index first) {
    shortest_ = infinity;
    passed_.clear();
    touched_blocks_.clear();
    scan(first, 0);
    while (true) {
      const double distance = smallest(nearest_.data(), blocks_);
      if (!(distance < shortest_)) break;
      const Index b = place_of(distance, nearest_.data(), blocks_);
      double* const block = distance_.data() + b * column_block;
      const Index j = b * column_block + place_of(distance, block, column_block);
      passed_.push_back({j, distance, potential_[j]});
      const double shift = cost(row_of_[j], j) - potential_[j] - distance;
      potential_[j] = -infinity;  // final: no path is shorter
      distance_[j] = infinity;
      nearest_[b] = smallest(block, column_block);
      scan(row_of_[j], shift);
    }
    for (const Passed& p : passed_) potential_[p.column] = p.potential + (p.distance - shortest_);
    take(end_);
    Index j = end_, i;
    do {
      i = reached_from_[j];
      row_of_[j] = i;
      std::swap(column_of_[i], j);
    } while (i != first);
    for (const Index b : touched_blocks_) {
      touched_[b] = 0;
      nearest_[b] = farthest_[b] = infinity;
      distance_.segment(b * column_block, column_block) = infinity;
      refresh(b);
    }
  }

  struct Passed {
    Index column;
    double distance, potential;
  };

  Index size_, blocks_;
  Costs costs_;
  Eigen::ArrayXd potential_;                   // -infinity in the padding, and where a search is through
  Eigen::ArrayXd distance_;                    // of the running search; infinite where it is through
  Eigen::ArrayXd taken_;                       // 0 for a free column, else infinite
  Eigen::ArrayXd highest_potential_;           // per block: the largest potential, or more
  Eigen::ArrayXd bound_, nearest_, farthest_;  // per block: scratch; smallest and largest open distance
  std::vector<std::int64_t> reached_from_;     // the row before a column on its path
  std::vector<Index> row_of_, column_of_, free_in_;
  std::vector<char> touched_;
  std::vector<Index> touched_blocks_;
  std::vector<Passed> passed_;
  double shortest_ = infinity;  // of the running search: to the free column end_
  Index end_ = -1;
  std::int64_t scans_ = 0;
};

}  // namespace fortet::couplings
