#pragma once
/// Short vectors of the machine (GCC and Clang vector extensions), tiles of samples, and the transposition of a tile.
#include <cstdint>
#include <cstring>
#include <utility>

#include "fortet/base/points.hpp"

namespace fortet::networks {

#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64;
#elif defined(__AVX__)
inline constexpr int vector_bytes = 32;
#else
inline constexpr int vector_bytes = 16;
#endif

/// Samples are handled in tiles of this many: one feature of a tile is contiguous, and its rows stand one after the
/// other. A tile of a layer of 64 floats is 16 KiB.
inline constexpr Index tile_size = 64;

template <class Real>
struct VectorOf;
template <>
struct VectorOf<float> {
  typedef float type __attribute__((vector_size(vector_bytes)));
  typedef float unaligned __attribute__((vector_size(vector_bytes), aligned(4)));
  typedef std::int32_t integer __attribute__((vector_size(vector_bytes)));
};
template <>
struct VectorOf<double> {
  typedef double type __attribute__((vector_size(vector_bytes)));
  typedef double unaligned __attribute__((vector_size(vector_bytes), aligned(8)));
  typedef std::int64_t integer __attribute__((vector_size(vector_bytes)));
};
template <class Real>
using Vector = typename VectorOf<Real>::type;
template <class Real>
using IntegerVector = typename VectorOf<Real>::integer;

template <class Real>
inline constexpr Index lanes = vector_bytes / static_cast<Index>(sizeof(Real));

/// Vectors needed for `count` numbers.
template <class Real>
constexpr Index vectors_for(Index count) {
  return (count + lanes<Real> - 1) / lanes<Real>;
}

template <class Real>
inline Vector<Real> load(const Real* from) {
  return *reinterpret_cast<const typename VectorOf<Real>::unaligned*>(from);
}
template <class Real>
inline void store(Real* to, Vector<Real> value) {
  *reinterpret_cast<typename VectorOf<Real>::unaligned*>(to) = value;
}

/// Calls body(offset) for each of `vectors` vectors of each of `rows` rows of a tile.
template <class Real, class Body>
inline void each_vector(Index rows, Index vectors, Body&& body) {
  if (vectors * lanes<Real> == tile_size) {
    vectors *= rows;  // complete rows stand one after the other
    rows = 1;
  }
  for (Index row = 0; row < rows; ++row) {
    for (Index v = 0; v < vectors; ++v) body(row * tile_size + v * lanes<Real>);
  }
}

namespace detail {
/// Half of the exchange of two rows at distance `half` in the butterfly that transposes a square of vectors.
template <int half, bool upper, class V, int... lane>
inline V exchange(V a, V b, std::integer_sequence<int, lane...>) {
  constexpr int count = sizeof...(lane);
  if constexpr (upper) {
    return __builtin_shufflevector(a, b, ((lane & half) ? lane + count : lane + half)...);
  } else {
    return __builtin_shufflevector(a, b, ((lane & half) ? lane - half + count : lane)...);
  }
}

template <int half, class V, int count>
inline void butterfly(V (&row)[count]) {
#pragma GCC unroll 16
  for (int i = 0; i < count; ++i) {
    if (i & half) continue;
    const V a = row[i], b = row[i + half];
    row[i] = exchange<half, false>(a, b, std::make_integer_sequence<int, count>());
    row[i + half] = exchange<half, true>(a, b, std::make_integer_sequence<int, count>());
  }
  if constexpr (half > 1) butterfly<half / 2>(row);
}
}  // namespace detail

/// to(sample, feature) = from(feature, sample) for `rows` features of one tile. The result stands in panels of
/// tile_size features: panel p holds, for each of the tile's samples, features p tile_size ... one after the other;
/// features beyond `rows` up to the next full vector are zero.
template <class Real>
void transpose_tile(const Real* from, Index rows, Index samples, Real* to) {
  constexpr int count = static_cast<int>(lanes<Real>);
  for (Index row = 0; row < rows; row += count) {
    Real* panel = to + row / tile_size * tile_size * tile_size + row % tile_size;
    for (Index sample = 0; sample < samples; sample += count) {
      Vector<Real> square[count];
#pragma GCC unroll 16
      for (int i = 0; i < count; ++i) {
        square[i] = row + i < rows ? load(from + (row + i) * tile_size + sample) : Vector<Real>{};
      }
      detail::butterfly<count / 2>(square);
#pragma GCC unroll 16
      for (int i = 0; i < count; ++i) store(panel + (sample + i) * tile_size, square[i]);
    }
  }
}

}  // namespace fortet::networks
