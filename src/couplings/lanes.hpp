#pragma once
/// Vectors of 64 bytes in the vector extension of GCC and Clang, eight doubles first of all: compilers do not vectorise
/// a search for the two smallest values, or for a minimum and its place.
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>

#include "fortet/base/points.hpp"

#pragma GCC diagnostic ignored "-Wpsabi"  // nothing here is called across object files

namespace fortet::couplings {

using Short = std::uint16_t;
using Lanes = double __attribute__((vector_size(64)));
using Floats = float __attribute__((vector_size(64)));
using Words = std::uint32_t __attribute__((vector_size(64)));
using Shorts = Short __attribute__((vector_size(64)));
using Integers = std::int64_t __attribute__((vector_size(64)));
inline constexpr Index lane_count = 8;
inline constexpr int float_lanes = 16, short_lanes = 32;

inline constexpr double infinity = std::numeric_limits<double>::infinity();

template <class Value>
struct VectorType;
template <>
struct VectorType<double> {
  using Type = Lanes;
};
template <>
struct VectorType<float> {
  using Type = Floats;
};
template <>
struct VectorType<std::uint32_t> {
  using Type = Words;
};
template <>
struct VectorType<Short> {
  using Type = Shorts;
};
template <class Value>
using Vector = typename VectorType<Value>::Type;

template <class Value>
inline Vector<Value> load(const Value* values) {
  Vector<Value> a;
  std::memcpy(&a, values, sizeof a);
  return a;
}
template <class Value>
inline void store(Value* values, Vector<Value> a) {
  std::memcpy(values, &a, sizeof a);
}
template <class Value>
inline Vector<Value> broadcast(Value x) {
  return Vector<Value>{} + x;
}
inline Lanes smaller(Lanes a, Lanes b) { return a < b ? a : b; }
inline Lanes larger(Lanes a, Lanes b) { return a > b ? a : b; }
inline Floats smaller(Floats a, Floats b) { return a < b ? a : b; }
inline Floats larger(Floats a, Floats b) { return a > b ? a : b; }

inline double smallest(Lanes a) {
  a = smaller(a, __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3));
  a = smaller(a, __builtin_shufflevector(a, a, 2, 3, 0, 1, 6, 7, 4, 5));
  a = smaller(a, __builtin_shufflevector(a, a, 1, 0, 3, 2, 5, 4, 7, 6));
  return a[0];
}
inline double largest(Lanes a) { return -smallest(-a); }

/// Calls visit(l) for the lanes where the comparison holds, in their order.
template <class Visit>
inline void for_lanes(Integers comparison, const Visit& visit) {
  using Bytes = std::int8_t __attribute__((vector_size(8)));
  std::uint64_t hits = std::bit_cast<std::uint64_t>(__builtin_convertvector(comparison, Bytes));
  while (hits != 0) {
    const int lane = std::countr_zero(hits) / 8;
    hits &= ~(std::uint64_t{255} << (8 * lane));
    visit(lane);
  }
}

/// Smallest of `size` values, a multiple of the lane count.
inline double smallest(const double* values, Index size) {
  Lanes least = load(values);
  for (Index t = lane_count; t < size; t += lane_count) least = smaller(least, load(values + t));
  return smallest(least);
}

/// Place of the first of `size` values that is `value`, which is among them.
inline Index place_of(double value, const double* values, Index size) {
  for (Index t = 0; t < size; t += lane_count) {
    Index place = -1;
    for_lanes(load(values + t) == broadcast(value), [&](int lane) { place = place < 0 ? t + lane : place; });
    if (place >= 0) return place;
  }
  return -1;
}

}  // namespace fortet::couplings
