#include <cmath>

#include "../block_loops.hpp"
#include "fortet/ensembles/stepper.hpp"

namespace fortet::ensembles {
namespace {

using processes::NoiseShape;

/// x_k += b_k h + g_k sqrt(h) xi_k + 1/2 g_k d_k g_k h (xi_k^2 - 1). Diagonal noise whose g_k depends on x_k (and t)
/// only, or scalar noise in one dimension: elsewhere Milstein's scheme needs Levy areas.
class Milstein : public Stepper {
 public:
  using Stepper::Stepper;
  void apply(const Step& step, const Prepared*, const Block& block, Workspace& workspace) const override {
    const Index n = block.x.size();
    const int d = dimension();
    const double h = step.size(), root = std::sqrt(h);
    const Points b = workspace.points(n, d), xi = workspace.points(n, draws());
    drift(step.begin, block.x, b, workspace);
    increments(step, block.first, xi, workspace);
    if (process().noise_is_additive()) {
      const Points moved = workspace.points(n, d);
      combine(block.x, h, b, moved);
      add_noise(step.begin, block.x, root, xi, moved, workspace);
      copy(moved, block.x);
      return;
    }
    const Points g = workspace.points(n, d), slope = workspace.points(n, d);
    process().noise(step.begin, block.x, g);
    process().noise_derivative(step.begin, block.x, slope);
    for (int k = 0; k < d; ++k) {
      double* const x = block.x.coordinate(k);
      const double *const bk = b.coordinate(k), *const gk = g.coordinate(k), *const sk = slope.coordinate(k),
                          *const z = xi.coordinate(k);
#pragma omp simd
      for (Index i = 0; i < n; ++i) {
        x[i] += h * bk[i] + root * gk[i] * z[i] + 0.5 * h * gk[i] * sk[i] * (z[i] * z[i] - 1);
      }
    }
  }
};

const Registered<StepperFactory> registered_milstein{
    {"steppers",
     "milstein",
     "x_k += b_k h + g_k dW_k + 1/2 g_k g_k' (dW_k^2 - h): strong and weak order 1; diagonal noise, g_k a function of "
     "x_k alone",
     "Milstein 1974",
     {}},
    [](const Parameters& parameters, const StepperContext& context) -> StepperPtr {
      const processes::Process& process = *context.process;
      const NoiseShape shape = process.noise_shape();
      require(process.noise_is_additive() || shape == NoiseShape::diagonal ||
                  (shape == NoiseShape::scalar && process.dimension() == 1),
              parameters, "additive or diagonal noise, or scalar noise in one dimension");
      return std::make_unique<Milstein>(context);
    }};

}  // namespace
}  // namespace fortet::ensembles
