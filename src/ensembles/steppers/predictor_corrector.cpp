#include <cmath>

#include "../ancestral.hpp"
#include "../block_loops.hpp"

namespace fortet::ensembles {
namespace {

/// An ancestral step, and then Langevin steps at the time it arrives at, which leave p_t invariant up to O(e):
///   x += e grad log p_t + sqrt(2 e) z,   e = 2 (snr sigma_t)^2.
/// The step size is the one for which signal and noise, e |grad log p| and sqrt(2 e) |z|, have the ratio snr where the
/// score is that of the noise; taken from its law, not from the particles of a batch, it is the same for all of them.
class PredictorCorrector : public Ancestral {
 public:
  PredictorCorrector(const Parameters& parameters, const StepperContext& context)
      : Ancestral(parameters, context),
        corrector_(context.corrector),
        signal_to_noise_(parameters.real("snr")),
        corrector_steps_(static_cast<std::uint32_t>(parameters.integer("corrector_steps"))) {}

  void apply(const Step& step, const Prepared* prepared, const Block& block, Workspace& workspace) const override {
    Ancestral::apply(step, prepared, block, workspace);
    const NoiseLevel level = at(step.end);
    if (level.sigma == 0) return;
    const Index n = block.x.size();
    const double size = 2 * signal_to_noise_ * signal_to_noise_ * level.sigma * level.sigma;
    const Points gradient = workspace.points(n, dimension()), z = workspace.points(n, dimension());
    const auto draws = static_cast<std::uint32_t>((dimension() + 1) / 2 * 2);
    for (std::uint32_t j = 0; j < corrector_steps_; ++j) {
      score(level, block.x, gradient, workspace);
      corrector_.normals(block.first, step.number, z, j * draws);
      add(block.x, size, gradient);
      add(block.x, std::sqrt(2 * size), z);
    }
  }

 private:
  parallel::Stream corrector_;
  double signal_to_noise_;
  std::uint32_t corrector_steps_;
};

const Registered<StepperFactory> registered_predictor_corrector{
    {"steppers",
     "predictor_corrector",
     "An ancestral step, then Langevin steps x += e score + sqrt(2 e) z with e = 2 (snr sigma)^2 at the new time",
     "Song et al. 2021",
     {defaulted("snr", {Type::real}, 0.16, "signal-to-noise ratio of a Langevin step").between(1e-6, 0.7),
      defaulted("corrector_steps", {Type::integer}, 1, "Langevin steps after each step").at_least(1)}},
    [](const Parameters& parameters, const StepperContext& context) -> StepperPtr {
      return std::make_unique<PredictorCorrector>(parameters, context);
    }};

}  // namespace
}  // namespace fortet::ensembles
