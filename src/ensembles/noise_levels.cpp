#include "noise_levels.hpp"

#include <algorithm>
#include <cmath>

#include "diffusion_sampler.hpp"

namespace fortet::ensembles {

std::vector<Parameter> noise_level_parameters() {
  return {defaulted("smallest", {Type::real}, 1e-3,
                    "Last time before zero noise, as a fraction of the horizon; not used by a reversal with `stop`")
              .between(1e-12, 0.999),
          defaulted("fine", {Type::choice}, "end", "Where the noise vanishes: end for a time reversal")
              .one_of({"start", "end"})};
}

StepSchedule noise_level_schedule(const Parameters& parameters,
                                  std::function<double(double fraction, double largest, double smallest)> place) {
  return [=](const processes::Process& process, long steps) {
    const processes::Denoising* denoising = process.denoising();
    const double horizon = process.horizon(), stop = denoising ? denoising->noising->horizon() - horizon : 0;
    const auto level = [&](double t) { return denoising ? noise_level(*denoising->noising, t).ratio() : t; };
    const double first = stop > 0 ? stop : parameters.real("smallest") * horizon, last = horizon + stop;
    const double largest = level(last), smallest = level(first);
    const long levels = stop > 0 ? steps : steps - 1;  // otherwise the last step goes to zero noise
    std::vector<double> remaining(steps + 1, 0.0);
    for (long i = 0; i <= levels; ++i) {
      const double target =
          levels == 0 ? largest : place(static_cast<double>(i) / static_cast<double>(levels), largest, smallest);
      remaining[i] = time_of_level(level, target, first, last) - stop;
    }
    remaining.front() = horizon;
    std::vector<double> times(steps + 1);
    const bool fine_at_end = parameters.text("fine") == "end";
    for (long i = 0; i <= steps; ++i) times[i] = fine_at_end ? horizon - remaining[i] : remaining[steps - i];
    return times;
  };
}

}  // namespace fortet::ensembles
