#pragma once
/// Step schedules (category "step_schedules"): where the steps of a run are.
#include <functional>
#include <vector>

#include "fortet/base/parameters.hpp"
#include "fortet/base/registry.hpp"
#include "fortet/processes/process.hpp"

namespace fortet::ensembles {

/// Gives the steps + 1 increasing times from 0 to the horizon of the process.
using StepSchedule = std::function<std::vector<double>(const processes::Process& process, long steps)>;
using StepScheduleFactory = std::function<StepSchedule(const Parameters&)>;

/// The schedule in parameter `schedule`; throws ParameterError.
StepSchedule make_step_schedule(const Parameters& parameters);

}  // namespace fortet::ensembles
