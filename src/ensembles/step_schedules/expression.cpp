#include "fortet/base/expression.hpp"

#include "fortet/ensembles/step_schedule.hpp"

namespace fortet::ensembles {
namespace {
const Registered<StepScheduleFactory> registered_expression{
    {"step_schedules",
     "expression",
     "t_i = horizon map(i / steps), scaled so that map(0) is 0 and map(1) the horizon",
     "",
     {required("map", {Type::expression}, "Increasing formula in u, for instance u^3")}},
    [](const Parameters& parameters) -> StepSchedule {
      const Expression map = Expression::parse(parameters.text("map"), {"u"});
      return [map](const processes::Process& process, long steps) {
        const double horizon = process.horizon();
        const double first = map(0, {0.0}), last = map(0, {1.0});
        std::vector<double> times(steps + 1);
        for (long i = 0; i <= steps; ++i) {
          times[i] = horizon * (map(0, {static_cast<double>(i) / static_cast<double>(steps)}) - first) / (last - first);
        }
        return times;
      };
    }};
}  // namespace
}  // namespace fortet::ensembles
