#include "selling.hpp"

namespace fortet::densities {

namespace {

using Offset = std::array<int, 3>;

double product(const Offset& a, const double (&m)[3][3], const Offset& b) {
  double sum = 0;
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) sum += a[i] * m[i][j] * b[j];
  }
  return sum;
}

Offset sum(const Offset& a, const Offset& b) { return {a[0] + b[0], a[1] + b[1], a[2] + b[2]}; }
Offset minus(const Offset& a) { return {-a[0], -a[1], -a[2]}; }
Offset cross(const Offset& a, const Offset& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
Offset canonical(const Offset& a) {
  for (int k = 2; k >= 0; --k) {
    if (a[k] != 0) return a[k] > 0 ? a : minus(a);
  }
  return a;
}

constexpr int most_flips = 200;

}  // namespace

std::vector<SellingTerm> selling_decomposition(int dimension, const double* matrix) {
  double m[3][3] = {};
  for (int i = 0, column = 0; i < dimension; ++i) {
    for (int j = i; j < dimension; ++j, ++column) m[i][j] = m[j][i] = matrix[column];
  }
  double trace = 0;
  for (int i = 0; i < dimension; ++i) {
    if (!(m[i][i] > 0)) return {};
    trace += m[i][i];
  }
  // A superbase: d + 1 integer vectors that sum to zero, d of which are a base. Flips make it obtuse: all products <=
  // 0.
  const int size = dimension + 1;
  std::array<Offset, 4> base{};
  for (int i = 0; i < dimension; ++i) {
    base[i][i] = 1;
    base[dimension][i] = -1;
  }
  const double tolerance = 1e-14 * trace;
  bool obtuse = false;
  for (int flip = 0; flip < most_flips && !obtuse; ++flip) {
    obtuse = true;
    for (int i = 0; i < size && obtuse; ++i) {
      for (int j = i + 1; j < size && obtuse; ++j) {
        if (product(base[i], m, base[j]) <= tolerance) continue;
        obtuse = false;
        const Offset flipped = base[i];
        if (dimension == 2) {
          base[3 - i - j] = sum(flipped, minus(base[j]));
        } else {
          for (int k = 0; k < size; ++k) {
            if (k != i && k != j) base[k] = sum(base[k], flipped);
          }
        }
        base[i] = minus(flipped);
      }
    }
  }
  if (!obtuse) return {};
  std::vector<SellingTerm> terms;
  for (int i = 0; i < size; ++i) {
    for (int j = i + 1; j < size; ++j) {
      const double weight = -product(base[i], m, base[j]);
      if (!(weight > tolerance)) continue;
      Offset offset{};
      if (dimension == 2) {
        const Offset& e = base[3 - i - j];
        offset = {-e[1], e[0], 0};
      } else {
        int k = 0;
        while (k == i || k == j) ++k;
        offset = cross(base[k], base[6 - i - j - k]);
      }
      terms.push_back({canonical(offset), weight});
    }
  }
  return terms;
}

}  // namespace fortet::densities
