#pragma once
/// Noise schedules: positive rates beta(t) on [0, horizon] with their integral (category "schedules").
#include <functional>
#include <memory>

#include "fortet/base/parameters.hpp"
#include "fortet/base/registry.hpp"

namespace fortet::processes {

class Schedule {
 public:
  virtual ~Schedule() = default;
  virtual double rate(double t) const = 0;      ///< beta(t)
  virtual double integral(double t) const = 0;  ///< int_0^t beta
};

using SchedulePtr = std::shared_ptr<const Schedule>;
using ScheduleFactory = std::function<SchedulePtr(const Parameters&, double horizon)>;

/// The schedule in parameter `key`: a nested kind, or a number for a constant one.
SchedulePtr make_schedule(const Parameters& parameters, const std::string& key, double horizon);

}  // namespace fortet::processes
