#include <cmath>

#include "../noise_levels.hpp"

namespace fortet::ensembles {
namespace {
const Registered<StepScheduleFactory> registered_log_snr{
    {"step_schedules", "log_snr",
     "Equal steps in the logarithm of the signal-to-noise ratio alpha^2 / sigma^2, then zero noise; alpha and sigma "
     "are those of a reversed noising process, else 1 and the time left",
     "Lu et al. 2022", noise_level_parameters()},
    [](const Parameters& parameters) -> StepSchedule {
      return noise_level_schedule(parameters, [](double u, double largest, double smallest) {
        return largest * std::pow(smallest / largest, u);
      });
    }};
}  // namespace
}  // namespace fortet::ensembles
