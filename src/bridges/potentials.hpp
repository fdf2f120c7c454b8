#pragma once
/// The Schroedinger system on the cells of a grid (Fortet 1940; MATHS section 4), with R the propagator over the
/// horizon:
///   hat_0 phi_0 = m_0,  hat_1 = R hat_0,  hat_1 phi_1 = m_1,  phi_0 = R^T phi_1.
/// hat are masses, phi values, all kept as logarithms; p_t = hat_t phi_t. The backward propagator is exactly the
/// transpose, so that the sum of hat_t phi_t is the same number at every t.
#include "anderson.hpp"
#include "carrier.hpp"
#include "fortet/base/error.hpp"
#include "fortet/io/checkpoint.hpp"

namespace fortet::bridges {

struct Iteration {
  std::int64_t iterations = 0;
  double error = 0;  ///< L1 error of the marginals of the coupling
  double rate = 0;   ///< estimated contraction of that error per plain iteration
};

/// All that the iteration goes on from.
struct IterationState {
  explicit IterationState(std::size_t cells) : log_phi0(cells, 0.0) {}
  Iteration now;
  std::vector<double> log_phi0;  ///< of this rank's cells
  std::vector<double> log_phi1;  ///< empty before the first iteration
  double relaxation = 1, rate = 0, last_rate = 0;
  double best = std::numeric_limits<double>::infinity();  ///< error
  std::int64_t best_iteration = 0, growing = 0;
  bool relaxed = false, plain_rate_known = false;
  Anderson anderson;
  /// Collective.
  void exchange(io::State& state, const densities::Grid& grid);
};

enum class Acceleration { none, relaxation, anderson };

struct IterationLimits {
  double tolerance;  ///< of the error that is left, error / (1 - rate)
  long iterations;
  Acceleration acceleration;
  double relaxation;                             ///< exponent of the update; 0: chosen from the rate
  std::function<void(const Iteration&)> report;  ///< after each iteration; may be empty
  std::function<void()> pass;                    ///< where the state is whole, after each iteration; may be empty
};

/// A cell with mass is brought nothing, or less than the carrier can tell.
class Unreachable : public DivergedError {
 public:
  using DivergedError::DivergedError;
};

class Potentials {
 public:
  /// `source`, `target`: masses of the slab's cells. The carrier and the state must outlive this.
  Potentials(densities::GridPtr grid, Carrier& carrier, double horizon, const std::vector<double>& source,
             const std::vector<double>& target, IterationState& state);
  /// Goes on from the state. Collective. Throws Unreachable for a cell that cannot be reached, DivergedError for an
  /// iteration that stalls; the state can then be gone on from with other limits.
  Iteration solve(const IterationLimits& limits);

  const std::vector<double>& log_initial() const { return log_hat_; }       ///< log hat_0
  const std::vector<double>& log_final() const { return state_.log_phi1; }  ///< log phi_1

 private:
  double sweep(double relaxation);
  double accelerated_sweep();
  double distance(const std::vector<double>& logarithms, const std::vector<double>& masses);
  void require_reachable(const std::vector<double>& masses, const char* which) const;

  densities::GridPtr grid_;
  Carrier& carrier_;
  double horizon_;
  const std::vector<double>&source_, &target_;
  IterationState& state_;
  std::vector<double> log_source_, log_target_, log_hat_, work_, values_;
};

}  // namespace fortet::bridges
