// Kinds of the category "rate_schedules".
#include <cmath>
#include <numbers>

#include "fortet/networks/optimizer.hpp"

namespace fortet::networks {

namespace {
using RateScheduleFactory = std::function<RateSchedule(const Parameters&)>;

Parameter warm_up_parameter() {
  return defaulted("warm_up", {Type::integer}, 0, "Steps over which the factor rises linearly to 1").nonnegative();
}

double warm_up_factor(std::int64_t step, std::int64_t warm_up) {
  return step < warm_up ? static_cast<double>(step + 1) / static_cast<double>(warm_up) : 1.0;
}

const Registered<RateScheduleFactory> constant{
    {"rate_schedules", "constant", "The factor 1, after the warm-up", "", {warm_up_parameter()}},
    [](const Parameters& parameters) -> RateSchedule {
      return [warm_up = parameters.integer("warm_up")](std::int64_t step, std::int64_t) {
        return warm_up_factor(step, warm_up);
      };
    }};

const Registered<RateScheduleFactory> cosine{
    {"rate_schedules",
     "cosine",
     "After the warm-up the factor is final + (1 - final) (1 + cos(pi s)) / 2, s = share of the remaining steps done",
     "Loshchilov and Hutter 2017",
     {warm_up_parameter(), defaulted("final", {Type::real}, 0.0, "Factor at the end").between(0, 1)}},
    [](const Parameters& parameters) -> RateSchedule {
      return [warm_up = parameters.integer("warm_up"), last = parameters.real("final")](std::int64_t step,
                                                                                        std::int64_t steps) {
        if (step < warm_up) return warm_up_factor(step, warm_up);
        const double remaining = static_cast<double>(std::max<std::int64_t>(1, steps - warm_up));
        const double share = std::min(1.0, static_cast<double>(step - warm_up) / remaining);
        return last + (1 - last) * 0.5 * (1 + std::cos(std::numbers::pi * share));
      };
    }};
}  // namespace

RateSchedule make_rate_schedule(const Parameters& parameters) {
  return Registry<RateScheduleFactory>::instance().find("rate_schedules", parameters.kind())(parameters);
}

}  // namespace fortet::networks
