#include "fortet/base/error.hpp"
#include "fortet/couplings/transport.hpp"

namespace fortet::couplings {

double sample_line_cost(std::span<const double> source, std::span<const double> target, int p) {
  const std::int64_t n = static_cast<std::int64_t>(source.size()), m = static_cast<std::int64_t>(target.size());
  // Masses in units of 1 / (n m), so that no rounding moves a quantile.
  double sum = 0;
  std::int64_t i = 0, j = 0, left = m, right = n;
  while (i < n && j < m) {
    const std::int64_t moved = std::min(left, right);
    const double distance = std::abs(source[i] - target[j]);
    sum += static_cast<double>(moved) * (p == 1 ? distance : distance * distance);
    left -= moved;
    right -= moved;
    if (left == 0) {
      ++i;
      left = m;
    }
    if (right == 0) {
      ++j;
      right = n;
    }
  }
  return sum / (static_cast<double>(n) * static_cast<double>(m));
}

double sliced_cost(ConstPoints source, ConstPoints target, long projections, const parallel::Stream& stream) {
  if (source.size() == 0 || target.size() == 0 || source.dimension() != target.dimension()) {
    throw UsageError(fmt::format("sliced transport: {} points in {} dimensions against {} in {}", source.size(),
                                 source.dimension(), target.size(), target.dimension()));
  }
  const int d = source.dimension();
  const auto projected = [d](ConstPoints points, ConstPoints directions, long l, double length) {
    std::vector<double> values(points.size(), 0.0);
    for (int k = 0; k < d; ++k) {
      const double factor = directions(l, k) / length;
      for (Index i = 0; i < points.size(); ++i) values[i] += factor * points(i, k);
    }
    std::sort(values.begin(), values.end());
    return values;
  };
  const long count = d == 1 ? 1 : projections;
  PointArray directions(count, d);
  stream.normals(0, 0, directions);
  double sum = 0;
  for (long l = 0; l < count; ++l) {
    double square = 0;
    for (int k = 0; k < d; ++k) square += directions(l, k) * directions(l, k);
    sum += sample_line_cost(projected(source, directions, l, std::sqrt(square)),
                            projected(target, directions, l, std::sqrt(square)), 2);
  }
  return sum / static_cast<double>(count);
}

}  // namespace fortet::couplings
