#pragma once
/// Steppers of deterministic flows dx/dt = b(x, t), with the log density carried along: d/dt log p = - div b.
#include <string>
#include <vector>

#include "block_loops.hpp"
#include "fortet/ensembles/stepper.hpp"

namespace fortet::ensembles {

/// The state is x, with the log density as one more coordinate when it is asked for.
class FlowStepper : public Stepper {
 public:
  /// Throws ParameterError for a process with noise.
  FlowStepper(const Parameters& parameters, const StepperContext& context);
  bool carries_log_density() const override { return true; }

 protected:
  int columns() const { return dimension() + (log_density_ ? 1 : 0); }
  void load(const Block& block, Points y) const;
  void store(ConstPoints y, const Block& block) const;
  /// out = (b(x, t), - div b(x, t)) of the particles first, first + 1, ..
  void velocity(double t, std::int64_t first, ConstPoints y, Points out, Workspace& workspace) const;

 private:
  void estimate_divergence(double t, std::int64_t first, ConstPoints x, double* out) const;

  bool log_density_;
  int probes_;
  parallel::Stream signs_;
};

/// Coefficients of an explicit Runge-Kutta scheme: nodes c, rows of a (row i has i entries), weights b.
struct Tableau {
  std::vector<double> nodes;
  std::vector<std::vector<double>> stages;
  std::vector<double> weights;
};

/// Registers a fixed-step explicit Runge-Kutta scheme as a stepper of this kind.
Registered<StepperFactory> explicit_runge_kutta(const std::string& kind, const std::string& doc,
                                                const std::string& reference, Tableau tableau);

}  // namespace fortet::ensembles
