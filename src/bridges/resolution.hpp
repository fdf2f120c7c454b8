#pragma once
/// What the cells of a Schroedinger bridge resolve. Between cells of width h the reference jumps with the rates D /
/// h^2, D = a/2; steered with a velocity u it is no diffusion unless q = h |u| / a is small. Per unit of time and in
/// units of u^2 / (2 a) its relative entropy is 2 (q asinh q - sqrt(1 + q^2) + 1) / q^2 = 1 - q^2/12 + .., that of the
/// drift read off the gradient of log phi (asinh q / q)^2 = 1 - q^2/3 + ..: by Girsanov's theorem both would be the
/// same number. Their difference, q^2/4, is 3/4 of the larger error.
#include <string>
#include <vector>

#include "fortet/densities/grid.hpp"
#include "fortet/processes/process.hpp"

namespace fortet::bridges {

class Resolution {
 public:
  Resolution(const densities::Grid& grid, const processes::Process& reference)
      : grid_(grid),
        reference_(reference),
        steered_(grid.dimension()),
        power_(grid.dimension()),
        drifted_(grid.dimension()),
        noise_(grid.dimension()) {}

  /// Adds time t with its weight in the sum over time: masses of this rank's cells, `gradient` of log phi. Collective.
  void add(double t, double weight, const std::vector<double>& mass, const processes::Field& gradient);

  /// What a bridge that moves mass by this squared distance in mean can need: far beyond what cells resolve the
  /// gradient of log phi tells next to nothing of the velocity, but the distance does.
  void limit(double squared_distance);

  double girsanov() const { return girsanov_; }  ///< 1/2 int E grad log phi . a grad log phi dt
  /// h |u| / a and h |b| / a, root mean square over the energy and over the law.
  double steering_number(int axis) const;
  double reference_number(int axis) const;
  double worst() const;  ///< of all these
  bool is_resolved() const { return worst() <= largest; }
  /// Relative error of the noise that the reference has on these cells, largest of the axes.
  double noise_error() const;
  /// int a_kk dt over the law.
  double variance(int axis) const { return noise_[axis]; }
  /// Cells of an axis that would be needed.
  Index cells_needed(int axis) const;

  /// At this number the relative entropy is wrong by 7 percent and the drift's power by 22; up to it the difference of
  /// both, 16 percent, bounds the first with room.
  static constexpr double largest = 1;

 private:
  const densities::Grid& grid_;
  const processes::Process& reference_;
  double girsanov_ = 0, duration_ = 0;
  std::vector<double> steered_, power_, drifted_, noise_, limit_;
};

}  // namespace fortet::bridges
