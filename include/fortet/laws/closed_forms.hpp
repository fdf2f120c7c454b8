#pragma once
/// Laws that closed-form marginals of processes need beyond normal mixtures.
#include "fortet/laws/law.hpp"

namespace fortet::laws {

/// Independent coordinates X_k = exp(m_k + s_k Z_k).
class Lognormal : public Law {
 public:
  /// Throws ParameterError("deviation") unless all deviations of the logarithms are positive.
  Lognormal(Eigen::VectorXd mean, Eigen::VectorXd deviation);
  const Eigen::VectorXd& mean() const { return mean_; }            ///< of the logarithms
  const Eigen::VectorXd& deviation() const { return deviation_; }  ///< of the logarithms
  void sample(const parallel::Stream& stream, std::int64_t first, Points out) const override;
  void log_density(ConstPoints x, double* out) const override;
  void score(ConstPoints x, Points out) const override;
  void cell_masses(const std::vector<std::vector<double>>& edges, std::span<double> out) const override;
  Moments moments() const override;

 private:
  Eigen::VectorXd mean_, deviation_;
};

/// scale * chi'^2_degrees(noncentrality), on the half line.
LawPtr noncentral_chi_squared(double scale, double degrees, double noncentrality);

/// Masses of the cells of a tensor grid as products of masses of intervals: masses[k][i] is that of cell i along axis
/// k.
void product_cell_masses(const std::vector<std::vector<double>>& masses, std::span<double> out);

}  // namespace fortet::laws
