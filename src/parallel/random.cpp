#include "fortet/parallel/random.hpp"

#include <bit>
#include <cmath>

#include "fortet/base/error.hpp"
#include "fortet/base/vector_math.hpp"

namespace fortet::parallel {

namespace {
constexpr int tile = 64;  // particles per pass; always complete, so that every lane runs the same instructions

/// Words of 32 bits in lanes of 64, so that the products need no shuffles.
struct Words {
  std::uint64_t a, b, c, d;
};

/// Ten rounds of Philox4x32 (Salmon, Moraes, Dror, Shaw 2011, section 3.3).
inline Words rounds(Words x, std::uint32_t key0, std::uint32_t key1) {
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p = std::uint64_t{0xD2511F53} * (x.a & 0xffffffff),
                        q = std::uint64_t{0xCD9E8D57} * (x.c & 0xffffffff);
    x = {(q >> 32) ^ x.b ^ key0, q, (p >> 32) ^ x.d ^ key1, p};
    x.b &= 0xffffffff;
    x.d &= 0xffffffff;
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  return x;
}

/// Odd multiples of 2^-53 in (0, 1) from the upper 52 of 64 bits; exact.
inline double to_uniform(std::uint64_t high, std::uint64_t low) {
  const std::uint64_t bits = high << 32 | low;
  return std::bit_cast<double>(bits >> 12 | 0x3ff0000000000000) - (1.0 - 0x1p-53);
}

/// Uniforms of the two draws of one Philox block for particles first .. first + tile - 1.
inline void uniform_tile(std::uint64_t first, std::uint32_t step, std::uint32_t pair, const std::uint32_t* key,
                         double* u, double* v) {
  const std::uint32_t key0 = key[0], key1 = key[1];
#pragma omp simd
  for (int i = 0; i < tile; ++i) {
    const std::uint64_t id = first + static_cast<std::uint64_t>(i);
    const Words x = rounds({id & 0xffffffff, id >> 32, step, pair}, key0, key1);
    u[i] = to_uniform(x.a, x.b);
    v[i] = to_uniform(x.c, x.d);
  }
}

/// Box-Muller: two independent normals of two uniforms.
inline void normal_tile(double* u, double* v) {
#pragma omp simd
  for (int i = 0; i < tile; ++i) {
    const double radius = std::sqrt(-2.0 * vectorised::log(u[i]));
    const vectorised::SinCos angle = vectorised::sin_cos_turns(v[i]);
    u[i] = radius * angle.cos;
    v[i] = radius * angle.sin;
  }
}

template <bool normal>
void fill(std::int64_t first, std::uint32_t step, Points out, std::uint32_t first_draw, const std::uint32_t* key) {
  if (first_draw % 2) throw Error(ExitCode::internal, "random draws are made in pairs: first_draw must be even");
  alignas(64) double u[tile], v[tile];
  for (Index begin = 0; begin < out.size(); begin += tile) {
    const Index count = std::min<Index>(tile, out.size() - begin);
    for (int k = 0; k < out.dimension(); k += 2) {
      uniform_tile(static_cast<std::uint64_t>(first + begin), step, first_draw / 2 + k / 2, key, u, v);
      if constexpr (normal) normal_tile(u, v);
      std::copy_n(u, count, out.coordinate(k) + begin);
      if (k + 1 < out.dimension()) std::copy_n(v, count, out.coordinate(k + 1) + begin);
    }
  }
}

/// Bijective mixing of 64 bits (Stafford's variant 13 of the MurmurHash3 finaliser).
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

/// FNV-1a.
std::uint64_t hash(std::string_view text) {
  std::uint64_t value = 0xCBF29CE484222325;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  return value;
}
}  // namespace

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  const Words x = rounds({counter[0], counter[1], counter[2], counter[3]}, key[0], key[1]);
  return {static_cast<std::uint32_t>(x.a), static_cast<std::uint32_t>(x.b), static_cast<std::uint32_t>(x.c),
          static_cast<std::uint32_t>(x.d)};
}

Stream::Stream(std::uint64_t seed, Purpose purpose, std::string_view name) {
  const std::uint64_t key = mix(mix(seed) + mix(hash(name) + static_cast<std::uint64_t>(purpose) * 0x9E3779B97F4A7C15));
  key_[0] = static_cast<std::uint32_t>(key);
  key_[1] = static_cast<std::uint32_t>(key >> 32);
}

void Stream::uniforms(std::int64_t first, std::uint32_t step, Points out, std::uint32_t first_draw) const {
  fill<false>(first, step, out, first_draw, key_);
}

void Stream::normals(std::int64_t first, std::uint32_t step, Points out, std::uint32_t first_draw) const {
  fill<true>(first, step, out, first_draw, key_);
}

double Stream::uniform(std::int64_t id, std::uint32_t step, std::uint32_t draw) const {
  const auto word = philox({static_cast<std::uint32_t>(id),
                            static_cast<std::uint32_t>(static_cast<std::uint64_t>(id) >> 32), step, draw / 2},
                           key());
  return draw % 2 ? to_uniform(word[2], word[3]) : to_uniform(word[0], word[1]);
}

}  // namespace fortet::parallel
