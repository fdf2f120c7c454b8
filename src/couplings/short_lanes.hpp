#pragma once
/// A register of unsigned shorts at once.
#include <Eigen/Core>
#include <array>
#include <vector>

#include "lanes.hpp"

namespace fortet::couplings {

/// From a cache line on, so that no vector lies across two.
template <class Value>
using Aligned = std::vector<Value, Eigen::aligned_allocator<Value>>;

/// The lanes' numbers from 0 on.
template <class Numbers>
inline Numbers lane_numbers() {
  Numbers numbers;
  for (std::size_t lane = 0; lane < sizeof numbers / sizeof numbers[0]; ++lane) numbers[lane] = lane;
  return numbers;
}

// GCC 12 makes a comparison and a blend of the conditional expression.
#if defined __AVX512BW__
/// A choice of lanes.
using Where = std::uint32_t;
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
/// Whole parts of the floats, those below 0 as 0 and those above 65535 as 65535.
inline Shorts whole(Floats low, Floats high) {
  const __m512i packed = _mm512_packus_epi32(_mm512_cvttps_epi32(std::bit_cast<__m512>(low)),
                                             _mm512_cvttps_epi32(std::bit_cast<__m512>(high)));
  return std::bit_cast<Shorts>(_mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), packed));
}
#else
using Where = Shorts;  // with all bits set
inline Where less(Shorts a, Shorts b) { return std::bit_cast<Where>(a < b); }
inline Where less(Where among, Shorts a, Shorts b) { return among & less(a, b); }
inline Where equal(Shorts a, Shorts b) { return std::bit_cast<Where>(a == b); }
inline Where at_most(Shorts a, Shorts b) { return std::bit_cast<Where>(a <= b); }
inline Shorts smaller(Shorts a, Shorts b) { return a < b ? a : b; }
inline Shorts larger(Shorts a, Shorts b) { return a > b ? a : b; }
#if defined __AVX2__
inline std::uint32_t bits_of(Where lanes) {
  const auto all = std::bit_cast<__m256i>(lanes);
  return static_cast<std::uint32_t>(
      _mm_movemask_epi8(_mm_packs_epi16(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1))));
}
inline Shorts chosen(Where lanes, Shorts a, Shorts b) {
  return std::bit_cast<Shorts>(
      _mm256_blendv_epi8(std::bit_cast<__m256i>(b), std::bit_cast<__m256i>(a), std::bit_cast<__m256i>(lanes)));
}
inline Shorts whole(Floats low, Floats high) {
  const __m256i packed = _mm256_packus_epi32(_mm256_cvttps_epi32(std::bit_cast<__m256>(low)),
                                             _mm256_cvttps_epi32(std::bit_cast<__m256>(high)));
  return std::bit_cast<Shorts>(_mm256_permute4x64_epi64(packed, 0b11'01'10'00));
}
#else
inline std::uint32_t bits_of(Where lanes) {
  std::uint32_t bits = 0;
  for (int lane = 0; lane < short_lanes; ++lane) bits |= (lanes[lane] & 1u) << lane;
  return bits;
}
inline Shorts chosen(Where lanes, Shorts a, Shorts b) { return (lanes & a) | (~lanes & b); }
inline Shorts whole(Floats low, Floats high) {
  Shorts result;
  for (int lane = 0; lane < short_lanes; ++lane) {
    const float value = lane < float_lanes ? low[lane] : high[lane - float_lanes];
    result[lane] = static_cast<Short>(std::min(std::max(value, 0.0F), 65535.0F));
  }
  return result;
}
#endif
#endif

#ifdef __AVX2__
/// Smallest value, in the upper half, and the smallest of the places where it stands.
inline std::uint32_t smallest_with_place(Shorts values, Shorts places) {
#ifdef __AVX512BW__
  const auto a = std::bit_cast<__m512i>(places), b = std::bit_cast<__m512i>(values);
  const __m512i both = _mm512_min_epu32(_mm512_unpacklo_epi16(a, b), _mm512_unpackhi_epi16(a, b));
  const __m256i half = _mm256_min_epu32(_mm512_castsi512_si256(both), _mm512_extracti64x4_epi64(both, 1));
#else
  const auto a = std::bit_cast<__m256i>(places), b = std::bit_cast<__m256i>(values);
  const __m256i half = _mm256_min_epu32(_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b));
#endif
  __m128i least = _mm_min_epu32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  least = _mm_min_epu32(least, _mm_shuffle_epi32(least, 0b01'00'11'10));
  least = _mm_min_epu32(least, _mm_shuffle_epi32(least, 0b10'11'00'01));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(least));
}
inline Short smallest(Shorts a) {
#ifdef __AVX512BW__
  const auto all = std::bit_cast<__m512i>(a);
  const __m256i half = _mm256_min_epu16(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
#else
  const auto half = std::bit_cast<__m256i>(a);
#endif
  const __m128i quarter = _mm_min_epu16(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  return static_cast<Short>(_mm_cvtsi128_si32(_mm_minpos_epu16(quarter)));
}
#else
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

/// Up to 512 columns. A column is added by writing a whole register: a load that follows a narrow store into what it
/// reads would wait for it.
class ColumnSet {
 public:
  void clear() { parts_ = decltype(parts_){}; }
#ifdef __AVX512BW__
  void add(int j) {
    const Words there = std::bit_cast<Words>(lane_numbers<Words>() == static_cast<std::uint32_t>(j / short_lanes));
    parts_ |= there & (1u << j % short_lanes);
  }
  /// Those of the columns from short_lanes b on.
  Where operator[](std::size_t b) const { return parts_[b]; }

 private:
  Words parts_{};
#else
  void add(int j) {
    parts_[j / short_lanes] |= equal(lane_numbers<Shorts>(), broadcast(static_cast<Short>(j % short_lanes)));
  }
  Where operator[](std::size_t b) const { return parts_[b]; }

 private:
  std::array<Shorts, 512 / short_lanes> parts_{};
#endif
};

}  // namespace fortet::couplings
