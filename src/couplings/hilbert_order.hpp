#pragma once
#include <cstdint>
#include <vector>

namespace fortet::couplings {

/// Orders a few hundred points along Hilbert's curve, so that neighbours in the list are neighbours in space. A tenth
/// of the time of spatial_order, and without its nested halves.
class HilbertOrder {
 public:
  /// Of `size` points in the box from -1 to 1, coordinate by coordinate `stride` apart, a multiple of 16. Valid until
  /// the next call.
  const std::vector<std::int32_t>& operator()(const float* points, int size, int dimension, int stride);

 private:
  std::vector<std::uint32_t> axes_, keys_;
  std::vector<std::int32_t> order_, other_;
};

}  // namespace fortet::couplings
