#pragma once
/// The Schroedinger system on the cells of a grid (Fortet 1940; MATHS section 4), with R the propagator over the
/// horizon:
///   hat_0 phi_0 = m_0,  hat_1 = R hat_0,  hat_1 phi_1 = m_1,  phi_0 = R^T phi_1.
/// hat are masses, phi values; p_t = hat_t phi_t. The backward propagator is exactly the transpose, so that the sum of
/// hat_t phi_t is the same number at every t.
#include "fortet/bridges/bridge.hpp"
#include "fortet/densities/propagator.hpp"

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

class Potentials {
 public:
  /// `steps`: equal steps of one application of the propagator over [0, horizon].
  Potentials(densities::GridPtr grid, std::unique_ptr<densities::Propagator> propagator, double horizon, long steps,
             std::vector<double> source, std::vector<double> target);
  /// Collective. Throws DivergedError for a cell that cannot be reached and for an iteration that stalls.
  Iteration solve(const IterationLimits& limits);

  const std::vector<double>& initial() const { return hat_; }  ///< hat_0
  const std::vector<double>& final() const { return phi1_; }   ///< phi_1
  const std::vector<double>& phi0() const { return phi0_; }
  densities::Propagator& propagator() { return *propagator_; }

  double sum(std::span<const double> terms) const;  ///< over all ranks, same bits for any number of them

 private:
  double sweep(double relaxation);
  void require_reachable(std::span<const double> masses, std::span<const double> carried, const char* which) const;

  densities::GridPtr grid_;
  std::unique_ptr<densities::Propagator> propagator_;
  double horizon_;
  long steps_;
  std::vector<double> source_, target_, hat_, phi0_, phi1_, work_;
};

}  // namespace fortet::bridges
