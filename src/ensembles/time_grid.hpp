#pragma once
/// Steps of a run: the schedule's times, cut where the output times lie.
#include <functional>
#include <vector>

#include "fortet/ensembles/stepper.hpp"

namespace fortet::ensembles {

struct TimeGrid {
  std::vector<Step> steps;
  /// outputs[j]: number of steps after which at[j] is reached, exactly.
  std::vector<std::size_t> outputs;
};

/// `times`: increasing from 0; output times that lie within 1e-9 of the horizon of one of them replace it. Steps end at
/// the last of `at`. `factor` consecutive steps make one, but none goes over an output time.
TimeGrid make_time_grid(std::vector<double> times, const std::vector<double>& at, double horizon, int factor);

}  // namespace fortet::ensembles
