/// Kinds gaussian and one_sided: the source is the standard normal law, which is the noise z itself.
#include "composed.hpp"

namespace fortet::processes {
namespace {
const Registered<InterpolantFactory> gaussian{
    {"interpolants",
     "gaussian",
     "x_t = t x_1 + (1 - (1 - sigma) t) z, one-sided: flow matching with the optimal-transport path to N(x_1, sigma^2)",
     "Lipman et al., 2023",
     {defaulted("sigma", {Type::real}, 0.1, "deviation left around each point of the target").between(0, 1)}},
    [](const Parameters& p) -> InterpolantPtr {
      return std::make_shared<OneSidedInterpolant>([sigma = p.real("sigma")](double t) {
        return Path{{t == 1 ? sigma : 1 - (1 - sigma) * t, sigma - 1}, {t, 1}};
      });
    }};

const Registered<InterpolantFactory> one_sided{
    {"interpolants",
     "one_sided",
     "x_t = beta(t) x_1 + gamma(t) z with gamma, beta = 1 - t, t (linear) or cos(pi t / 2), sin(pi t / 2) "
     "(trigonometric)",
     "Albergo, Boffi and Vanden-Eijnden, 2023",
     {defaulted("path", {Type::choice}, "linear", "the pair (gamma, beta)").one_of({"linear", "trigonometric"})}},
    [](const Parameters& p) -> InterpolantPtr {
      return std::make_shared<OneSidedInterpolant>(p.text("path") == "linear" ? linear_path : trigonometric_path);
    }};
}  // namespace
}  // namespace fortet::processes
