#include "fortet/couplings/transport.hpp"

namespace fortet::couplings {

double line_cost(std::span<const double> points, std::span<const double> source, std::span<const double> target,
                 int p) {
  const double source_total = std::accumulate(source.begin(), source.end(), 0.0);
  const double target_total = std::accumulate(target.begin(), target.end(), 0.0);
  double result = 0;
  std::size_t i = 0, j = 0;
  double left = source[0] / source_total, right = target[0] / target_total;  // mass still to be moved at i and j
  while (true) {
    const double moved = std::min(left, right), distance = std::abs(points[i] - points[j]);
    result += moved * (p == 1 ? distance : distance * distance);
    left -= moved;
    right -= moved;
    if (left <= 0) {
      if (++i == points.size()) break;
      left = source[i] / source_total;
    } else {
      if (++j == points.size()) break;
      right = target[j] / target_total;
    }
  }
  return result;
}

}  // namespace fortet::couplings
