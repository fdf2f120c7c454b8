#pragma once
/// The generator as a sum of one operator per axis, and the sweeps along axes that splitting propagators are made of.
#include "fortet/densities/propagator.hpp"
#include "line_operator.hpp"

namespace fortet::densities {

/// `scheme`: "weno5", "muscl" or "upwind", for axes without diffusion.
class SplitGenerator {
 public:
  SplitGenerator(const processes::Process& process, const Grid& grid, const DiffusionShape& shape,
                 const std::string& scheme);
  /// Evaluates the process at t. Collective.
  void build(double t);
  /// Applies exp(time L_axis), or its transpose, to all lines. Collective.
  void forward(int axis, double time, double* masses) { sweep(axis, time, masses, true); }
  void backward(int axis, double time, double* values) { sweep(axis, time, values, false); }
  bool has_transpose() const;
  bool is_exact(int axis) const { return operators_[axis]->is_exact(); }
  Sides absorbed() const;  ///< collective
  std::vector<double> counters() const;
  void set_counters(const std::vector<double>& counters);
  void exchange(io::State& state);
  double terms() const;

 private:
  void sweep(int axis, double time, double* values, bool is_forward);
  const Grid* grid_;
  std::vector<std::unique_ptr<LineOperator>> operators_;
  std::vector<std::array<std::vector<double>, 2>> absorbed_;  // [axis][side][line]
  LineExchange exchange_;
  std::vector<double> lines_;
};

/// Time on which a generator with a clock is constant: L(t) = clock_rate(t) / clock_rate(reference) L(reference).
class Clock {
 public:
  explicit Clock(const processes::Process& process);
  bool is_known() const { return process_->has_clock(); }
  double reference() const { return reference_; }  ///< where the rate does not vanish
  /// Time of L(reference) that equals the interval; t1 - t0 without a clock.
  double elapsed(double t0, double t1) const;

 private:
  const processes::Process* process_;
  double reference_, rate_ = 1;
};

}  // namespace fortet::densities
