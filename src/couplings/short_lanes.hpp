#pragma once
/// Thirty-two unsigned shorts, or sixteen floats, at once.
#include <array>

#include "lanes.hpp"

#ifdef __AVX512BW__
#include <immintrin.h>
#endif

namespace fortet::couplings {

inline constexpr int short_lanes = 32;
using Short = std::uint16_t;
using Shorts = Short __attribute__((vector_size(64)));
using Floats = float __attribute__((vector_size(64)));
inline constexpr int float_lanes = 16;

inline Shorts load(const Short* values) {
  Shorts a;
  std::memcpy(&a, values, sizeof a);
  return a;
}
inline void store(Short* values, Shorts a) { std::memcpy(values, &a, sizeof a); }
inline Shorts broadcast(Short x) { return Shorts{} + x; }
inline Floats load(const float* values) {
  Floats a;
  std::memcpy(&a, values, sizeof a);
  return a;
}
inline void store(float* values, Floats a) { std::memcpy(values, &a, sizeof a); }
inline Floats broadcast(float x) { return Floats{} + x; }
inline Floats smaller(Floats a, Floats b) { return a < b ? a : b; }
inline Floats larger(Floats a, Floats b) { return a > b ? a : b; }

// GCC 12 makes a comparison and a blend of the conditional expression.
#ifdef __AVX512BW__
inline Shorts smaller(Shorts a, Shorts b) {
  return std::bit_cast<Shorts>(_mm512_min_epu16(std::bit_cast<__m512i>(a), std::bit_cast<__m512i>(b)));
}
inline Shorts larger(Shorts a, Shorts b) {
  return std::bit_cast<Shorts>(_mm512_max_epu16(std::bit_cast<__m512i>(a), std::bit_cast<__m512i>(b)));
}
/// One bit per lane where a == b.
inline std::uint32_t equal(Shorts a, Shorts b) {
  return _mm512_cmpeq_epu16_mask(std::bit_cast<__m512i>(a), std::bit_cast<__m512i>(b));
}
/// One bit per lane where a <= b.
inline std::uint32_t at_most(Shorts a, Shorts b) {
  return _mm512_cmple_epu16_mask(std::bit_cast<__m512i>(a), std::bit_cast<__m512i>(b));
}
inline Short smallest(Shorts a) {
  const __m512i all = std::bit_cast<__m512i>(a);
  const __m256i half = _mm256_min_epu16(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
  const __m128i quarter = _mm_min_epu16(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  return static_cast<Short>(_mm_cvtsi128_si32(_mm_minpos_epu16(quarter)));
}
#else
inline Shorts smaller(Shorts a, Shorts b) { return a < b ? a : b; }
inline Shorts larger(Shorts a, Shorts b) { return a > b ? a : b; }
template <class Comparison>
inline std::uint32_t bits_of(Comparison comparison) {
  std::uint32_t bits = 0;
  for (int lane = 0; lane < short_lanes; ++lane) bits |= (comparison[lane] != 0 ? 1u : 0u) << lane;
  return bits;
}
inline std::uint32_t equal(Shorts a, Shorts b) { return bits_of(a == b); }
inline std::uint32_t at_most(Shorts a, Shorts b) { return bits_of(a <= b); }
inline Short smallest(Shorts a) {
  Short least = a[0];
  for (int lane = 1; lane < short_lanes; ++lane) least = std::min<Short>(least, a[lane]);
  return least;
}
#endif

}  // namespace fortet::couplings
