#include "fortet/ensembles/step_schedule.hpp"

namespace fortet::ensembles {
namespace {
const Registered<StepScheduleFactory> registered_quadratic{
    {"step_schedules",
     "quadratic",
     "t_i = horizon u^2 (fine at the start) or horizon (1 - (1 - u)^2) (fine at the end), u = i / steps",
     "Song, Meng, Ermon 2021",
     {defaulted("fine", {Type::choice}, "end", "Where the short steps are: end suits a time reversal")
          .one_of({"start", "end"})}},
    [](const Parameters& parameters) -> StepSchedule {
      const bool fine_at_end = parameters.text("fine") == "end";
      return [fine_at_end](const processes::Process& process, long steps) {
        const double horizon = process.horizon();
        std::vector<double> times(steps + 1);
        for (long i = 0; i <= steps; ++i) {
          const double u = static_cast<double>(i) / static_cast<double>(steps);
          times[i] = horizon * (fine_at_end ? u * (2 - u) : u * u);
        }
        return times;
      };
    }};
}  // namespace
}  // namespace fortet::ensembles
