#include <cmath>

#include "../noise_levels.hpp"

namespace fortet::ensembles {
namespace {
const Registered<StepScheduleFactory> registered_karras{
    [] {
      Schema schema{"step_schedules", "karras",
                    "Noise levels (largest^{1/rho} + u (smallest^{1/rho} - largest^{1/rho}))^rho, u = i / (steps - 1), "
                    "then zero; the level is sigma/alpha of a reversed noising process, else the time left",
                    "Karras et al. 2022", noise_level_parameters()};
      schema.parameters.push_back(
          defaulted("rho", {Type::real}, 7.0, "Exponent: larger makes shorter steps at small noise").positive());
      return schema;
    }(),
    [](const Parameters& parameters) -> StepSchedule {
      const double rho = parameters.real("rho");
      return noise_level_schedule(parameters, [rho](double u, double largest, double smallest) {
        const double a = std::pow(largest, 1 / rho), b = std::pow(smallest, 1 / rho);
        return std::pow(a + u * (b - a), rho);
      });
    }};
}  // namespace
}  // namespace fortet::ensembles
