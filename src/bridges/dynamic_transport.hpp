#pragma once
/// Dynamic optimal transport on a staggered grid (Benamou, Brenier 2000; Papadakis, Peyre, Oudet 2014):
///   min int_0^1 int cost |m|^2 / (2 rho)  subject to  d/dt rho + div m = 0,  rho_0 and rho_1 given,  m.n = 0.
/// rho lives between the intervals of time, m on the faces of cells; the energy of a cell and interval takes the mean
/// of its two rho and, along each axis, of its two m. In an obstacle both m vanish, by a further component of K: half
/// their difference.
///
/// Chambolle and Pock's iteration over-relaxed, with the projection onto the constraint in its primal step, which makes
/// it that of Jacobs, Leger, Li and Osher (2019): the number of iterations does not grow with the grid.
///   U+ = P(U - tau K^T W),  W+ = projection of W + sigma K (2 U+ - U) onto {a + |b|^2 / (2 cost) <= 0},  then
///   (U, W) += relaxation ((U+, W+) - (U, W)),
/// where K takes (rho, m) to the cells, |K| <= 1 and sigma tau = 1. W = cost (-|v|^2 / 2, v) where there is mass.
#include "fortet/io/checkpoint.hpp"
#include "space_time_poisson.hpp"

namespace fortet::bridges {

struct TransportProblem {
  densities::GridPtr grid;
  Index intervals;
  std::vector<double> source, target;  ///< masses of this rank's cells, of sum one over all ranks
  std::vector<double> cost;            ///< per cell, 0: an obstacle, no mass and no flow; empty: 1 everywhere
};

/// All relative: distance of (rho, m) from that of the optimality conditions, of the dual variable from a gradient.
struct TransportState {
  std::int64_t iterations = 0;
  double primal = std::numeric_limits<double>::infinity(), dual = primal;
  double energy = 0;  ///< lower estimate of int int cost |m|^2 / rho, correct to second order of the residuals
  double residual() const { return std::max(primal, dual); }
};

struct TransportLimits {
  double tolerance;  ///< of the residual
  long iterations;
  std::function<void(const TransportState&)> report;  ///< after each measurement; may be empty
  std::function<void()> pass;                         ///< after each iteration; may be empty
};

class DynamicTransport {
 public:
  explicit DynamicTransport(TransportProblem problem);
  /// Collective. Returns with residual() > tolerance when the iterations did not do.
  TransportState solve(const TransportLimits& limits);
  /// All that the iteration goes on from. Collective.
  void exchange(io::State& state);

  const SpaceTime& domain() const { return domain_; }
  /// Density of this rank's cells at a time: linear between its means over the intervals and its two ends.
  std::vector<double> density(double time) const;
  /// Velocity at the upper faces of the cells along an axis and in the middle of the intervals, in the order of planes;
  /// 0 on the boundary and at obstacles. Collective.
  std::vector<double> velocity(int axis);

 private:
  void step(bool measured);
  void solve_for_potential();
  void primal_step(bool measured);
  template <int dimension, bool weighted>
  void dual_step(bool measured);
  void difference_step();
  void project();
  void measure();

  TransportProblem problem_;
  double length_unit_, density_unit_;
  SpaceTime domain_;
  SpaceTimePoisson poisson_;
  TransportState state_;
  double tau_ = 1, sigma_ = 1, adaptation_ = 0.5;
  PlaneArray density_, extrapolated_density_;                 ///< rho: intervals + 1 per plane
  std::vector<PlaneArray> momentum_, extrapolated_momentum_;  ///< m at the upper face of each cell, per axis
  PlaneArray dual_density_, potential_, cost_;                ///< a; phi; cost per cell and interval
  std::vector<PlaneArray> dual_momentum_;                     ///< b, per axis
  std::vector<PlaneArray> dual_difference_;  ///< in obstacles: that of (m_lower - m_upper) / 2, per axis; or empty
  static constexpr int sums = 6;
  std::array<std::vector<double>, sums> columns_;  ///< per cell: sums over the intervals of what is measured
};

}  // namespace fortet::bridges
