#include "spatial_order.hpp"

#include <algorithm>
#include <numeric>

namespace fortet::couplings {
namespace {

constexpr Index smallest_group = 4;

void halve(ConstPoints points, std::int32_t* begin, std::int32_t* end) {
  if (end - begin <= smallest_group) return;
  int axis = 0;
  double widest = -1;
  for (int k = 0; k < points.dimension(); ++k) {
    const double* const x = points.coordinate(k);
    const auto [lowest, highest] =
        std::minmax_element(begin, end, [x](std::int32_t a, std::int32_t b) { return x[a] < x[b]; });
    if (x[*highest] - x[*lowest] > widest) {
      widest = x[*highest] - x[*lowest];
      axis = k;
    }
  }
  Index half = smallest_group / 2;
  while (2 * half < end - begin) half *= 2;
  const double* const x = points.coordinate(axis);
  std::nth_element(begin, begin + half, end,
                   [x](std::int32_t a, std::int32_t b) { return x[a] != x[b] ? x[a] < x[b] : a < b; });
  halve(points, begin, begin + half);
  halve(points, begin + half, end);
}

}  // namespace

std::vector<std::int32_t> spatial_order(ConstPoints points) {
  std::vector<std::int32_t> order(points.size());
  std::iota(order.begin(), order.end(), 0);
  halve(points, order.data(), order.data() + order.size());
  return order;
}

PointArray gather(ConstPoints points, const std::vector<std::int32_t>& order) {
  PointArray result(static_cast<Index>(order.size()), points.dimension());
  for (int k = 0; k < points.dimension(); ++k) {
    for (Index i = 0; i < result.size(); ++i) result(i, k) = points(order[i], k);
  }
  return result;
}

}  // namespace fortet::couplings
