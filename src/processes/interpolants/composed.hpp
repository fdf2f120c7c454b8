#pragma once
/// An interpolant made of a path alpha(t) x_0 + beta(t) x_1 and a noise level gamma(t).
#include "fortet/processes/interpolant.hpp"

namespace fortet::processes {

/// A function of time and its derivative.
struct Rated {
  double value, rate;
};
struct Path {
  Rated alpha, beta;
};
/// gamma with gamma gamma', which stays finite where gamma' does not.
struct Noise {
  double value, rate, half_variance_rate;
};

Path linear_path(double t);         ///< 1 - t, t
Path trigonometric_path(double t);  ///< cos(pi t / 2), sin(pi t / 2)
/// cos^2(pi t) x_0 up to t = 1/2, from there on cos^2(pi t) x_1.
Path encoding_decoding_path(double t);

Noise constant_noise(double sigma);
Noise bridge_noise(double sigma, double t);  ///< sigma sqrt(t (1 - t))
/// A smooth gamma from its value and rate.
inline Noise smooth_noise(Rated gamma) { return {gamma.value, gamma.rate, gamma.value * gamma.rate}; }

class ComposedInterpolant : public Interpolant {
 public:
  /// `bridge`: sigma of the Brownian bridge that this is, or 0.
  ComposedInterpolant(std::function<Path(double t)> path, std::function<Noise(double t)> noise, double bridge = 0)
      : path_(std::move(path)), noise_(std::move(noise)), bridge_(bridge) {}
  Coefficients at(double t) const override {
    const Path path = path_(t);
    const Noise noise = noise_(t);
    return {path.alpha.value, path.beta.value,         noise.value, path.alpha.rate, path.beta.rate,
            noise.rate,       noise.half_variance_rate};
  }
  double bridge_noise() const override { return bridge_; }

 private:
  std::function<Path(double t)> path_;
  std::function<Noise(double t)> noise_;
  double bridge_;
};

/// x_t = beta(t) x_1 + gamma(t) z.
class OneSidedInterpolant : public Interpolant {
 public:
  explicit OneSidedInterpolant(std::function<Path(double t)> noise_and_signal) : path_(std::move(noise_and_signal)) {}
  Coefficients at(double t) const override {
    const Path path = path_(t);
    return {
        0, path.beta.value, path.alpha.value, 0, path.beta.rate, path.alpha.rate, path.alpha.value * path.alpha.rate};
  }
  bool is_one_sided() const override { return true; }

 private:
  std::function<Path(double t)> path_;  ///< alpha stands for gamma
};

}  // namespace fortet::processes
