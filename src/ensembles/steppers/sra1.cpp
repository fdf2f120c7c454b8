#include <cmath>

#include "../block_loops.hpp"
#include "fortet/ensembles/stepper.hpp"

namespace fortet::ensembles {
namespace {

/// Roessler's SRA1 for additive noise, strong order 3/2. With J = int_t^{t+h} (W_s - W_t) ds:
///     y = x + 3/4 b(x, t) h + 3/2 G(t + h) J / h
///     x += [1/3 b(x, t) + 2/3 b(y, t + 3/4 h)] h + G(t + h) dW + [G(t) - G(t + h)] J / h
class Sra1 : public Stepper {
 public:
  using Stepper::Stepper;
  void apply(const Step& step, const Prepared*, const Block& block, Workspace& workspace) const override {
    const Index n = block.x.size();
    const int d = dimension(), m = draws();
    const double h = step.size(), root = std::sqrt(h);
    const Points b = workspace.points(n, d), c = workspace.points(n, d), y = workspace.points(n, d);
    const Points xi = workspace.points(n, m), integral = workspace.points(n, m);
    increments_and_integrals(step, block.first, xi, integral, workspace);
    for (int k = 0; k < m; ++k) {  // J / h^{3/2}
      double* const j = integral.coordinate(k);
      const double* const z = xi.coordinate(k);
#pragma omp simd
      for (Index i = 0; i < n; ++i) j[i] = 0.5 * (z[i] + j[i] * 0.57735026918962576);
    }
    drift(step.begin, block.x, b, workspace);
    combine(block.x, 0.75 * h, b, y);
    add_noise(step.end, block.x, 1.5 * root, integral, y, workspace);
    drift(step.begin + 0.75 * h, y, c, workspace);
    add_noise(step.end, block.x, root, xi, block.x, workspace);
    add_noise(step.begin, block.x, root, integral, block.x, workspace);
    add_noise(step.end, block.x, -root, integral, block.x, workspace);
    add(block.x, h / 3, b);
    add(block.x, 2 * h / 3, c);
  }
};

const Registered<StepperFactory> registered_sra1{
    {"steppers",
     "sra1",
     "Stochastic Runge-Kutta scheme for additive noise: strong order 3/2, weak order 2",
     "Roessler 2010",
     {}},
    [](const Parameters& parameters, const StepperContext& context) -> StepperPtr {
      require(context.process->noise_is_additive(), parameters,
              "additive noise (a noise matrix that does not depend on x)");
      return std::make_unique<Sra1>(context);
    }};

}  // namespace
}  // namespace fortet::ensembles
