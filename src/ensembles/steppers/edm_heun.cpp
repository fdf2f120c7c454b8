#include <cmath>

#include "../block_loops.hpp"
#include "../diffusion_sampler.hpp"

namespace fortet::ensembles {
namespace {

struct ChurnedLevels : Prepared {
  NoiseLevel from, churned, to;
};

/// With y = (x - m) / alpha and the noise level c = sigma / alpha the probability flow is dy/dc = eps: Heun's step of
/// it, Euler's where it ends at c = 0. Before it, noise raises the level from c to
/// c^ = c (1 + min(churn / steps, sqrt(2) - 1)): y += noise_scale sqrt(c^^2 - c^2) xi.
class EdmHeun : public DiffusionSampler {
 public:
  EdmHeun(const Parameters& parameters, const StepperContext& context)
      : DiffusionSampler(parameters, context),
        churn_per_step_(parameters.real("churn") / static_cast<double>(std::max(1L, context.steps))),
        lowest_(parameters.real("churn_from")),
        highest_(parameters.has("churn_to") ? parameters.real("churn_to") : std::numeric_limits<double>::infinity()),
        noise_scale_(parameters.real("noise_scale")) {}

  std::unique_ptr<const Prepared> prepare(const Step& step) const override {
    auto levels = std::make_unique<ChurnedLevels>();
    levels->from = levels->churned = at(step.begin);
    levels->to = at(step.end);
    const double level = levels->from.ratio();
    const double share = std::min(churn_per_step_ * static_cast<double>(step.parts.size()), std::sqrt(2.0) - 1);
    if (share > 0 && level >= lowest_ && level <= highest_) {
      const NoiseLevel top = noise_level(noising(), noising().horizon());  // there is no noise above it
      const double target = std::min(level * (1 + share), top.ratio());
      if (target > level) levels->churned = with_ratio(target, levels->from, top);
    }
    return levels;
  }

  void apply(const Step& step, const Prepared* prepared, const Block& block, Workspace& workspace) const override {
    const auto& [from, churned, to] = static_cast<const ChurnedLevels&>(*prepared);
    const Index n = block.x.size();
    const Points first = workspace.points(n, dimension()), second = workspace.points(n, dimension());
    if (churned.time > from.time) {
      increments(step, block.first, second, workspace);
      const double added = std::sqrt((churned.ratio() - from.ratio()) * (churned.ratio() + from.ratio()));
      combine_centred(block.x, churned.alpha / from.alpha, churned.alpha * noise_scale_ * added, second, block.x);
    }
    noise_prediction(churned, block.x, first, workspace);
    const double scale = to.alpha / churned.alpha, size = to.alpha * (to.ratio() - churned.ratio());
    if (to.sigma > 0) {
      const Points end = workspace.points(n, dimension());
      combine_centred(block.x, scale, size, first, end);
      noise_prediction(to, end, second, workspace);
      combine_centred(block.x, scale, size / 2, first, block.x);
      add(block.x, size / 2, second);
    } else {
      combine_centred(block.x, scale, size, first, block.x);
    }
  }

 private:
  double churn_per_step_, lowest_, highest_, noise_scale_;
};

const Registered<StepperFactory> registered_edm_heun{
    {"steppers",
     "edm_heun",
     "Heun's scheme for the probability flow in the noise level sigma/alpha, with noise added before each step: order "
     "2 without churn",
     "Karras et al. 2022, algorithm 2",
     {defaulted("churn", {Type::real}, 0.0,
                "S_churn: each step first raises the noise by min(churn/steps, sqrt(2) - 1)")
          .nonnegative(),
      defaulted("churn_from", {Type::real}, 0.0, "S_tmin: lowest sigma/alpha with churn").nonnegative(),
      optional("churn_to", {Type::real}, "S_tmax: highest sigma/alpha with churn; default: all").nonnegative(),
      defaulted("noise_scale", {Type::real}, 1.0, "S_noise: factor of the noise that is added").positive()}},
    [](const Parameters& parameters, const StepperContext& context) -> StepperPtr {
      return std::make_unique<EdmHeun>(parameters, context);
    }};

}  // namespace
}  // namespace fortet::ensembles
