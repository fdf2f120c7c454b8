#pragma once
/// Matrix products of small matrices whose columns are samples: C(r, s) (+)= sum_k A(r, k) B(k, s).
///
/// A register block of C (row_block rows of column_vectors vectors) stays in registers over the whole sum: per term,
/// column_vectors loads and row_block broadcasts feed row_block * column_vectors multiply-adds. Each C(r, s) is summed
/// over k in ascending order whatever the shape, so that a sample's value does not depend on where it stands. On small
/// shapes this beats a general product (Eigen, OpenBLAS), which packs both factors (see docs/performance.md).
#include "vector.hpp"

namespace fortet::networks {

#if defined(__AVX512F__)
inline constexpr Index row_block = 6, column_vectors = 4;  // 24 of 32 registers accumulate
#else
inline constexpr Index row_block = 6, column_vectors = 2;  // 12 of 16
#endif

/// A with element (r, k) at data[r * row + k * inner].
template <class Real>
struct Factor {
  const Real* data;
  Index row, inner;
};

template <int rows, int vectors, class Real>
[[gnu::noinline]] void product_block(Index inner, Factor<Real> a, const Real* b, Index b_stride, Real* c,
                                     Index c_stride, bool add) {
  Vector<Real> sum[rows][vectors];
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < vectors; ++v) sum[r][v] = add ? load(c + r * c_stride + v * lanes<Real>) : Vector<Real>{};
  }
  const Real* w = a.data;
  for (Index k = 0; k < inner; ++k) {
    Vector<Real> x[vectors];
#pragma GCC unroll 16
    for (int v = 0; v < vectors; ++v) x[v] = load(b + v * lanes<Real>);
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
      const Real factor = w[r * a.row];
#pragma GCC unroll 16
      for (int v = 0; v < vectors; ++v) sum[r][v] += factor * x[v];
    }
    w += a.inner;
    b += b_stride;
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < vectors; ++v) store(c + r * c_stride + v * lanes<Real>, sum[r][v]);
  }
}

namespace detail {
template <class Real>
using Block = void (*)(Index, Factor<Real>, const Real*, Index, Real*, Index, bool);

template <class Real, int vectors, int... row>
constexpr Block<Real> block_of_rows(Index rows, std::integer_sequence<int, row...>) {
  constexpr Block<Real> table[] = {product_block<row + 1, vectors, Real>...};
  return table[rows - 1];
}

template <class Real>
Block<Real> block(Index rows, Index vectors) {
  constexpr auto sequence = std::make_integer_sequence<int, row_block>();
  switch (vectors) {
    case 1:
      return block_of_rows<Real, 1>(rows, sequence);
    case 2:
      return block_of_rows<Real, 2>(rows, sequence);
#if defined(__AVX512F__)
    case 3:
      return block_of_rows<Real, 3>(rows, sequence);
#endif
    default:
      return block_of_rows<Real, column_vectors>(rows, sequence);
  }
}
}  // namespace detail

/// C has `rows` rows of `vectors` vectors. `add`: adds to C. After each block of rows (of all columns)
/// finished(first row, number of rows) is called.
template <class Real, class Finished>
inline void product(Index rows, Index inner, Index vectors, Factor<Real> a, const Real* b, Index b_stride, Real* c,
                    Index c_stride, bool add, Finished&& finished) {
  for (Index r = 0; r < rows; r += row_block) {
    const Index count = rows - r < row_block ? rows - r : row_block;
    for (Index v = 0; v < vectors; v += column_vectors) {
      const Index width = vectors - v < column_vectors ? vectors - v : column_vectors, offset = v * lanes<Real>;
      detail::block<Real>(count, width)(inner, {a.data + r * a.row, a.row, a.inner}, b + offset, b_stride,
                                        c + r * c_stride + offset, c_stride, add);
    }
    finished(r, count);
  }
}

}  // namespace fortet::networks
