#pragma once
/// The Schroedinger system on the cells of a grid (Fortet 1940; MATHS section 4), with R the propagator over the
/// horizon:
///   hat_0 phi_0 = m_0,  hat_1 = R hat_0,  hat_1 phi_1 = m_1,  phi_0 = R^T phi_1.
/// hat are masses, phi values, all kept as logarithms; p_t = hat_t phi_t. The backward propagator is exactly the
/// transpose, so that the sum of hat_t phi_t is the same number at every t.
#include "carrier.hpp"
#include "fortet/base/error.hpp"

namespace fortet::bridges {

struct Iteration {
  long iterations = 0;
  double error = 0;  ///< L1 error of the marginals of the coupling
  double rate = 0;   ///< estimated contraction of that error per plain iteration
};

struct IterationLimits {
  double tolerance;  ///< of the error that is left, error / (1 - rate)
  long iterations;
  double relaxation;                             ///< exponent of the update; 0: chosen from the rate
  std::function<void(const Iteration&)> report;  ///< after each iteration; may be empty
};

/// A cell with mass is brought nothing, or less than the carrier can tell.
class Unreachable : public DivergedError {
 public:
  using DivergedError::DivergedError;
};

class Potentials {
 public:
  /// `source`, `target`: masses of the slab's cells. The carrier must outlive this.
  Potentials(densities::GridPtr grid, Carrier& carrier, double horizon, const std::vector<double>& source,
             const std::vector<double>& target);
  /// Collective. Throws Unreachable for a cell that cannot be reached, DivergedError for an iteration that stalls.
  Iteration solve(const IterationLimits& limits);
  /// Starts from log phi_0 instead of 0.
  void start_from(std::vector<double> log_phi0) { log_phi0_ = std::move(log_phi0); }

  const std::vector<double>& log_initial() const { return log_hat_; }  ///< log hat_0
  const std::vector<double>& log_final() const { return log_phi1_; }   ///< log phi_1
  const std::vector<double>& log_phi0() const { return log_phi0_; }

  double sum(std::span<const double> terms) const;  ///< over all ranks, same bits for any number of them

 private:
  double sweep(double relaxation);
  double distance(const std::vector<double>& logarithms, const std::vector<double>& masses);
  void require_reachable(const std::vector<double>& masses, const char* which) const;

  densities::GridPtr grid_;
  Carrier& carrier_;
  double horizon_;
  const std::vector<double>&source_, &target_;
  std::vector<double> log_source_, log_target_, log_hat_, log_phi0_, log_phi1_, work_, values_;
};

}  // namespace fortet::bridges
