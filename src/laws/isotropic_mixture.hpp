#pragma once
/// Log density and score of a mixture of several isotropic normal laws in few dimensions, with all running values in
/// registers: one vector of points at a time goes through all components. Every lane does the same operations, so that
/// a point gets the same bits wherever it stands.
#include <bit>
#include <cstring>

#include "fortet/base/vector_math.hpp"
#include "gaussian_tables.hpp"

namespace fortet::laws {

using Lanes = double __attribute__((vector_size(64)));
using LaneBits = std::uint64_t __attribute__((vector_size(64)));
inline constexpr Index lanes = 8;

/// e^x for x <= 0, as vectorised::exp, but 2^-1021 below the range of normal numbers; NaN stays NaN.
inline Lanes exp_of_negative(Lanes x) {
  constexpr double shift = 0x1.8p52;
  const Lanes lowest = Lanes{} - 707.7;
  x = x < lowest ? lowest : x;
  const Lanes shifted = x * 1.4426950408889634 + shift;
  const Lanes n = shifted - shift;
  const Lanes r = (x - n * 0x1.62e42feep-1) - n * 1.9082149292705877e-10;
  Lanes q = Lanes{} + 2.510038549551032e-08;
  for (double c :
       {2.7620088445409746e-07, 2.7557268459997064e-06, 2.4801521295954376e-05, 0.00019841269863053618,
        0.0013888888917213717, 0.008333333333330062, 0.04166666666662413, 0.16666666666666669, 0.5000000000000001}) {
    q = q * r + c;
  }
  const Lanes value = 1.0 + (r + r * r * q);
  const LaneBits exponent = ((LaneBits)shifted - std::bit_cast<std::uint64_t>(shift) + 1023) << 52;
  return value * (Lanes)exponent;
}

/// x: `dimension` rows of `tile` numbers; log_density: `tile`, score: as x; either may be null. Two passes over the
/// components: the largest exponent first, then the sums.
template <int dimension, Index tile>
void isotropic_mixture(const GaussianTables& t, const double* x, double* log_density, double* score) {
  constexpr int vectors = 2;  // at a time: they share the constants of a component and hide each other's latency
  const std::size_t components = t.offsets.size();
  for (Index i = 0; i < tile; i += vectors * lanes) {
    Lanes point[dimension][vectors], exponent[vectors], largest[vectors], sum[vectors] = {};
    Lanes total[dimension][vectors] = {};
    for (int a = 0; a < dimension; ++a) std::memcpy(&point[a], x + a * tile + i, sizeof(point[a]));
    const auto set_exponent = [&](std::size_t k) {
      const double half = 0.5 * t.factors[k] * t.factors[k], *mean = t.means.data() + k * dimension;
      for (int v = 0; v < vectors; ++v) {
        Lanes square = Lanes{};
        for (int a = 0; a < dimension; ++a) square += (point[a][v] - mean[a]) * (point[a][v] - mean[a]);
        exponent[v] = t.offsets[k] - half * square;
      }
    };
    set_exponent(0);
    std::memcpy(&largest, &exponent, sizeof(largest));
    for (std::size_t k = 1; k < components; ++k) {
      set_exponent(k);
      for (int v = 0; v < vectors; ++v) largest[v] = exponent[v] > largest[v] ? exponent[v] : largest[v];
    }
    for (std::size_t k = 0; k < components; ++k) {
      const double precision = t.factors[k] * t.factors[k], *mean = t.means.data() + k * dimension;
      set_exponent(k);
      for (int v = 0; v < vectors; ++v) {
        const Lanes r = exp_of_negative(exponent[v] - largest[v]), weight = r * precision;
        sum[v] += r;
        for (int a = 0; a < dimension; ++a) total[a][v] += weight * (mean[a] - point[a][v]);
      }
    }
    if (log_density) {
      alignas(64) double logarithm[vectors * lanes];
      std::memcpy(logarithm, &sum, sizeof(sum));
#pragma omp simd
      for (Index j = 0; j < vectors * lanes; ++j) logarithm[j] = vectorised::log(logarithm[j]);
      for (Index j = 0; j < vectors * lanes; ++j) log_density[i + j] = largest[j / lanes][j % lanes] + logarithm[j];
    }
    if (score) {
      for (int a = 0; a < dimension; ++a) {
        for (int v = 0; v < vectors; ++v) total[a][v] *= 1.0 / sum[v];
        std::memcpy(score + a * tile + i, &total[a], sizeof(total[a]));
      }
    }
  }
}

}  // namespace fortet::laws
