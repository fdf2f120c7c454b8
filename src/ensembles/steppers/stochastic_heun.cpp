#include <cmath>

#include "../block_loops.hpp"
#include "fortet/ensembles/stepper.hpp"

namespace fortet::ensembles {
namespace {

using processes::NoiseShape;

/// Trapezoidal rule for the Stratonovich form, whose drift is b_k - 1/2 g_k d_k g_k:
///     y = x + b_S(x) h + G(x) dW,    x += 1/2 [b_S(x) + b_S(y)] h + 1/2 [G(x) + G(y)] dW.
class StochasticHeun : public Stepper {
 public:
  using Stepper::Stepper;
  void apply(const Step& step, const Prepared*, const Block& block, Workspace& workspace) const override {
    const Index n = block.x.size();
    const int d = dimension();
    const double h = step.size(), root = std::sqrt(h);
    const Points b = workspace.points(n, d), c = workspace.points(n, d), xi = workspace.points(n, draws());
    const Points predicted = workspace.points(n, d), moved = workspace.points(n, d);
    increments(step, block.first, xi, workspace);
    stratonovich_drift(step.begin, block.x, b, workspace);
    combine(block.x, h, b, predicted);
    add_noise(step.begin, block.x, root, xi, predicted, workspace);
    stratonovich_drift(step.end, predicted, c, workspace);
    combine(block.x, 0.5 * h, b, moved);
    add(moved, 0.5 * h, c);
    add_noise(step.begin, block.x, 0.5 * root, xi, moved, workspace);
    add_noise(step.end, predicted, 0.5 * root, xi, moved, workspace);
    copy(moved, block.x);
  }

 private:
  void stratonovich_drift(double t, ConstPoints x, Points out, Workspace& workspace) const {
    drift(t, x, out, workspace);
    if (process().noise_is_additive()) return;
    const bool scalar = process().noise_shape() == NoiseShape::scalar;
    const Points g = workspace.points(x.size(), scalar ? 1 : dimension()),
                 slope = workspace.points(x.size(), dimension());
    process().noise(t, x, g);
    process().noise_derivative(t, x, slope);
    for (int k = 0; k < dimension(); ++k) {
      double* const b = out.coordinate(k);
      const double *const gk = g.coordinate(scalar ? 0 : k), *const sk = slope.coordinate(k);
#pragma omp simd
      for (Index i = 0; i < x.size(); ++i) b[i] -= 0.5 * gk[i] * sk[i];
    }
  }
};

const Registered<StepperFactory> registered_stochastic_heun{
    {"steppers",
     "stochastic_heun",
     "Trapezoidal rule for the Stratonovich form: weak order 1, strong order 1 (commutative noise); weak order 2 for "
     "additive noise",
     "Kloeden and Platen 1992, sections 4.9 and 15.1",
     {}},
    [](const Parameters& parameters, const StepperContext& context) -> StepperPtr {
      require(context.process->regularity().noise != Smoothness::jumping, parameters,
              "noise that does not jump: across a jump its two halves of a step follow Stratonovich, not Ito");
      require(context.process->noise_is_additive() || context.process->noise_shape() != NoiseShape::full, parameters,
              "noise that is additive, scalar or diagonal, because the Stratonovich drift needs its derivative");
      return std::make_unique<StochasticHeun>(context);
    }};

}  // namespace
}  // namespace fortet::ensembles
