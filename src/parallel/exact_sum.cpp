#include "fortet/parallel/exact_sum.hpp"

#include <bit>
#include <cmath>
#include <limits>

namespace fortet::parallel {

namespace {
// Digit j holds multiples of 2^(32 j - 1074). The last word counts +infinity, -infinity and NaN in three 21-bit fields.
constexpr int digit_count = ExactSum::words - 1;
constexpr std::uint64_t digit_mask = 0xffffffff;
constexpr std::int64_t positive_infinity = 1, negative_infinity = std::int64_t{1} << 21,
                       not_a_number = std::int64_t{1} << 42;
constexpr int pending_limit = 1 << 20;  // neither the fields of 21 bits nor digits of 2^33 per addition overflow before

/// Carries upwards: every digit but the top one, which has the sign, ends in [0, 2^32).
void carry(std::array<std::int64_t, ExactSum::words>& digits) {
  std::int64_t carried = 0;
  for (int j = 0; j < digit_count - 1; ++j) {
    const std::int64_t sum = digits[j] + carried;
    carried = sum >> 32;  // floor
    digits[j] = sum & static_cast<std::int64_t>(digit_mask);
  }
  digits[digit_count - 1] += carried;
}

/// Each kind of non-finite value is counted at most once, so that the fields hold for 2^20 ranks.
std::int64_t saturate(std::int64_t counts) {
  constexpr std::int64_t field = negative_infinity - 1;
  return (counts & field ? positive_infinity : 0) | (counts >> 21 & field ? negative_infinity : 0) |
         (counts >> 42 ? not_a_number : 0);
}
}  // namespace

void ExactSum::add(double value) {
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(value);
  const int exponent = static_cast<int>(bits >> 52 & 0x7ff);
  std::uint64_t mantissa = bits & 0x000fffffffffffff;
  if (exponent == 0x7ff) {
    digits_[words - 1] += mantissa ? not_a_number : value > 0 ? positive_infinity : negative_infinity;
  } else {
    const int position = exponent ? exponent - 1 : 0;
    if (exponent) mantissa |= std::uint64_t{1} << 52;
    const int digit = position / 32, shift = position % 32;
    const std::uint64_t low = (mantissa & digit_mask) << shift, high = (mantissa >> 32) << shift;
    const std::int64_t sign = value < 0 ? -1 : 1;
    digits_[digit] += sign * static_cast<std::int64_t>(low & digit_mask);
    digits_[digit + 1] += sign * static_cast<std::int64_t>((low >> 32) + (high & digit_mask));
    digits_[digit + 2] += sign * static_cast<std::int64_t>(high >> 32);
  }
  if (++pending_ >= pending_limit) normalise();
}

void ExactSum::add(std::span<const double> values) {
  for (const double value : values) add(value);
}

void ExactSum::add(const ExactSum& other) {
  if (pending_ + other.pending_ >= pending_limit) {
    normalise();
    ExactSum copy = other;
    copy.normalise();
    for (int j = 0; j < words; ++j) digits_[j] += copy.digits_[j];
    pending_ += copy.pending_;
  } else {
    for (int j = 0; j < words; ++j) digits_[j] += other.digits_[j];
    pending_ += other.pending_ + 1;
  }
}

void ExactSum::normalise() {
  carry(digits_);
  digits_[words - 1] = saturate(digits_[words - 1]);
  pending_ = 1;
}

double ExactSum::value() const {
  std::array<std::int64_t, words> digits = digits_;
  const std::int64_t flags = saturate(digits[words - 1]);
  if (flags & not_a_number || (flags & positive_infinity && flags & negative_infinity)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (flags)
    return flags & positive_infinity ? std::numeric_limits<double>::infinity()
                                     : -std::numeric_limits<double>::infinity();

  carry(digits);
  const double sign = digits[digit_count - 1] < 0 ? -1 : 1;
  if (sign < 0) {
    for (int j = 0; j < digit_count; ++j) digits[j] = -digits[j];
    carry(digits);
  }
  int top = digit_count - 1;
  while (top >= 0 && digits[top] == 0) --top;
  if (top < 0) return 0;
  const auto bit = [&](int position) { return position < 0 ? 0 : digits[position / 32] >> (position % 32) & 1; };
  const int highest = 32 * top + std::bit_width(static_cast<std::uint64_t>(digits[top])) - 1;
  const int lowest = std::max(0, highest - 52);  // the last bit a double keeps
  std::uint64_t mantissa = 0;
  for (int position = highest; position >= lowest; --position)
    mantissa = mantissa << 1 | static_cast<std::uint64_t>(bit(position));
  if (lowest > 0 && bit(lowest - 1)) {  // round half to even
    bool beyond = false;
    for (int position = lowest - 2; position >= 0 && !beyond; --position) beyond = bit(position);
    if (beyond || (mantissa & 1)) ++mantissa;
  }
  return sign * std::ldexp(static_cast<double>(mantissa), lowest - 1074);
}

}  // namespace fortet::parallel
