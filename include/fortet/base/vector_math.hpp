#pragma once
/// Elementary functions without branches or library calls, so that a loop over particles vectorises (`#pragma omp
/// simd`).
///
/// Every lane does the same operations, so a value does not depend on where in a block its particle stands, provided
/// the loop has a fixed length (see parallel/random.cpp) or the compiler contracts body and remainder alike. The
/// polynomials are Chebyshev fits computed in 40 digits for the intervals stated.
#include <bit>
#include <cstdint>
#include <limits>

namespace fortet::vectorised {

/// e^x, maximal error 1.5 ulp; overflows to infinity, underflows gradually; NaN stays NaN.
inline double exp(double x) {
  constexpr double shift = 0x1.8p52;  // adding it rounds to an integer kept in the low bits
  x = x < -746.0 ? -746.0 : x;
  x = x > 710.0 ? 710.0 : x;
  const double shifted = x * 1.4426950408889634 + shift;
  const double n = shifted - shift;
  const double r = (x - n * 0x1.62e42feep-1) - n * 1.9082149292705877e-10;  // |r| <= log(2)/2
  double q = 2.510038549551032e-08;
  q = q * r + 2.7620088445409746e-07;
  q = q * r + 2.7557268459997064e-06;
  q = q * r + 2.4801521295954376e-05;
  q = q * r + 0.00019841269863053618;
  q = q * r + 0.0013888888917213717;
  q = q * r + 0.008333333333330062;
  q = q * r + 0.04166666666662413;
  q = q * r + 0.16666666666666669;
  q = q * r + 0.5000000000000001;
  const double value = 1.0 + (r + r * r * q);
  // 2^n in two factors, so that the results near the ends of double's range come out right.
  const std::uint64_t biased = std::bit_cast<std::uint64_t>(shifted) - std::bit_cast<std::uint64_t>(shift) + 2048;
  const std::uint64_t half = biased >> 1;
  const double first = std::bit_cast<double>((half - 1) << 52);  // 2^(half - 1024)
  const double second = std::bit_cast<double>((biased - half - 1) << 52);
  return value * first * second;
}

/// log x, maximal error 1.5 ulp; -infinity at 0, NaN below.
inline double log(double x) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const bool tiny = x < 0x1p-1022;
  const double scaled = tiny ? x * 0x1p54 : x;
  constexpr std::uint64_t root_half = 0x3fe6a09e00000000;  // sqrt(1/2), upper digits
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(scaled) + (0x3ff0000000000000 - root_half);
  const double exponent =
      std::bit_cast<double>((bits >> 52) | 0x4330000000000000) - ((tiny ? 54.0 : 0.0) + (0x1p52 + 1023));
  const double mantissa = std::bit_cast<double>((bits & 0x000fffffffffffff) + root_half);  // in [sqrt(1/2), sqrt(2))
  const double f = mantissa - 1.0;
  const double s = f / (2.0 + f);
  const double w = s * s;
  double p = 0.14616585424888623;  // 2 artanh(s) = 2 s + s w p(w)
  p = p * w + 0.15331710618210773;
  p = p * w + 0.18182889455674947;
  p = p * w + 0.22222211130259878;
  p = p * w + 0.2857142862600327;
  p = p * w + 0.39999999999899444;
  p = p * w + 0.666666666666667;
  double value = exponent * 0x1.62e42feep-1 + (f - (s * (f - w * p) - exponent * 1.9082149292705877e-10));
  value = x == infinity ? infinity : value;
  value = x == 0.0 ? -infinity : value;
  return x >= 0.0 ? value : std::numeric_limits<double>::quiet_NaN();
}

struct SinCos {
  double sin, cos;
};

/// sin(2 pi x) and cos(2 pi x) for |x| <= 2^50, maximal error 1.5 ulp of the larger of the two.
inline SinCos sin_cos_turns(double x) {
  constexpr double shift = 0x1.8p52;
  const double shifted = 4.0 * x + shift;
  const double r = x - 0.25 * (shifted - shift);  // |r| <= 1/8, exact
  const std::uint64_t quadrant = std::bit_cast<std::uint64_t>(shifted);
  const double w = r * r;
  double p = 3.78643334956545;
  p = p * w + -15.094054182079999;
  p = p * w + 42.05868918088512;
  p = p * w + -76.70585973562093;
  p = p * w + 81.6052492760517;
  p = p * w + -41.341702240399755;
  const double sine = r * 6.283185307179586 + r * (w * p + 2.4492935982947064e-16);
  double c = -1.6990343940660637;
  c = c * w + 7.903206911569678;
  c = c * w + -26.426253275854723;
  c = c * w + 60.24464135270201;
  c = c * w + -85.4568172066438;
  c = c * w + 64.93939402266824;
  c = c * w + -19.739208802178716;
  const double cosine = 1.0 + w * c;
  const bool odd = quadrant & 1;
  const std::uint64_t sine_sign = (quadrant & 2) << 62, cosine_sign = ((quadrant + 1) & 2) << 62;
  const double a = odd ? cosine : sine, b = odd ? sine : cosine;
  return {std::bit_cast<double>(std::bit_cast<std::uint64_t>(a) ^ sine_sign),
          std::bit_cast<double>(std::bit_cast<std::uint64_t>(b) ^ cosine_sign)};
}

}  // namespace fortet::vectorised
