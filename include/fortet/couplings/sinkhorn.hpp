#pragma once
/// Entropic transport between samples by Sinkhorn's iteration in the log domain.
#include <limits>
#include <vector>

#include "fortet/base/points.hpp"

namespace fortet::couplings {

struct SinkhornSettings {
  double epsilon = 1;  ///< weight of KL; the bridge of sigma B on [0, 1] has epsilon = 2 sigma^2
  /// Weight rho of KL(marginal of the plan | given law) for either side; infinite: the marginals are met.
  double mass_penalty = std::numeric_limits<double>::infinity();
  double tolerance = 1e-6;  ///< on the L1 error of the marginals (unbalanced: of the fixed point, in the same unit)
  long iterations = 10000;  ///< at most so many at the final epsilon
};

/// The plan pi that minimises
///   sum c_ij pi_ij + epsilon KL(pi | a x b) + rho KL(pi 1 | a) + rho KL(pi^T 1 | b),   c_ij = |x_i - y_j|^2,
/// for uniform a and b, where KL(p | q) = sum p log(p/q) - p + q (Cuturi 2013; unbalanced: Chizat, Peyre, Schmitzer,
/// Vialard 2018). Holds copies of the points.
class EntropicPlan {
 public:
  /// Halves epsilon from the largest cost down to the given one (Schmitzer 2019). Single-threaded; memory O((n + m) d).
  /// Throws DivergedError when the tolerance is not met, UsageError when dimensions differ or a sample is empty.
  EntropicPlan(ConstPoints source, ConstPoints target, const SinkhornSettings& settings);

  /// pi_ij = exp((f_i + g_j - c_ij) / epsilon) / (n m).
  const std::vector<double>& source_potential() const { return f_; }
  const std::vector<double>& target_potential() const { return g_; }
  Index source_size() const { return source_.size(); }
  Index target_size() const { return target_.size(); }
  /// out[j] = pi_ij for all targets j; returns their sum.
  double row(Index i, double* out) const;

  double transport_cost() const { return transport_cost_; }  ///< sum c_ij pi_ij
  double value() const { return value_; }                    ///< all terms of the minimised sum
  double mass() const { return mass_; }                      ///< of the plan; 1 when balanced
  long iterations() const { return iterations_; }            ///< at all epsilons
  double marginal_error() const { return error_; }           ///< the one that was below the tolerance

 private:
  /// One half step; returns the L1 change of the marginal of `own`.
  double update(const PointArray& own, const PointArray& other, std::vector<double>& potential,
                const std::vector<double>& other_potential, double epsilon);
  double iterate(double epsilon, double tolerance, long most);
  void summarise();

  PointArray source_, target_;
  SinkhornSettings settings_;
  std::vector<double> f_, g_;
  std::vector<double> costs_;  // one row of them, while the plan is computed
  double transport_cost_ = 0, value_ = 0, mass_ = 0, error_ = 0;
  long iterations_ = 0;
};

}  // namespace fortet::couplings
