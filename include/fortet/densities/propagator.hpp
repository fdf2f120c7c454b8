#pragma once
/// Propagators: how a density (cell masses) and its dual (values of a function at the cells) are carried over an
/// interval of time.
#include <array>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fortet/base/registry.hpp"
#include "fortet/densities/grid.hpp"
#include "fortet/io/checkpoint.hpp"
#include "fortet/processes/process.hpp"

namespace fortet::densities {

/// One number for the lower and the upper side of each axis.
using Sides = std::vector<std::array<double, 2>>;

/// The discrete generator L acts on cell masses: dm/dt = L m, with nonnegative rates off the diagonal and columns that
/// sum to zero (counting what leaves through absorbing and outflow sides). It knows no law: bridges use it as a Markov
/// operator.
class Propagator {
 public:
  virtual ~Propagator() = default;
  /// Masses of the slab at t0 become those at t1, in `steps` equal steps (kinds with their own step control may ignore
  /// it). Collective.
  virtual void forward(double t0, double t1, long steps, std::span<double> masses) = 0;
  /// Values at t1 become E[f(X_t1) | X_t0] in `steps` equal steps: the transpose of forward to round-off where
  /// has_transpose(). Collective. Throws UsageError where there is none.
  virtual void backward(double t0, double t1, long steps, std::span<double> values) = 0;
  virtual bool has_transpose() const { return true; }
  /// Mass that left through each side in all calls of forward. Collective.
  virtual Sides absorbed() const = 0;
  /// The counters behind absorbed() on this rank, to take back a trial step.
  virtual std::vector<double> counters() const = 0;
  virtual void set_counters(const std::vector<double>& counters) = 0;
  /// All that forward and backward leave behind, for a propagator of the same settings on any number of ranks.
  virtual void exchange(io::State& state) = 0;
  /// True when one step has no error in time whatever its length.
  virtual bool is_exact_in_time() const { return false; }
  /// True when the kind chooses its steps itself.
  virtual bool is_adaptive() const { return false; }
  /// Order of the error in the step.
  virtual int order() const { return 2; }
  /// Updates of one cell by one term of a series (or one stage), this rank; for rates of work.
  virtual double terms() const { return 0; }
  virtual long steps_taken() const = 0;
  /// Something the user should know about this run; empty when all is well.
  virtual std::string note() const { return ""; }
};

using PropagatorFactory =
    std::function<std::unique_ptr<Propagator>(const Parameters&, const processes::ProcessPtr&, const GridPtr&)>;

/// Makes a propagator of a registered kind (category "propagators"); `parameters.name()` is that of the density, for
/// prefixes of PETSc options. Throws UsageError when process and grid do not fit. Collective.
std::unique_ptr<Propagator> make_propagator(const Parameters& parameters, const processes::ProcessPtr& process,
                                            const GridPtr& grid);

}  // namespace fortet::densities
