#include "composed.hpp"

namespace fortet::processes {
namespace {
const Registered<InterpolantFactory> registered_linear{
    {"interpolants",
     "linear",
     "x_t = (1 - t) x_0 + t x_1 + sigma z: conditional flow matching, independent or with minibatch optimal transport; "
     "rectified flow for sigma = 0",
     "Tong et al., 2024; Liu, Gong and Liu, 2023",
     {defaulted("sigma", {Type::real}, 0.0, "constant noise level").nonnegative()}},
    [](const Parameters& p) -> InterpolantPtr {
      return std::make_shared<ComposedInterpolant>(linear_path,
                                                   [sigma = p.real("sigma")](double) { return constant_noise(sigma); });
    }};
}  // namespace
}  // namespace fortet::processes
