#include "fortet/ensembles/step_schedule.hpp"

#include <cmath>

namespace fortet::ensembles {

StepSchedule make_step_schedule(const Parameters& parameters) {
  const Parameters schedule = parameters.child("schedule");
  return [make = Registry<StepScheduleFactory>::instance().find("step_schedules", schedule.kind())(schedule)](
             const processes::Process& process, long steps) {
    std::vector<double> times = make(process, steps);
    times.front() = 0;
    times.back() = process.horizon();
    for (std::size_t i = 1; i < times.size(); ++i) {
      if (!(times[i] > times[i - 1])) {
        throw ParameterError("schedule", "the step schedule does not increase: step " + std::to_string(i) +
                                             " goes from " + std::to_string(times[i - 1]) + " to " +
                                             std::to_string(times[i]));
      }
    }
    return times;
  };
}

}  // namespace fortet::ensembles
