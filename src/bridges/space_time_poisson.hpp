#pragma once
/// - Laplace phi = r on space-time with reflecting ends (the projection onto a given divergence): cosine transforms
/// along time and all space axes but the last, which is solved as a tridiagonal system (Hockney 1965). Exact up to
/// rounding, the same bits for any number of ranks and threads.
#include "cosine_transform.hpp"
#include "space_time.hpp"

namespace fortet::bridges {

class SpaceTimePoisson {
 public:
  explicit SpaceTimePoisson(const SpaceTime& domain);
  /// Puts phi, whose last plane has the mean zero, in the place of r, whose sum must vanish: `right_side(j)` is called
  /// once for each plane, by several threads, and writes r there. Collective.
  void solve(PlaneArray& r, const std::function<void(Index plane)>& right_side);

 private:
  densities::LineSet lines_of(std::size_t transform, Index planes) const;
  void solve_lines(double* data, const densities::LineSet& lines) const;

  const SpaceTime& domain_;
  std::vector<CosineTransform> transforms_;       ///< time, then the space axes but the last
  std::shared_ptr<const densities::Grid> modes_;  ///< all modes times the last axis, for the exchange
  densities::LineExchange exchange_;
  densities::LineSet last_lines_;
  std::vector<double> eigenvalues_;  ///< sum over the transformed axes times the last width squared, per own line
  std::vector<double> buffer_;
};

}  // namespace fortet::bridges
