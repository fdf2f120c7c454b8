#include <cmath>

#include "../block_loops.hpp"
#include "fortet/ensembles/stepper.hpp"

namespace fortet::ensembles {
namespace {

/// x += b h + G sqrt(h) xi.
class EulerMaruyama : public Stepper {
 public:
  using Stepper::Stepper;
  void apply(const Step& step, const Prepared*, const Block& block, Workspace& workspace) const override {
    const Index n = block.x.size();
    const Points b = workspace.points(n, dimension()), xi = workspace.points(n, draws());
    const double h = step.size(), root = std::sqrt(h);
    drift(step.begin, block.x, b, workspace);
    increments(step, block.first, xi, workspace);
    if (process().noise_shape() == processes::NoiseShape::uniform) {  // the common case in one pass
      const double g = root * process().noise_level(step.begin);
      for (int k = 0; k < dimension(); ++k) {
        double* const x = block.x.coordinate(k);
        const double *const bk = b.coordinate(k), *const z = xi.coordinate(k);
#pragma omp simd
        for (Index i = 0; i < n; ++i) x[i] += h * bk[i] + g * z[i];
      }
      return;
    }
    const Points moved = workspace.points(n, dimension());  // the noise is evaluated at the start of the step
    combine(block.x, h, b, moved);
    add_noise(step.begin, block.x, root, xi, moved, workspace);
    copy(moved, block.x);
  }
};

const Registered<StepperFactory> registered_euler_maruyama{
    {"steppers",
     "euler_maruyama",
     "x += b h + G sqrt(h) xi: strong order 1/2 (1 for additive noise), weak order 1",
     "Maruyama 1955",
     {}},
    [](const Parameters&, const StepperContext& context) -> StepperPtr {
      return std::make_unique<EulerMaruyama>(context);
    }};

/// The same step, for a process with an equilibrium e^{-V}.
const Registered<StepperFactory> registered_unadjusted{
    {"steppers",
     "ula",
     "Unadjusted Langevin algorithm: x += b h + G sqrt(h) xi for a process with equilibrium e^{-V}; its law is off by "
     "O(h)",
     "Roberts and Tweedie 1996",
     {}},
    [](const Parameters& parameters, const StepperContext& context) -> StepperPtr {
      require(context.process->has_potential(), parameters, "a process with a potential (langevin, for instance)");
      return std::make_unique<EulerMaruyama>(context);
    }};

}  // namespace
}  // namespace fortet::ensembles
