#include <cmath>

#include "../block_loops.hpp"
#include "fortet/ensembles/stepper.hpp"

namespace fortet::ensembles {
namespace {

/// Splitting of dq = v dt, dv = (F(q) - gamma v) dt + sqrt(2 gamma T) dW: half a kick, half a drift, the exact
/// Ornstein-Uhlenbeck step of v, half a drift, half a kick. Exact configurational law for the harmonic oscillator.
class Baoab : public Stepper {
 public:
  using Stepper::Stepper;
  void apply(const Step& step, const Prepared*, const Block& block, Workspace& workspace) const override {
    const processes::Underdamped& structure = *process().underdamped();
    const Index n = block.x.size();
    const int d = structure.positions;
    const Points q = block.x.columns(0, d), v = block.x.columns(d, d);
    const Points force = workspace.points(n, d), xi = workspace.points(n, d);
    const double h = step.size(), keep = std::exp(-structure.friction * h);
    const double amplitude = std::sqrt(-structure.temperature * std::expm1(-2 * structure.friction * h));
    structure.force(q, force);
    increments(step, block.first, xi, workspace);
    for (int k = 0; k < d; ++k) {
      double *const qk = q.coordinate(k), *const vk = v.coordinate(k);
      const double *const f = force.coordinate(k), *const z = xi.coordinate(k);
#pragma omp simd
      for (Index i = 0; i < n; ++i) {
        const double kicked = vk[i] + 0.5 * h * f[i];
        const double thermal = keep * kicked + amplitude * z[i];
        qk[i] += 0.5 * h * (kicked + thermal);
        vk[i] = thermal;
      }
    }
    structure.force(q, force);
    add(v, 0.5 * h, force);
    workspace.evaluations += 2 * n;
  }
};

const Registered<StepperFactory> registered_baoab{
    {"steppers",
     "baoab",
     "Splitting integrator of underdamped Langevin dynamics: weak order 2, exact positions for harmonic forces",
     "Leimkuhler and Matthews 2013",
     {}},
    [](const Parameters& parameters, const StepperContext& context) -> StepperPtr {
      require(context.process->underdamped() != nullptr, parameters, "an underdamped_langevin process");
      return std::make_unique<Baoab>(context);
    }};

}  // namespace
}  // namespace fortet::ensembles
