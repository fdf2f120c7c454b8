#include "composed.hpp"

namespace fortet::processes {
namespace {
const Registered<InterpolantFactory> registered_trigonometric{
    {"interpolants",
     "trigonometric",
     "x_t = cos(pi t / 2) x_0 + sin(pi t / 2) x_1 + sigma z: variance-preserving conditional flow matching",
     "Albergo and Vanden-Eijnden, 2023",
     {defaulted("sigma", {Type::real}, 0.0, "constant noise level").nonnegative()}},
    [](const Parameters& p) -> InterpolantPtr {
      return std::make_shared<ComposedInterpolant>(trigonometric_path,
                                                   [sigma = p.real("sigma")](double) { return constant_noise(sigma); });
    }};
}  // namespace
}  // namespace fortet::processes
