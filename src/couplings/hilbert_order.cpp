#include "hilbert_order.hpp"

#include <array>
#include <numeric>

#include "lanes.hpp"

namespace fortet::couplings {
namespace {

constexpr int key_bits = 16;
/// Places on the curve of a register of points, whose whole coordinates of `bits` bits are `stride` apart (Skilling
/// 2004).
Words places(std::uint32_t* axes, int bits, int dimension, int stride) {
  const auto axis = [&](int k) { return axes + static_cast<std::size_t>(k) * stride; };
  Words first = load(axis(0));
  for (int bit = bits - 1; bit > 0; --bit) {
    const std::uint32_t below = (1u << bit) - 1;
    for (int k = 0; k < dimension; ++k) {
      const Words x = k == 0 ? first : load(axis(k));
      const Words set = -((x >> bit) & 1u);  // all bits where this one is set
      const Words exchanged = (first ^ x) & below & ~set;
      first ^= (set & below) | exchanged;
      if (k > 0) store(axis(k), x ^ exchanged);
    }
  }
  Words last = first;
  store(axis(0), first);
  for (int k = 1; k < dimension; ++k) {
    last ^= load(axis(k));
    store(axis(k), last);
  }
  Words turned{};
  for (int bit = bits - 1; bit > 0; --bit) turned ^= -((last >> bit) & 1u) & ((1u << bit) - 1);
  Words place{};
  for (int bit = bits - 1; bit >= 0; --bit) {
    for (int k = 0; k < dimension; ++k) place = (place << 1) | (((load(axis(k)) ^ turned) >> bit) & 1u);
  }
  return place;
}

}  // namespace

const std::vector<std::int32_t>& HilbertOrder::operator()(const float* points, int size, int dimension, int stride) {
  const int bits = key_bits / dimension;
  axes_.resize(static_cast<std::size_t>(stride) * dimension);
  keys_.resize(stride);
  const float scale = static_cast<float>((1u << bits) - 1) / 2;
  for (std::size_t i = 0; i < axes_.size(); ++i) axes_[i] = static_cast<std::uint32_t>((points[i] + 1) * scale);
  for (int i = 0; i < stride; i += float_lanes)
    store(keys_.data() + i, places(axes_.data() + i, bits, dimension, stride));
  order_.resize(size);
  other_.resize(size);
  std::iota(other_.begin(), other_.end(), 0);
  for (int shift = 0; shift < key_bits; shift += 8) {
    std::array<std::int32_t, 257> begin{};
    for (int i = 0; i < size; ++i) ++begin[((keys_[i] >> shift) & 255u) + 1];
    for (int b = 0; b < 256; ++b) begin[b + 1] += begin[b];
    for (const std::int32_t i : other_) order_[begin[(keys_[i] >> shift) & 255u]++] = i;
    order_.swap(other_);
  }
  return other_;
}

}  // namespace fortet::couplings
