#include <cmath>

#include "../block_loops.hpp"
#include "../diffusion_sampler.hpp"

namespace fortet::ensembles {
namespace {

/// With a = alpha_t / alpha_s and v = sigma_t^2 - a^2 sigma_s^2 of the noising step s -> t that is undone:
///   x_s = m + alpha_s (x0 - m) + sqrt(sigma_s^2 - z^2) eps + z xi,  z = eta sigma_s / sigma_t sqrt(v).
class Ddim : public DiffusionSampler {
 public:
  Ddim(const Parameters& parameters, const StepperContext& context)
      : DiffusionSampler(parameters, context), eta_(parameters.real("eta")) {}

  void apply(const Step& step, const Prepared*, const Block& block, Workspace& workspace) const override {
    const NoiseLevel from = at(step.begin), to = at(step.end);
    const Index n = block.x.size();
    const Points eps = workspace.points(n, dimension());
    noise_prediction(from, block.x, eps, workspace);
    const double fresh =
        eta_ * to.sigma / from.sigma * std::sqrt(noising().variance(to.time, from.time));  // at most sigma_s
    const double kept = std::sqrt(std::max(0.0, to.sigma * to.sigma - fresh * fresh)), scale = to.alpha / from.alpha;
    combine_centred(block.x, scale, kept - scale * from.sigma, eps, block.x);
    if (fresh == 0) return;
    const Points xi = workspace.points(n, dimension());
    increments(step, block.first, xi, workspace);
    add(block.x, fresh, xi);
  }

 private:
  double eta_;
};

const Registered<StepperFactory> registered_ddim{
    {"steppers",
     "ddim",
     "x_s = alpha_s x0 + sqrt(sigma_s^2 - z^2) eps + z xi, z = eta sigma_s/sigma_t sqrt(Var(x_t | x_s)): order 1 for "
     "the probability flow with eta = 0",
     "Song, Meng and Ermon 2021",
     {defaulted("eta", {Type::real}, 0.0, "0 deterministic, 1 the law of ancestral sampling").between(0, 1)}},
    [](const Parameters& parameters, const StepperContext& context) -> StepperPtr {
      return std::make_unique<Ddim>(parameters, context);
    }};

}  // namespace
}  // namespace fortet::ensembles
