#include "cosine_transform.hpp"

#include <numbers>

namespace fortet::bridges {

using densities::Lanes;

namespace {

constexpr Index panel = 8;  // rows of the matrix whose sums are kept in registers at a time

/// Element (row, column) of the matrix stored in panels of rows, the rows of a panel fastest.
std::vector<double> in_panels(Index rows, Index columns, const std::function<double(Index, Index)>& element) {
  std::vector<double> packed((rows + panel - 1) / panel * panel * columns, 0.0);
  for (Index row = 0; row < rows; ++row) {
    for (Index column = 0; column < columns; ++column) {
      packed[(row / panel * columns + column) * panel + row % panel] = element(row, column);
    }
  }
  return packed;
}

/// out = matrix * in; out has room for whole panels.
void multiply(const std::vector<double>& matrix, Index rows, Index columns, const Lanes* in, Lanes* out) {
  const double* m = matrix.data();
  for (Index row = 0; row < rows; row += panel, out += panel) {
    Lanes::Vector sum[panel] = {};
    for (Index column = 0; column < columns; ++column, m += panel) {
      const Lanes::Vector x = in[column].v;
      for (Index r = 0; r < panel; ++r) sum[r] += m[r] * x;
    }
    for (Index r = 0; r < panel; ++r) out[r].v = sum[r];
  }
}

}  // namespace

CosineTransform::CosineTransform(Index length) : length_(length), evens_((length + 1) / 2), odds_(length / 2) {
  const auto element = [n = static_cast<double>(length)](Index p, Index j) {
    return std::sqrt((p == 0 ? 1 : 2) / n) *
           std::cos(std::numbers::pi * static_cast<double>(p) * (static_cast<double>(j) + 0.5) / n);
  };
  const auto even = [&](Index q, Index j) { return element(2 * q, j); };
  const auto odd = [&](Index q, Index j) { return element(2 * q + 1, j); };
  even_ = in_panels(evens_, evens_, even);
  odd_ = in_panels(odds_, odds_, odd);
  even_transposed_ = in_panels(evens_, evens_, [&](Index j, Index q) { return even(q, j); });
  odd_transposed_ = in_panels(odds_, odds_, [&](Index j, Index q) { return odd(q, j); });
}

std::vector<double> CosineTransform::eigenvalues(Index length, double width) {
  std::vector<double> values(length);
  for (Index p = 0; p < length; ++p) {
    const double sine = std::sin(0.5 * std::numbers::pi * static_cast<double>(p) / static_cast<double>(length));
    values[p] = 4 * sine * sine / (width * width);
  }
  return values;
}

void CosineTransform::run(double* data, const densities::LineSet& lines, bool is_forward) const {
  thread_local std::vector<Lanes> storage;
  const Index half = evens_ + panel;
  if (static_cast<Index>(storage.size()) < length_ + 4 * half) storage.resize(length_ + 4 * half);
  Lanes *line = storage.data(), *even = line + length_, *odd = even + half, *even_out = odd + half,
        *odd_out = even_out + half;
  for (Index tile = 0; tile < lines.tiles(); ++tile) {
    densities::load_tile(data, lines, tile, line);
    if (is_forward) {
      for (Index j = 0; j < odds_; ++j) {
        even[j].v = line[j].v + line[length_ - 1 - j].v;
        odd[j].v = line[j].v - line[length_ - 1 - j].v;
      }
      if (evens_ > odds_) even[odds_].v = line[odds_].v;  // the middle of an odd length
      multiply(even_, evens_, evens_, even, even_out);
      multiply(odd_, odds_, odds_, odd, odd_out);
      for (Index q = 0; q < evens_; ++q) line[2 * q].v = even_out[q].v;
      for (Index q = 0; q < odds_; ++q) line[2 * q + 1].v = odd_out[q].v;
    } else {
      for (Index q = 0; q < evens_; ++q) even[q].v = line[2 * q].v;
      for (Index q = 0; q < odds_; ++q) odd[q].v = line[2 * q + 1].v;
      multiply(even_transposed_, evens_, evens_, even, even_out);
      multiply(odd_transposed_, odds_, odds_, odd, odd_out);
      for (Index j = 0; j < odds_; ++j) {
        line[j].v = even_out[j].v + odd_out[j].v;
        line[length_ - 1 - j].v = even_out[j].v - odd_out[j].v;
      }
      if (evens_ > odds_) line[odds_].v = even_out[odds_].v;
    }
    densities::store_tile(data, lines, tile, line);
  }
}

}  // namespace fortet::bridges
