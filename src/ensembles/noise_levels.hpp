#pragma once
/// Step schedules that are spaced in the noise level of a noising process.
#include "fortet/ensembles/step_schedule.hpp"

namespace fortet::ensembles {

/// Parameters shared by those schedules: `smallest`, `fine`.
std::vector<Parameter> noise_level_parameters();

/// Times at which the noise level takes the values place(u, largest, smallest), u from 0 to 1, largest at the horizon.
/// For the reversal of a linear noising process the level is its sigma(t) / alpha(t) at the noising time t, for any
/// other process the time that is left (Karras et al. 2022). A reversal that stops at t > 0 ends at that level;
/// otherwise the last of the levels is that at t = smallest * horizon, and then comes t = 0.
StepSchedule noise_level_schedule(const Parameters& parameters,
                                  std::function<double(double fraction, double largest, double smallest)> place);

}  // namespace fortet::ensembles
