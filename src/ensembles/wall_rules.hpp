#pragma once
/// What walls do to particles after a step.
#include "fortet/ensembles/ensemble.hpp"
#include "fortet/ensembles/stepper.hpp"

namespace fortet::ensembles {

/// Reflecting: the step is mirrored at the wall (symmetrisation; weak order 1 with additive noise, where projection has
/// order 1/2: Bossy, Gobet, Talay 2004); the velocity of an underdamped process turns around. Periodic: wrapped.
/// Absorbing: the particle carries the probability that the Brownian bridge between its two positions, at distances d0
/// and d1 from the wall, has not crossed: 1 - exp(-2 d0 d1 / (a_nn h)) (Gobet 2000); a particle found outside gets
/// weight 0 and stands still. What a step takes of the weight goes to the sides in proportion to their hazards
/// -log(1 - crossing), all of it to those that a particle is found beyond.
class WallRules {
 public:
  /// Throws ParameterError("walls", ..) for sizes that do not fit or an empty box.
  WallRules(const Walls& walls, const processes::Process& process);
  bool any() const { return any_; }
  bool absorbing() const { return !sides_.empty(); }
  const std::vector<ExitSide>& sides() const { return sides_; }  ///< absorbing ones
  /// Initial positions: folded back, and weight 0 outside absorbing walls, which take all at once. `exits`: columns as
  /// sides().
  void admit(Points x, double* weights, Points exits) const;
  /// `before`: positions at the start of the step (only with absorbing walls). `exits` grow by what the sides take.
  void apply(const Step& step, ConstPoints before, Points x, double* weights, Points exits, Workspace& workspace) const;

 private:
  void fold(Points x) const;
  void survive(const Step& step, ConstPoints before, Points x, double* weights, Points exits,
               Workspace& workspace) const;

  /// Shares what particle i lost: kept(i, s) is its probability not to have crossed side s.
  static void share(double lost, Index i, ConstPoints kept, Points exits);
  const processes::Process& process_;
  Walls walls_;
  bool any_ = false;
  std::vector<ExitSide> sides_;
};

}  // namespace fortet::ensembles
