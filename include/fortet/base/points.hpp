#pragma once
/// Blocks of points: the unit in which fields, laws and processes are evaluated.
///
/// n points in d dimensions; coordinate k is one contiguous run of n doubles, and consecutive coordinates are `stride`
/// apart (stride >= n), so that a slice of a large structure of arrays is a block without copying.
#include <cstddef>
#include <vector>

namespace fortet {

using Index = std::ptrdiff_t;

/// Upper bound for the block sizes used by loops over particles or cells: a few blocks fit the first-level cache.
inline constexpr Index block_size = 512;

/// Writable view; does not own. A block of values of a vector field has the same layout.
class Points {
 public:
  Points() = default;
  Points(double* data, Index size, int dimension, Index stride)
      : data_(data), size_(size), stride_(stride), dimension_(dimension) {}
  Points(double* data, Index size, int dimension) : Points(data, size, dimension, size) {}
  Index size() const { return size_; }
  Index stride() const { return stride_; }
  int dimension() const { return dimension_; }
  double* coordinate(int k) const { return data_ + k * stride_; }
  double& operator()(Index i, int k) const { return data_[k * stride_ + i]; }
  /// Points [begin, begin + count).
  Points slice(Index begin, Index count) const { return {data_ + begin, count, dimension_, stride_}; }
  /// Coordinates [first, first + count).
  Points columns(int first, int count) const { return {data_ + first * stride_, size_, count, stride_}; }

 private:
  double* data_ = nullptr;
  Index size_ = 0, stride_ = 0;
  int dimension_ = 0;
};

/// Read-only view.
class ConstPoints {
 public:
  ConstPoints() = default;
  ConstPoints(const double* data, Index size, int dimension, Index stride)
      : data_(data), size_(size), stride_(stride), dimension_(dimension) {}
  ConstPoints(const double* data, Index size, int dimension) : ConstPoints(data, size, dimension, size) {}
  ConstPoints(Points p)
      : ConstPoints(p.coordinate(0), p.size(), p.dimension(), p.stride()) {}  // NOLINT: a view of a view
  Index size() const { return size_; }
  Index stride() const { return stride_; }
  int dimension() const { return dimension_; }
  const double* coordinate(int k) const { return data_ + k * stride_; }
  double operator()(Index i, int k) const { return data_[k * stride_ + i]; }
  ConstPoints slice(Index begin, Index count) const { return {data_ + begin, count, dimension_, stride_}; }
  ConstPoints columns(int first, int count) const { return {data_ + first * stride_, size_, count, stride_}; }

 private:
  const double* data_ = nullptr;
  Index size_ = 0, stride_ = 0;
  int dimension_ = 0;
};

/// Owning block.
class PointArray {
 public:
  PointArray() = default;
  PointArray(Index size, int dimension) : values_(size * dimension), size_(size), dimension_(dimension) {}
  Index size() const { return size_; }
  int dimension() const { return dimension_; }
  Points view() { return {values_.data(), size_, dimension_}; }
  ConstPoints view() const { return {values_.data(), size_, dimension_}; }
  operator Points() { return view(); }             // NOLINT
  operator ConstPoints() const { return view(); }  // NOLINT
  double& operator()(Index i, int k) { return values_[k * size_ + i]; }
  double operator()(Index i, int k) const { return values_[k * size_ + i]; }

 private:
  std::vector<double> values_;
  Index size_ = 0;
  int dimension_ = 0;
};

}  // namespace fortet
