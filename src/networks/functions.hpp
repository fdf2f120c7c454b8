#pragma once
/// Exponential, logarithm and error functions of short vectors, in float and double. Every lane does the same
/// operations. The polynomials are Chebyshev fits computed in 40 digits for the intervals stated.
#include "vector.hpp"

namespace fortet::networks {

template <class Real>
struct Coefficients;

template <>
struct Coefficients<float> {
  static constexpr float shift = 0x1.8p23f;  ///< adding it rounds to an integer kept in the low bits
  static constexpr float lowest = -87.0f;    ///< e^lowest is a normal number
  static constexpr float log2_high = 0x1.62e4p-1f, log2_low = 1.4286068e-06f;
  static constexpr int mantissa = 23, bias = 127;
  static constexpr std::int32_t lower_half = 0xfff;  ///< bits that a factor must not have for an exact square
  /// (e^r - 1 - r) / r^2 for |r| <= log(2)/2
  static constexpr float exponential[] = {0.00139261836f, 0.00836317905f, 0.0416665546f, 0.16666577f, 0.5f};
  /// (2 artanh(s) - 2 s) / s^3 in s^2 for s <= 1/3
  static constexpr float logarithm[] = {0.232249218f, 0.21706461f, 0.285923648f, 0.399997062f, 0.666666673f};
  /// (1 + 2 y) erfcx(y) in (y - 3) / (y + 3) for y >= 0
  static constexpr float error_function[] = {-9.35106292e-5f, -0.000513159436f, 0.00187749465f, 0.00228495215f,
                                             -0.0237656922f,  0.0684107595f,    -0.119274519f,  0.129627175f,
                                             -0.0475622517f,  -0.135620214f,    1.25300806f};
};

template <>
struct Coefficients<double> {
  static constexpr double shift = 0x1.8p52;
  static constexpr double lowest = -708.0;
  static constexpr double log2_high = 0x1.62e42feep-1, log2_low = 1.9082149292705877e-10;
  static constexpr int mantissa = 52, bias = 1023;
  static constexpr std::int64_t lower_half = 0x7ffffff;
  static constexpr double exponential[] = {2.5100385495510319e-8, 2.7620088445409748e-7,  2.7557268459997065e-6,
                                           2.4801521295954375e-5, 0.00019841269863053617, 0.0013888888917213717,
                                           0.0083333333333300618, 0.041666666666624128,   0.16666666666666667,
                                           0.5000000000000001};
  static constexpr double logarithm[] = {0.15631534707431224, 0.074916394606732656, 0.10845291032779813,
                                         0.11734265179376593, 0.1333517966151571,   0.15384543917753165,
                                         0.18181819899267959, 0.22222222198216113,  0.28571428571600264,
                                         0.39999999999999522, 0.66666666666666667};
  static constexpr double error_function[] = {
      9.9488209475371958e-10, -3.169592039553522e-9,   -1.3361953304404018e-8,  2.7779061599708633e-8,
      1.0195717375790894e-7,  -1.2038713923616525e-7,  -6.1677094935509635e-7,  3.3649033965298255e-7,
      3.4725202800655187e-6,  -7.1861493963036222e-7,  -2.0100627664406106e-5,  4.9440312148829276e-6,
      0.00012509937435915821, -0.00010515828085467254, -0.00077983227727425471, 0.0018886900908332906,
      0.002529391816799663,   -0.023770514890662271,   0.068308027343921441,    -0.11927366341681595,
      0.12964515870276262,    -0.047562294353418972,   -0.13562110612458119,    1.2530080582697295};
};

template <class Real>
inline Vector<Real> constant(Real value) {
  return Vector<Real>{} + value;
}

/// Horner's rule, highest coefficient first.
template <class Real, std::size_t count>
inline Vector<Real> polynomial(const Real (&coefficients)[count], Vector<Real> x) {
  Vector<Real> value = constant(coefficients[0]);
#pragma GCC unroll 32
  for (std::size_t i = 1; i < count; ++i) value = value * x + coefficients[i];
  return value;
}

template <class Real>
inline Vector<Real> absolute(Vector<Real> x) {
  return x < 0 ? -x : x;
}

template <class Real>
struct Exponential {
  Vector<Real> value, minus_one;  ///< e^x and e^x - 1, both to a few units of the last place
};

/// For x <= 0; below the smallest normal number e^x stays there. NaN stays NaN.
template <class Real>
inline Exponential<Real> exponential(Vector<Real> x) {
  using C = Coefficients<Real>;
  using Bits = IntegerVector<Real>;
  x = x < C::lowest ? constant(C::lowest) : x;
  const Vector<Real> shifted = x * Real(1.4426950408889634) + C::shift;
  const Vector<Real> n = shifted - C::shift;
  const Vector<Real> r = (x - n * C::log2_high) - n * C::log2_low;
  const Vector<Real> p = r + r * r * polynomial<Real>(C::exponential, r);
  const Bits exponent = reinterpret_cast<Bits>(shifted) - reinterpret_cast<Bits>(constant(C::shift)) + C::bias;
  const Vector<Real> power = reinterpret_cast<Vector<Real>>(exponent << C::mantissa);
  return {power * p + power, power * p + (power - 1)};
}

/// log(1 + u) for 0 <= u <= 1.
template <class Real>
inline Vector<Real> log_one_plus(Vector<Real> u) {
  const Vector<Real> s = u / (u + 2), w = s * s;
  return s * 2 + s * w * polynomial<Real>(Coefficients<Real>::logarithm, w);
}

/// Distribution function and density of the standard normal law, the former by erfc(y) = e^{-y^2} erfcx(y) so that
/// its relative error stays small in the left tail (Shepherd and Laframboise 1981 for erfcx).
template <class Real>
struct Normal {
  Vector<Real> distribution, density;
};

template <class Real>
inline Normal<Real> normal(Vector<Real> x) {
  using C = Coefficients<Real>;
  Vector<Real> y = absolute<Real>(x);
  y = y > 40 ? constant(Real(40)) : y;
  // What rounding takes from y^2 would be magnified by the exponential: Dekker's product, y split into halves.
  const IntegerVector<Real> upper = reinterpret_cast<IntegerVector<Real>>(y) & ~C::lower_half;
  const Vector<Real> high = reinterpret_cast<Vector<Real>>(upper), low = y - high;
  const Vector<Real> square = y * y, rest = ((high * high - square) + 2 * high * low) + low * low;
  const Vector<Real> power = exponential<Real>(square * Real(-0.5)).value * (1 - Real(0.5) * rest);
  y = y * Real(0.70710678118654752);
  const Vector<Real> both = 1 / ((y + 3) * (y * 2 + 1));
  const Vector<Real> t = (y - 3) * ((y * 2 + 1) * both);
  const Vector<Real> scaled = polynomial<Real>(C::error_function, t) * ((y + 3) * both);
  const Vector<Real> tail = power * scaled * Real(0.5);
  return {x < 0 ? tail : 1 - tail, power * Real(0.39894228040143268)};
}

}  // namespace fortet::networks
