#pragma once
/// Thirty-two unsigned shorts at once.
#include <Eigen/Core>
#include <array>
#include <vector>

#include "lanes.hpp"

#ifdef __AVX512BW__
#include <immintrin.h>
#endif

namespace fortet::couplings {

/// From a cache line on, so that no vector lies across two.
template <class Value>
using Aligned = std::vector<Value, Eigen::aligned_allocator<Value>>;

inline constexpr Shorts lane_numbers{0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                     16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

// GCC 12 makes a comparison and a blend of the conditional expression.
#ifdef __AVX512BW__
/// A choice of lanes.
using Where = std::uint32_t;
inline Where where(std::uint32_t bits) { return bits; }
/// One bit per lane.
inline std::uint32_t bits_of(Where lanes) { return lanes; }
inline Shorts chosen(Where lanes, Shorts a, Shorts b) {
  return std::bit_cast<Shorts>(_mm512_mask_mov_epi16(std::bit_cast<__m512i>(b), lanes, std::bit_cast<__m512i>(a)));
}
inline Where less(Shorts a, Shorts b) {
  return _mm512_cmplt_epu16_mask(std::bit_cast<__m512i>(a), std::bit_cast<__m512i>(b));
}
/// The lanes of `among` where a < b.
inline Where less(Where among, Shorts a, Shorts b) {
  return _mm512_mask_cmplt_epu16_mask(among, std::bit_cast<__m512i>(a), std::bit_cast<__m512i>(b));
}
inline Where equal(Shorts a, Shorts b) {
  return _mm512_cmpeq_epu16_mask(std::bit_cast<__m512i>(a), std::bit_cast<__m512i>(b));
}
inline Where at_most(Shorts a, Shorts b) {
  return _mm512_cmple_epu16_mask(std::bit_cast<__m512i>(a), std::bit_cast<__m512i>(b));
}
inline Shorts smaller(Shorts a, Shorts b) {
  return std::bit_cast<Shorts>(_mm512_min_epu16(std::bit_cast<__m512i>(a), std::bit_cast<__m512i>(b)));
}
inline Shorts larger(Shorts a, Shorts b) {
  return std::bit_cast<Shorts>(_mm512_max_epu16(std::bit_cast<__m512i>(a), std::bit_cast<__m512i>(b)));
}
/// Whole parts of 32 floats, those below 0 as 0 and those above 65535 as 65535.
inline Shorts whole(Floats low, Floats high) {
  const __m512i packed = _mm512_packus_epi32(_mm512_cvttps_epi32(std::bit_cast<__m512>(low)),
                                             _mm512_cvttps_epi32(std::bit_cast<__m512>(high)));
  return std::bit_cast<Shorts>(_mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), packed));
}
/// Smallest value, in the upper half, and the smallest of the places where it stands.
inline std::uint32_t smallest_with_place(Shorts values, Shorts places) {
  const auto a = std::bit_cast<__m512i>(places), b = std::bit_cast<__m512i>(values);
  const __m512i all = _mm512_min_epu32(_mm512_unpacklo_epi16(a, b), _mm512_unpackhi_epi16(a, b));
  const __m256i half = _mm256_min_epu32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
  __m128i least = _mm_min_epu32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  least = _mm_min_epu32(least, _mm_shuffle_epi32(least, 0b01'00'11'10));
  least = _mm_min_epu32(least, _mm_shuffle_epi32(least, 0b10'11'00'01));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(least));
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
using Where = Shorts;  // with all bits set
inline Where where(std::uint32_t bits) {
  constexpr Shorts bit_of_lane{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768,
                               1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
  const auto low = static_cast<Short>(bits), high = static_cast<Short>(bits >> 16);
  const Shorts words = lane_numbers < 16 ? broadcast(low) : broadcast(high);
  return std::bit_cast<Where>((words & bit_of_lane) != 0);
}
inline std::uint32_t bits_of(Where lanes) {
  std::uint32_t bits = 0;
  for (int lane = 0; lane < short_lanes; ++lane) bits |= (lanes[lane] & 1u) << lane;
  return bits;
}
inline Shorts chosen(Where lanes, Shorts a, Shorts b) { return lanes != 0 ? a : b; }
inline Where less(Shorts a, Shorts b) { return std::bit_cast<Where>(a < b); }
inline Where less(Where among, Shorts a, Shorts b) { return among & less(a, b); }
inline Where equal(Shorts a, Shorts b) { return std::bit_cast<Where>(a == b); }
inline Where at_most(Shorts a, Shorts b) { return std::bit_cast<Where>(a <= b); }
inline Shorts whole(Floats low, Floats high) {
  Shorts result;
  for (int lane = 0; lane < short_lanes; ++lane) {
    const float value = lane < float_lanes ? low[lane] : high[lane - float_lanes];
    result[lane] = static_cast<Short>(std::min(std::max(value, 0.0F), 65535.0F));
  }
  return result;
}
inline std::uint32_t smallest_with_place(Shorts values, Shorts places) {
  std::uint32_t least = 0xffffffff;
  for (int lane = 0; lane < short_lanes; ++lane)
    least = std::min(least, std::uint32_t{values[lane]} << 16 | places[lane]);
  return least;
}
inline Short smallest(Shorts a) {
  Short least = a[0];
  for (int lane = 1; lane < short_lanes; ++lane) least = std::min<Short>(least, a[lane]);
  return least;
}
#endif

}  // namespace fortet::couplings
