#include "composed.hpp"

namespace fortet::processes {
namespace {
const Registered<InterpolantFactory> registered_brownian_bridge{
    {"interpolants",
     "brownian_bridge",
     "x_t = (1 - t) x_0 + t x_1 + sigma sqrt(t (1 - t)) z, the law of sigma W between its ends: bridge matching, "
     "SB-CFM "
     "and [SF]2M",
     "Tong et al., 2024; Shi et al., 2023",
     {defaulted("sigma", {Type::real}, 1.0, "noise level of the Brownian motion").positive()}},
    [](const Parameters& p) -> InterpolantPtr {
      const double sigma = p.real("sigma");
      return std::make_shared<ComposedInterpolant>(
          linear_path, [sigma](double t) { return bridge_noise(sigma, t); }, sigma);
    }};
}  // namespace
}  // namespace fortet::processes
