#pragma once
// Binomial random numbers.
#include <cmath>
#include <cstdint>

namespace fortet::comparisons {

/// log k! less Stirling's approximation (k + 1/2) log(k + 1) - (k + 1) + log(2 pi) / 2.
inline double stirling_correction(double k) {
  static constexpr double exact[] = {
      0.08106146679532726, 0.04134069595540929, 0.02767792568499834, 0.02079067210376509,  0.01664469118982119,
      0.01387612882307075, 0.01189670994589177, 0.01041126526197209, 0.009255462182712733, 0.008330563433362871};
  if (k < 10) return exact[static_cast<int>(k)];
  const double inverse = 1 / (k + 1), square = inverse * inverse;
  return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 * square) * square) * inverse;
}

/// Number of successes in n trials of probability p in [0, 1]. By inversion where few are expected, otherwise by the
/// transformed rejection BTRS of Hormann 1993. The setup is cheap, as each number here has parameters of its own.
/// `uniform()` gives numbers in (0, 1).
template <class Uniform>
std::int64_t binomial(std::int64_t trials, double p, Uniform&& uniform) {
  if (p > 0.5) return trials - binomial(trials, 1 - p, uniform);
  if (trials <= 0 || p <= 0) return 0;
  const double n = static_cast<double>(trials), q = 1 - p;
  if (n * p < 10) {
    const double ratio = p / q, first = std::exp(n * std::log1p(-p));
    while (true) {
      double u = uniform(), mass = first;
      for (std::int64_t k = 0; k <= trials && k < 110; ++k) {  // beyond, no number of 53 bits is reached
        if (u <= mass) return k;
        u -= mass;
        mass *= ratio * (n - static_cast<double>(k)) / static_cast<double>(k + 1);
      }
    }
  }
  const double spread = std::sqrt(n * p * q), b = 1.15 + 2.53 * spread, a = -0.0873 + 0.0248 * b + 0.01 * p,
               c = n * p + 0.5;
  const double quick = 0.92 - 4.2 / b, alpha = (2.83 + 5.1 / b) * spread, mode = std::floor((n + 1) * p);
  while (true) {
    const double u = uniform() - 0.5, v = uniform(), distance = 0.5 - std::abs(u);
    const double k = std::floor((2 * a / distance + b) * u + c);
    if (distance >= 0.07 && v <= quick) return static_cast<std::int64_t>(k);
    if (k < 0 || k > n) continue;
    // log of the probability of k over that of the mode
    const double ratio = (mode + 0.5) * std::log((mode + 1) / (p / q * (n - mode + 1))) +
                         (n + 1) * std::log((n - mode + 1) / (n - k + 1)) +
                         (k + 0.5) * std::log(p / q * (n - k + 1) / (k + 1)) + stirling_correction(mode) +
                         stirling_correction(n - mode) - stirling_correction(k) - stirling_correction(n - k);
    if (std::log(v * alpha / (a / (distance * distance) + b)) <= ratio) return static_cast<std::int64_t>(k);
  }
}

}  // namespace fortet::comparisons
