#pragma once
/// Step schedules that are spaced in the noise level of a noising process.
#include "fortet/ensembles/step_schedule.hpp"

namespace fortet::ensembles {

/// Parameters shared by those schedules: `beta`, `smallest`, `fine`.
std::vector<Parameter> noise_level_parameters();

/// Times at which the noise level sigma(tau) / alpha(tau), tau the time since the data, takes the values place(i,
/// steps, largest, smallest), i = 0 .. steps - 1 from the largest (tau = horizon) to the smallest (tau = smallest *
/// horizon), and then tau = 0. Without `beta` the level is tau itself (Karras et al. 2022); with it sqrt(e^{int_0^tau
/// beta} - 1), that of a variance-preserving process.
StepSchedule noise_level_schedule(const Parameters& parameters,
                                  std::function<double(double fraction, double largest, double smallest)> place);

}  // namespace fortet::ensembles
