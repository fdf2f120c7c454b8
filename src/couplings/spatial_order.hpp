#pragma once
#include <cstdint>
#include <vector>

#include "fortet/base/points.hpp"

namespace fortet::couplings {

/// An order in which neighbours in space are neighbours in the list: halved along the widest axis, again and again, at
/// multiples of powers of two.
std::vector<std::int32_t> spatial_order(ConstPoints points);

/// The points in that order.
PointArray gather(ConstPoints points, const std::vector<std::int32_t>& order);

}  // namespace fortet::couplings
