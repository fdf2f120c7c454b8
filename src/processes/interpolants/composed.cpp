#include "composed.hpp"

#include <cmath>
#include <limits>
#include <numbers>

namespace fortet::processes {

using std::numbers::pi;

Path linear_path(double t) { return {{1 - t, -1}, {t, 1}}; }

Path trigonometric_path(double t) {
  if (t == 1) return {{0, -pi / 2}, {1, 0}};  // cos(pi / 2) is not zero in floating point
  const double c = std::cos(pi / 2 * t), s = std::sin(pi / 2 * t);
  return {{c, -pi / 2 * s}, {s, pi / 2 * c}};
}

Path encoding_decoding_path(double t) {
  const double c = std::cos(pi * t);
  const Rated present{c * c, -pi * std::sin(2 * pi * t)}, absent{0, 0};
  return t < 0.5 ? Path{present, absent} : Path{absent, present};
}

Noise constant_noise(double sigma) { return {sigma, 0, 0}; }

Noise bridge_noise(double sigma, double t) {
  const double spread = t * (1 - t), half_rate = 0.5 * sigma * sigma * (1 - 2 * t);
  if (sigma == 0) return constant_noise(0);
  if (spread > 0) {
    const double gamma = sigma * std::sqrt(spread);
    return {gamma, half_rate / gamma, half_rate};
  }
  return {0, std::copysign(std::numeric_limits<double>::infinity(), half_rate), half_rate};
}

InterpolantPtr make_interpolant(const Parameters& parameters) {
  return Registry<InterpolantFactory>::instance().find("interpolants", parameters.kind())(parameters);
}

}  // namespace fortet::processes
