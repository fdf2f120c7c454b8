#pragma once
/// First-order optimisers on one contiguous vector of parameters, their learning-rate schedules and averages.
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "fortet/base/parameters.hpp"
#include "fortet/base/points.hpp"
#include "fortet/base/registry.hpp"

namespace fortet::networks {

/// Category "optimizers": sgd, adam, adamw. State is plain vectors, so that it can be saved and compared bit for bit.
template <class Real>
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// One step with learning rate `rate`; one pass over memory.
  virtual void step(std::span<Real> parameters, std::span<const Real> gradient, double rate) = 0;
  /// Moments, by name, for files: each as long as the parameters (or empty), and the number of steps taken.
  virtual std::vector<std::pair<std::string, std::span<Real>>> state() = 0;
  virtual std::int64_t& steps() = 0;
};

template <class Real>
std::unique_ptr<Optimizer<Real>> make_optimizer(const Parameters& parameters, Index count);
template <>
std::unique_ptr<Optimizer<float>> make_optimizer(const Parameters& parameters, Index count);
template <>
std::unique_ptr<Optimizer<double>> make_optimizer(const Parameters& parameters, Index count);

/// Category "rate_schedules" (constant, cosine; both with warm_up): learning rate at a step, as a factor of the base
/// rate.
using RateSchedule = std::function<double(std::int64_t step, std::int64_t steps)>;
RateSchedule make_rate_schedule(const Parameters& parameters);

/// average = decay average + (1 - decay) parameters; decay 0 copies.
template <class Real>
void exponential_average(std::span<Real> average, std::span<const Real> parameters, double decay);

/// Scales the gradient to Euclidean norm at most `limit`; returns the norm before. The sum of squares is taken in
/// double in a fixed order.
template <class Real>
double clip(std::span<Real> gradient, double limit);

}  // namespace fortet::networks
