#pragma once
/// The Schroedinger bridge of sigma B on [0, 1] between two normal laws, in closed form.
#include <optional>

#include "fortet/laws/law.hpp"

namespace fortet::laws {

/// KL(N(a) | N(b)). Throws UsageError for a covariance that is not positive definite.
double normal_divergence(const Moments& a, const Moments& b);

/// With Dm = (4 S0^1/2 S1 S0^1/2 + sigma^4 I)^1/2 the ends have the covariance C = 1/2 (S0^1/2 Dm S0^-1/2 - sigma^2 I),
/// and X_t is normal with S_t = (1-t)^2 S0 + t^2 S1 + t(1-t)(C + C^T + sigma^2 I) (Bunne et al. 2023).
class NormalBridge {
 public:
  /// Throws UsageError for laws that differ in dimension.
  NormalBridge(Moments source, Moments target, double sigma);
  int dimension() const { return static_cast<int>(source_.mean.size()); }
  Moments at(double t) const;
  const Eigen::MatrixXd& coupling() const { return coupling_; }  ///< C = E (X_0 - m_0)(X_1 - m_1)^T
  Moments ends() const;                                          ///< of (X_0, X_1)

 private:
  Moments source_, target_;
  double variance_;
  Eigen::MatrixXd coupling_;
};

/// Mean and covariance of a law that is normal with positive definite covariance; nothing for any other.
std::optional<Moments> normal_moments(const Law& law);

}  // namespace fortet::laws
