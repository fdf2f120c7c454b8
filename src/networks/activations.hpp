#pragma once
/// Activation functions with their first and second derivatives, on short vectors and on rows of a tile.
#include "fortet/networks/network.hpp"
#include "functions.hpp"

namespace fortet::networks {

template <class Real>
struct ActivationValues {
  Vector<Real> value, first, second;
};

/// Derivatives that a caller does not use cost nothing: the compiler drops them.
template <Activation activation, class Real>
inline ActivationValues<Real> activate(Vector<Real> z) {
  const Vector<Real> zero{};
  if constexpr (activation == Activation::selu) {  // Klambauer et al. 2017
    constexpr Real scale = Real(1.0507009873554804934193349852946);
    constexpr Real both = Real(1.0507009873554804934193349852946 * 1.6732632423543772848170429916717);
    const Exponential<Real> e = exponential<Real>(z > 0 ? zero : z);
    const Vector<Real> slope = e.value * both;
    return {z > 0 ? z * scale : e.minus_one * both, z > 0 ? constant(scale) : slope, z > 0 ? zero : slope};
  } else if constexpr (activation == Activation::tanh) {
    const Exponential<Real> e = exponential<Real>(absolute<Real>(z) * -2);
    const Vector<Real> inverse = 1 / (e.minus_one + 2);
    const Vector<Real> size = -e.minus_one * inverse, value = z < 0 ? -size : size;
    const Vector<Real> first = 4 * e.value * inverse * inverse;
    return {value, first, -2 * value * first};
  } else if constexpr (activation == Activation::gelu) {  // Hendrycks and Gimpel 2016, with the error function itself
    const Normal<Real> n = normal<Real>(z);
    return {z * n.distribution, n.distribution + z * n.density, n.density * (2 - z * z)};
  } else {
    const Exponential<Real> e = exponential<Real>(-absolute<Real>(z));
    const Vector<Real> inverse = 1 / (e.value + 1);
    const Vector<Real> sigmoid = (z < 0 ? e.value : zero + 1) * inverse;
    const Vector<Real> slope = e.value * inverse * inverse;  // sigmoid (1 - sigmoid)
    if constexpr (activation == Activation::softplus) {
      return {(z > 0 ? z : zero) + log_one_plus<Real>(e.value), sigmoid, slope};
    } else {  // silu: Elfwing, Uchibe and Doya 2018
      static_assert(activation == Activation::silu);
      return {z * sigmoid, sigmoid + z * slope, slope * (2 + z * (1 - 2 * sigmoid))};
    }
  }
}

/// Rows of a tile, each of `vectors` vectors: in place z -> f(z), and f'(z), f''(z) where asked for.
template <class Real>
struct ActivationRows {
  void (*value)(Real* z, Index rows, Index vectors);
  void (*first)(Real* z, Real* first, Index rows, Index vectors);
  void (*second)(Real* z, Real* first, Real* second, Index rows, Index vectors);
};

template <class Real>
ActivationRows<Real> activation_rows(Activation activation);

}  // namespace fortet::networks
