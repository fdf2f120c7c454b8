/// Schedules constant, linear and cosine.
#include <numbers>

#include "fortet/processes/schedule.hpp"

namespace fortet::processes {

namespace {
/// beta(t) = from + (to - from) t / T; a constant one has both ends equal.
class LinearSchedule : public Schedule {
 public:
  LinearSchedule(double from, double to, double horizon) : from_(from), slope_((to - from) / horizon) {}
  double rate(double t) const override { return from_ + slope_ * t; }
  double integral(double t) const override { return t * (from_ + 0.5 * slope_ * t); }

 private:
  double from_, slope_;
};

/// exp(-int_0^t beta) = cos^2(theta(t)) / cos^2(theta(0)), theta = pi/2 (t/T + offset) / (1 + offset). The rate would
/// be infinite at T; from where it reaches `largest` on it stays there.
class CosineSchedule : public Schedule {
 public:
  CosineSchedule(double offset, double largest, double horizon)
      : speed_(std::numbers::pi / 2 / (1 + offset) / horizon), start_(speed_ * offset * horizon), largest_(largest) {
    capped_from_ = std::max(0.0, (std::atan(largest / (2 * speed_)) - start_) / speed_);
  }
  double rate(double t) const override {
    return t < capped_from_ ? 2 * speed_ * std::tan(start_ + speed_ * t) : largest_;
  }
  double integral(double t) const override {
    const double free = std::min(t, capped_from_);
    // log cos(a) - log cos(b) without cancellation for a near b: cos(b) / cos(a) = 1 - 2 sin((a+b)/2) sin((b-a)/2) /
    // cos(a).
    const double half = 0.5 * speed_ * free;
    const double decrease = 2 * std::sin(start_ + half) * std::sin(half) / std::cos(start_);
    return -2 * std::log1p(-decrease) + largest_ * (t - free);
  }

 private:
  double speed_, start_, largest_, capped_from_ = 0;
};

const Registered<ScheduleFactory> constant{{"schedules",
                                            "constant",
                                            "beta(t) = value",
                                            "",
                                            {required("value", {Type::real}, "the rate").positive().unit("1/time")}},
                                           [](const Parameters& p, double horizon) -> SchedulePtr {
                                             return std::make_shared<LinearSchedule>(p.real("value"), p.real("value"),
                                                                                     horizon);
                                           }};

const Registered<ScheduleFactory> linear{
    {"schedules",
     "linear",
     "beta(t) = from + (to - from) t / horizon",
     "Ho, Jain and Abbeel, 2020; Song et al., 2021",
     {defaulted("from", {Type::real}, 0.1, "rate at time 0").nonnegative().unit("1/time"),
      defaulted("to", {Type::real}, 20.0, "rate at the horizon").nonnegative().unit("1/time")}},
    [](const Parameters& p, double horizon) -> SchedulePtr {
      if (p.real("from") == 0 && p.real("to") == 0) throw ParameterError("to", "both ends of the schedule are zero");
      return std::make_shared<LinearSchedule>(p.real("from"), p.real("to"), horizon);
    }};

const Registered<ScheduleFactory> cosine{
    {"schedules",
     "cosine",
     "exp(-int_0^t beta) = f(t)/f(0), f(t) = cos^2(pi/2 (t/horizon + offset)/(1 + offset)); the rate is capped near "
     "the horizon, where f vanishes",
     "Nichol and Dhariwal, 2021",
     {defaulted("offset", {Type::real}, 0.008, "offset s that keeps the rate from vanishing at time 0").positive(),
      optional("to", {Type::real},
               "largest rate; from where it is reached on the rate stays there; default: 100 / horizon")
          .positive()
          .unit("1/time")}},
    [](const Parameters& p, double horizon) -> SchedulePtr {
      return std::make_shared<CosineSchedule>(p.real("offset"), p.has("to") ? p.real("to") : 100 / horizon, horizon);
    }};
}  // namespace

SchedulePtr make_schedule(const Parameters& parameters, const std::string& key, double horizon) {
  if (parameters.is_number(key)) {
    const double value = parameters.real(key);
    if (!(value > 0)) throw ParameterError(key, fmt::format("expected a positive rate, found {}", value));
    return std::make_shared<LinearSchedule>(value, value, horizon);
  }
  const Parameters child = parameters.child(key);
  try {
    return Registry<ScheduleFactory>::instance().find("schedules", child.kind())(child, horizon);
  } catch (const ParameterError& error) {
    throw ParameterError(key + "." + error.parameter, error.what());
  }
}

}  // namespace fortet::processes
