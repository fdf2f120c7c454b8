#include <cmath>
#include <numbers>

#include "composed.hpp"

namespace fortet::processes {
namespace {
using std::numbers::pi;

Noise quadratic_noise(double scale, double t) { return smooth_noise({scale * t * (1 - t), scale * (1 - 2 * t)}); }

Noise sine_squared_noise(double scale, double t) {
  const double s = t == 1 ? 0 : std::sin(pi * t);  // sin(pi) is not zero in floating point
  return smooth_noise({scale * s * s, scale * pi * std::sin(2 * pi * t)});
}

const Registered<InterpolantFactory> registered_stochastic{
    {"interpolants",
     "stochastic",
     "x_t = alpha(t) x_0 + beta(t) x_1 + gamma(t) z with gamma(0) = gamma(1) = 0",
     "Albergo, Boffi and Vanden-Eijnden, 2023",
     {defaulted("path", {Type::choice}, "linear",
                "(alpha, beta): linear 1 - t, t; trigonometric cos(pi t / 2), sin(pi t / 2); encoding_decoding "
                "cos^2(pi t) of x_0 before t = 1/2 and of x_1 after")
          .one_of({"linear", "trigonometric", "encoding_decoding"}),
      defaulted("gamma", {Type::choice}, "brownian",
                "gamma / scale: brownian sqrt(t (1 - t)), quadratic t (1 - t), sine_squared sin^2(pi t)")
          .one_of({"brownian", "quadratic", "sine_squared"}),
      defaulted("scale", {Type::real}, 1.0, "factor of gamma; sqrt(2) makes the paper's sqrt(2 t (1 - t))")
          .positive()}},
    [](const Parameters& p) -> InterpolantPtr {
      const double scale = p.real("scale");
      const std::string path = p.text("path"), gamma = p.text("gamma");
      const bool is_bridge = path == "linear" && gamma == "brownian";
      const auto noise = gamma == "brownian"    ? bridge_noise
                         : gamma == "quadratic" ? quadratic_noise
                                                : sine_squared_noise;
      return std::make_shared<ComposedInterpolant>(
          path == "linear"          ? linear_path
          : path == "trigonometric" ? trigonometric_path
                                    : encoding_decoding_path,
          [=](double t) { return noise(scale, t); }, is_bridge ? scale : 0);
    }};
}  // namespace
}  // namespace fortet::processes
