#pragma once
/// Stochastic interpolants between two laws (Albergo, Boffi and Vanden-Eijnden 2023), the conditional paths of flow
/// matching and bridge matching among them:
///   x_t = alpha(t) x_0 + beta(t) x_1 + gamma(t) z,   z standard normal, t in [0, 1],
/// with conditional velocity alpha' x_0 + beta' x_1 + gamma' z and conditional score -z / gamma.
#include <functional>
#include <memory>

#include "fortet/base/parameters.hpp"
#include "fortet/base/registry.hpp"

namespace fortet::processes {

/// Category "interpolants": one kind per path of the literature.
class Interpolant {
 public:
  struct Coefficients {
    double alpha, beta, gamma;                 ///< at t
    double alpha_rate, beta_rate, gamma_rate;  ///< d/dt; infinite where gamma ~ sqrt(t) or sqrt(1 - t)
    double half_variance_rate;                 ///< d/dt gamma^2 / 2 = gamma gamma', finite for all t
  };
  virtual ~Interpolant() = default;
  virtual Coefficients at(double t) const = 0;
  /// alpha = 0 throughout: x_0 is the noise z itself and the source must be the standard normal law.
  virtual bool is_one_sided() const { return false; }
  /// sigma of the Brownian bridge whose law this is, 0 for all others: gamma = sigma sqrt(t (1 - t)).
  virtual double bridge_noise() const { return 0; }
};

using InterpolantPtr = std::shared_ptr<const Interpolant>;
using InterpolantFactory = std::function<InterpolantPtr(const Parameters&)>;

/// Makes an interpolant of a registered kind; throws ParameterError.
InterpolantPtr make_interpolant(const Parameters& parameters);

}  // namespace fortet::processes
