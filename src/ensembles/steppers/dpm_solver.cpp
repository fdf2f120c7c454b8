#include <cmath>

#include "../block_loops.hpp"
#include "../diffusion_sampler.hpp"

namespace fortet::ensembles {
namespace {

struct Levels : Prepared {
  NoiseLevel from, first, second, to;
  double size = 0;  ///< h = lambda(to) - lambda(from)
  int order = 1;
};

/// Exponential integrator of the probability flow in lambda = log(alpha / sigma), from s to t with h the increase of
/// lambda; u_r is the point where lambda has grown by r h:
///   order 1: x_t = alpha_t/alpha_s x - sigma_t (e^h - 1) eps(x)
///   order 2: that with a correction - sigma_t (e^h - 1) [eps(u_1/2) - eps(x)]
///   order 3: with u_1/3 and u_2/3, - sigma_t / (2/3) ((e^h - 1)/h - 1) [eps(u_2/3) - eps(x)]
/// A step that ends without noise (h infinite) is taken with order 1.
class DpmSolver : public DiffusionSampler {
 public:
  DpmSolver(const Parameters& parameters, const StepperContext& context)
      : DiffusionSampler(parameters, context), order_(static_cast<int>(parameters.integer("order"))) {}

  std::unique_ptr<const Prepared> prepare(const Step& step) const override {
    auto levels = std::make_unique<Levels>();
    levels->from = at(step.begin);
    levels->to = at(step.end);
    levels->order = levels->to.sigma == 0 ? 1 : order_;
    if (levels->order == 1) return levels;
    levels->size = levels->to.log_snr() - levels->from.log_snr();
    const auto part = [&](double share) {
      return with_ratio(levels->from.ratio() * std::exp(-share * levels->size), levels->to, levels->from);
    };
    levels->first = part(levels->order == 2 ? 1.0 / 2 : 1.0 / 3);
    if (levels->order == 3) levels->second = part(2.0 / 3);
    return levels;
  }

  void apply(const Step&, const Prepared* prepared, const Block& block, Workspace& workspace) const override {
    const auto& levels = static_cast<const Levels&>(*prepared);
    const Index n = block.x.size();
    const double h = levels.size;
    const Points eps = workspace.points(n, dimension());
    noise_prediction(levels.from, block.x, eps, workspace);
    if (levels.order == 1) return first_order(levels.from, levels.to, block.x, eps, block.x);
    const Points u = workspace.points(n, dimension()), change = workspace.points(n, dimension());
    first_order(levels.from, levels.first, block.x, eps, u);
    noise_prediction(levels.first, u, change, workspace);
    add(change, -1, eps);
    double weight = -levels.to.sigma * std::expm1(h);
    if (levels.order == 3) {
      const double part = 2 * h / 3;
      first_order(levels.from, levels.second, block.x, eps, u);
      add(u, -2 * levels.second.sigma * (std::expm1(part) / part - 1), change);  // r2 / r1 = 2
      noise_prediction(levels.second, u, change, workspace);
      add(change, -1, eps);
      weight = -1.5 * levels.to.sigma * (std::expm1(h) / h - 1);
    }
    first_order(levels.from, levels.to, block.x, eps, block.x);
    add(block.x, weight, change);
  }

 private:
  /// sigma_t (e^h - 1) = alpha_t sigma_s / alpha_s - sigma_t holds for infinite h too.
  void first_order(const NoiseLevel& s, const NoiseLevel& t, ConstPoints x, ConstPoints eps, Points out) const {
    combine_centred(x, t.alpha / s.alpha, t.sigma - t.alpha * s.ratio(), eps, out);
  }

  int order_;
};

const Registered<StepperFactory> registered_dpm_solver{
    {"steppers",
     "dpm_solver",
     "Single-step exponential integrator of the probability flow in log(alpha/sigma); `order` evaluations of the score "
     "per step, order 1 in a step that ends without noise",
     "Lu et al. 2022",
     {defaulted("order", {Type::integer}, 2, "order of convergence").between(1, 3)}},
    [](const Parameters& parameters, const StepperContext& context) -> StepperPtr {
      return std::make_unique<DpmSolver>(parameters, context);
    }};

}  // namespace
}  // namespace fortet::ensembles
