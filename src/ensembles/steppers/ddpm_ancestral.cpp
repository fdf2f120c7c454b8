#include <cmath>

#include "../ancestral.hpp"
#include "../block_loops.hpp"

namespace fortet::ensembles {

void Ancestral::apply(const Step& step, const Prepared*, const Block& block, Workspace& workspace) const {
  const NoiseLevel from = at(step.begin), to = at(step.end);
  const Index n = block.x.size();
  const Points gradient = workspace.points(n, dimension()), xi = workspace.points(n, dimension());
  score(from, block.x, gradient, workspace);
  increments(step, block.first, xi, workspace);
  const double a = noising().decay(to.time, from.time), v = noising().variance(to.time, from.time);
  combine_centred(block.x, 1 / a, v / a, gradient, block.x);
  add(block.x, std::sqrt(v) * to.sigma / from.sigma, xi);
}

namespace {
const Registered<StepperFactory> registered_ddpm_ancestral{
    {"steppers",
     "ddpm_ancestral",
     "Ancestral sampling x_s = (x + v score)/a + sqrt(v) sigma_s/sigma_t xi undoing x_t = a x_s + sqrt(v) xi: weak "
     "order 1",
     "Ho, Jain and Abbeel 2020",
     {}},
    [](const Parameters& parameters, const StepperContext& context) -> StepperPtr {
      return std::make_unique<Ancestral>(parameters, context);
    }};
}  // namespace
}  // namespace fortet::ensembles
