#pragma once
/// Sums of doubles that do not depend on the order: a fixed-point superaccumulator over the whole range of double
/// (Kulisch 1971). Partial sums of threads and ranks combine to the same bits for any partition; the result is the
/// exact sum, rounded once.
#include <array>
#include <cstdint>
#include <span>

#include "fortet/base/points.hpp"

namespace fortet::parallel {

class ExactSum {
 public:
  static constexpr int words = 70;  // 32-bit digits in 64-bit words: 2098 bits of double's range and head room
  void add(double value);           ///< non-finite values are remembered and make value() non-finite
  void add(std::span<const double> values);
  void add(const ExactSum& other);
  double value() const;
  /// For reductions over ranks: digits are combined by integer addition (normalise() first).
  void normalise();
  std::int64_t* digits() { return digits_.data(); }

 private:
  std::array<std::int64_t, words> digits_{};  // the last word counts non-finite values
  int pending_ = 0;
};

}  // namespace fortet::parallel
