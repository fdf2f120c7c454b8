#include "time_grid.hpp"

#include <algorithm>
#include <cmath>

namespace fortet::ensembles {

TimeGrid make_time_grid(std::vector<double> times, const std::vector<double>& at, double horizon, int factor) {
  std::vector<bool> is_output(times.size(), false);
  for (const double output : at) {
    auto place = std::lower_bound(times.begin(), times.end(), output);
    if (place != times.begin() && (place == times.end() || output - *(place - 1) < *place - output)) --place;
    auto index = place - times.begin();
    if (std::abs(*place - output) <= 1e-9 * horizon) {
      *place = output;
    } else {
      index = std::upper_bound(times.begin(), times.end(), output) - times.begin();
      times.insert(times.begin() + index, output);
      is_output.insert(is_output.begin() + index, false);
    }
    is_output[index] = true;
  }

  TimeGrid grid;
  if (is_output.front()) grid.outputs.push_back(0);
  bool open = false;  // the last step may take more parts
  for (std::size_t i = 1; i < times.size() && grid.outputs.size() < at.size(); ++i) {
    if (!open) {
      grid.steps.push_back({times[i - 1], times[i], static_cast<std::uint32_t>(i - 1), {}});
    }
    Step& step = grid.steps.back();
    step.end = times[i];
    step.parts.push_back(times[i] - times[i - 1]);
    if (is_output[i]) grid.outputs.push_back(grid.steps.size());
    open = !is_output[i] && static_cast<int>(step.parts.size()) < factor;
  }
  return grid;
}

}  // namespace fortet::ensembles
