#include "noise_levels.hpp"

#include <algorithm>
#include <cmath>

#include "fortet/processes/schedule.hpp"

namespace fortet::ensembles {

std::vector<Parameter> noise_level_parameters() {
  return {defaulted("smallest", {Type::real}, 1e-3, "Last time before zero noise, as a fraction of the horizon")
              .between(1e-12, 0.999),
          optional("beta", {Type::kind, Type::real},
                   "beta(t) of the variance-preserving noising; default: the noise level is the time itself")
              .of("schedules"),
          defaulted("fine", {Type::choice}, "end", "Where the noise vanishes: end for a time reversal")
              .one_of({"start", "end"})};
}

StepSchedule noise_level_schedule(const Parameters& parameters,
                                  std::function<double(double fraction, double largest, double smallest)> place) {
  return [=](double horizon, long steps) {
    const processes::SchedulePtr beta =
        parameters.has("beta") ? processes::make_schedule(parameters, "beta", horizon) : nullptr;
    const auto level = [&](double tau) { return beta ? std::sqrt(std::expm1(beta->integral(tau))) : tau; };
    const double first = parameters.real("smallest") * horizon;
    const double largest = level(horizon), smallest = level(first);
    std::vector<double> remaining(steps + 1, 0.0);
    for (long i = 0; i < steps; ++i) {
      const double target =
          steps == 1 ? largest : place(static_cast<double>(i) / static_cast<double>(steps - 1), largest, smallest);
      double low = first, high = horizon;  // bisection to the last bit: the level increases
      for (int round = 0; round < 200 && std::nextafter(low, high) < high; ++round) {
        const double middle = 0.5 * (low + high);
        (level(middle) < target ? low : high) = middle;
      }
      remaining[i] = high;
    }
    remaining.front() = horizon;
    std::vector<double> times(steps + 1);
    const bool fine_at_end = parameters.text("fine") == "end";
    for (long i = 0; i <= steps; ++i) times[i] = fine_at_end ? horizon - remaining[i] : remaining[steps - i];
    return times;
  };
}

}  // namespace fortet::ensembles
