#pragma once
/// Propagators of logarithms: densities and their duals beyond the range of double, for bridges of small noise.
#include <memory>
#include <span>

#include "fortet/densities/grid.hpp"
#include "fortet/processes/process.hpp"

namespace fortet::densities {

/// As Propagator, with the logarithms of masses and of values; minus infinity stands for zero.
class LogPropagator {
 public:
  virtual ~LogPropagator() = default;
  /// Log masses of the slab at t0 become those at t1. Collective.
  virtual void forward(double t0, double t1, std::span<double> log_masses) = 0;
  /// Log values at t1 become log E[f(X_t1) | X_t0]; the transpose of forward. Collective.
  virtual void backward(double t0, double t1, std::span<double> log_values) = 0;
};

/// Whether make_log_propagator can serve this process: independent axes whose rates have a common clock.
bool has_log_propagator(const processes::Process& process);

/// Dense kernels of each axis as logarithms: the uniformization series of a short time with all its terms, then
/// doublings. A logarithm of a sum of exponentials is formed in blocks of cells, each shifted by its own maximum, so
/// that the inner loop is multiply-add. Throws UsageError for a process it cannot serve. Collective.
std::unique_ptr<LogPropagator> make_log_propagator(const processes::ProcessPtr& process, const GridPtr& grid);

}  // namespace fortet::densities
