#include "fortet/ensembles/step_schedule.hpp"

namespace fortet::ensembles {
namespace {
const Registered<StepScheduleFactory> registered_uniform{
    {"step_schedules", "uniform", "Equal steps", "", {}}, [](const Parameters&) -> StepSchedule {
      return [](const processes::Process& process, long steps) {
        const double horizon = process.horizon();
        std::vector<double> times(steps + 1);
        for (long i = 0; i <= steps; ++i) times[i] = horizon * static_cast<double>(i) / static_cast<double>(steps);
        return times;
      };
    }};
}  // namespace
}  // namespace fortet::ensembles
