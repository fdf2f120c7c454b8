#pragma once
/// How the potentials of a bridge are carried over time, as logarithms.
#include "fortet/densities/log_propagator.hpp"
#include "fortet/densities/propagator.hpp"

namespace fortet::bridges {

/// Logarithms of masses (forward) and of values (backward) on this rank's slab; minus infinity stands for zero.
class Carrier {
 public:
  virtual ~Carrier() = default;
  virtual void forward(double t0, double t1, std::vector<double>& logarithms) = 0;
  virtual void backward(double t0, double t1, std::vector<double>& logarithms) = 0;
  /// Logarithms below this came out of the last call with a large relative error. Same number on every rank.
  virtual double least() const = 0;
};

/// Exponentials relative to their maximum through a propagator of masses: reaches factors of 1e-285. `steps`: those of
/// the whole horizon.
std::unique_ptr<Carrier> linear_carrier(densities::GridPtr grid, std::unique_ptr<densities::Propagator> propagator,
                                        double horizon, long steps);
/// Logarithms throughout.
std::unique_ptr<Carrier> log_carrier(std::unique_ptr<densities::LogPropagator> propagator);

/// values[i] = exp(logarithms[i] - shift) and back, on all threads.
void exponentiate(const std::vector<double>& logarithms, double shift, std::vector<double>& values);
void take_logarithms(const std::vector<double>& values, double shift, std::vector<double>& logarithms);

}  // namespace fortet::bridges
