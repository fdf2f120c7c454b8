#pragma once
/// Squared distances between rows and blocks of columns, computed when asked for or stored, with a lower bound for each
/// block.
#include <Eigen/Core>

#include "lanes.hpp"

namespace fortet::couplings {

/// Columns per block.
inline constexpr Index column_block = 32;

/// Columns are padded to whole vectors of blocks; what stands in the padding is finite and never chosen.
inline Index padded_columns(Index n) {
  constexpr Index unit = column_block * lane_count;
  return (n + unit - 1) / unit * unit;
}

/// Costs from the coordinates in Dimension dimensions (0: known at run time). A block's bound is the squared distance
/// to its bounding box.
template <int Dimension>
class ComputedCosts {
 public:
  ComputedCosts(ConstPoints rows, ConstPoints columns)
      : dimension_(rows.dimension()),
        padded_(padded_columns(columns.size())),
        blocks_(padded_ / column_block),
        rows_(rows.size() * dimension()),
        columns_(padded_ * dimension()),
        lower_(blocks_ * dimension()),
        upper_(blocks_ * dimension()) {
    for (int k = 0; k < dimension(); ++k) {
      for (Index i = 0; i < rows.size(); ++i) rows_[i * dimension() + k] = rows(i, k);
      for (Index j = 0; j < padded_; ++j) columns_[k * padded_ + j] = columns(std::min(j, columns.size() - 1), k);
      for (Index b = 0; b < blocks_; ++b) {
        const auto block = columns_.segment(k * padded_ + b * column_block, column_block);
        lower_[k * blocks_ + b] = block.minCoeff();
        upper_[k * blocks_ + b] = block.maxCoeff();
      }
    }
  }

  using Row = const double*;
  Row row(Index i) const { return rows_.data() + i * dimension(); }
  /// Costs of the lanes' columns from j on.
  Lanes costs(Row row, Index j) const {
    Lanes sum{};
    for (int k = 0; k < dimension(); ++k) {
      const Lanes difference = row[k] - load(columns_.data() + k * padded_ + j);
      sum += difference * difference;
    }
    return sum;
  }
  /// Lower bounds of the costs in the lanes' blocks from b on.
  Lanes bounds(Row row, Index b) const {
    Lanes sum{};
    for (int k = 0; k < dimension(); ++k) {
      const Lanes below = load(lower_.data() + k * blocks_ + b) - row[k];
      const Lanes above = row[k] - load(upper_.data() + k * blocks_ + b);
      const Lanes difference = larger(larger(below, above), Lanes{});
      sum += difference * difference;
    }
    return sum;
  }

 private:
  int dimension() const { return Dimension > 0 ? Dimension : dimension_; }

  int dimension_;
  Index padded_, blocks_;
  Eigen::ArrayXd rows_;                     // point by point
  Eigen::ArrayXd columns_, lower_, upper_;  // coordinate by coordinate
};

/// All costs in a matrix, for points in many dimensions. A block's bound is its smallest cost.
class StoredCosts {
 public:
  StoredCosts(ConstPoints rows, ConstPoints columns)
      : padded_(padded_columns(columns.size())),
        blocks_(padded_ / column_block),
        matrix_(rows.size() * padded_),
        bounds_(rows.size() * blocks_) {
    const ComputedCosts<0> computed(rows, columns);
    for (Index i = 0; i < rows.size(); ++i) {
      for (Index b = 0; b < blocks_; ++b) {
        double* const block = matrix_.data() + i * padded_ + b * column_block;
        for (Index t = 0; t < column_block; t += lane_count)
          store(block + t, computed.costs(computed.row(i), b * column_block + t));
        bounds_[i * blocks_ + b] = smallest(block, column_block);
      }
    }
  }

  struct Row {
    const double *costs, *bounds;
  };
  Row row(Index i) const { return {matrix_.data() + i * padded_, bounds_.data() + i * blocks_}; }
  Lanes costs(Row row, Index j) const { return load(row.costs + j); }
  Lanes bounds(Row row, Index b) const { return load(row.bounds + b); }

 private:
  Index padded_, blocks_;
  Eigen::ArrayXd matrix_, bounds_;
};

}  // namespace fortet::couplings
