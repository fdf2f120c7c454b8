#pragma once
/// A register of doubles, or of narrower numbers, in the vector extension of GCC and Clang: compilers do not vectorise
/// a search for the two smallest values, or for a minimum and its place. Vectors longer than a register would be taken
/// apart, lane by lane.
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>

#include "fortet/base/points.hpp"

#ifdef __AVX2__
#include <immintrin.h>
#endif

#pragma GCC diagnostic ignored "-Wpsabi"  // nothing here is called across object files

namespace fortet::couplings {

#if defined __AVX512BW__
inline constexpr int register_bytes = 64;
#elif defined __AVX2__
inline constexpr int register_bytes = 32;
#else
inline constexpr int register_bytes = 16;
#endif
using Short = std::uint16_t;
using Lanes = double __attribute__((vector_size(register_bytes)));
using Integers = std::int64_t __attribute__((vector_size(register_bytes)));
using Floats = float __attribute__((vector_size(register_bytes)));
using Words = std::uint32_t __attribute__((vector_size(register_bytes)));
using Shorts = Short __attribute__((vector_size(register_bytes)));
inline constexpr Index lane_count = register_bytes / 8;
inline constexpr int float_lanes = register_bytes / 4, short_lanes = register_bytes / 2;

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
#if defined __AVX512BW__
  a = smaller(a, __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3));
  a = smaller(a, __builtin_shufflevector(a, a, 2, 3, 0, 1, 6, 7, 4, 5));
  a = smaller(a, __builtin_shufflevector(a, a, 1, 0, 3, 2, 5, 4, 7, 6));
#elif defined __AVX2__
  a = smaller(a, __builtin_shufflevector(a, a, 2, 3, 0, 1));
  a = smaller(a, __builtin_shufflevector(a, a, 1, 0, 3, 2));
#else
  a = smaller(a, __builtin_shufflevector(a, a, 1, 0));
#endif
  return a[0];
}
inline double largest(Lanes a) { return -smallest(-a); }

/// Calls visit(l) for the lanes where the comparison holds, in their order.
template <class Visit>
inline void for_lanes(Integers comparison, const Visit& visit) {
#if defined __AVX512BW__
  std::uint32_t hits = _mm512_cmplt_epi64_mask(std::bit_cast<__m512i>(comparison), __m512i{});
#elif defined __AVX2__
  auto hits = static_cast<std::uint32_t>(_mm256_movemask_pd(std::bit_cast<__m256d>(comparison)));
#else
  std::uint32_t hits = 0;
  for (int lane = 0; lane < lane_count; ++lane) hits |= (comparison[lane] != 0 ? 1u : 0u) << lane;
#endif
  for (; hits != 0; hits &= hits - 1) visit(std::countr_zero(hits));
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
