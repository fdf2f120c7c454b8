#pragma once
/// The marginal flow of an interpolant whose ends are jointly a mixture of normal laws or of points, in closed form.
///
/// Given the component n, x_t = alpha x_0 + beta x_1 + gamma z and its velocity u = alpha' x_0 + beta' x_1 + gamma' z
/// are jointly normal, so that
///   E[u | x_t = x] = sum_n r_n(x) [mu_n' + K_n C_n^{-1} (x - mu_n)],   C_n = Cov x_t,  K_n = Cov(u, x_t),
/// with r_n(x) proportional to w_n N(x; mu_n, C_n). A multiple of the score only changes K_n by that of the identity.
#include "fortet/laws/gaussian_mixture.hpp"
#include "fortet/processes/interpolant.hpp"

namespace fortet::processes {

/// One component of the law of (x_0, x_1); c00, c01 and c11 are the blocks of its covariance.
struct Pair {
  double weight;
  Eigen::VectorXd m0, m1;
  Eigen::MatrixXd c00, c01, c11;
};

/// The components of the product of two mixtures; throws ParameterError("target") for too many of them.
std::vector<Pair> independent_pairs(const laws::GaussianMixture& source, const laws::GaussianMixture& target);
/// Those of a mixture in 2d dimensions, x_0 its first d coordinates.
std::vector<Pair> joint_pairs(const laws::GaussianMixture& joint);
/// x_1 alone, with x_0 = 0, for a one-sided interpolant.
std::vector<Pair> target_pairs(const laws::GaussianMixture& target);

/// Law of x_t.
laws::LawPtr interpolant_law(const std::vector<Pair>& pairs, const Interpolant::Coefficients& c);

/// The field E[u | x_t = x] + score_weight grad log p_t(x) at one time, in the layout of its kernel.
class InterpolantMixture {
 public:
  /// Throws UsageError naming the time `t` where the law of x_t is singular.
  InterpolantMixture(const std::vector<Pair>& pairs, const Interpolant::Coefficients& c, double score_weight, double t);
  /// `velocity` and `divergence` (of the field) may be null.
  void evaluate(ConstPoints x, const Points* velocity, double* divergence) const;

 private:
  struct Scratch;
  template <int fixed>
  void evaluate_tile(const double* x, double* velocity, double* divergence, Scratch& scratch) const;
  void add_isotropic(const Pair& pair, const Interpolant::Coefficients& c, double score_weight, double t);
  void add_full(const Pair& pair, const Interpolant::Coefficients& c, double score_weight, double t);

  int dimension_;
  bool isotropic_;                  ///< all covariances are multiples of the identity
  std::vector<double> offsets_;     ///< log w - 1/2 log det C
  std::vector<double> means_;       ///< n d + a
  std::vector<double> precisions_;  ///< C^{-1}: one number, or d x d by rows
  std::vector<double> gains_;       ///< A = K C^{-1}: one number, or d x d by rows
  std::vector<double> constants_;   ///< mu' - A mu, so that the velocity of a component is constant + A x
  std::vector<double> traces_;      ///< tr A
};

}  // namespace fortet::processes
