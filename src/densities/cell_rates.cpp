#include "cell_rates.hpp"

#include "bernoulli.hpp"
#include "flux_coefficients.hpp"

namespace fortet::densities {

namespace {

/// Parts of a cell, with two points of Gauss each. Even: a cell whose middle is a jump is split there.
constexpr Index parts = 8, points = 2 * parts;
/// Places of the two points in a part.
constexpr double nodes[2] = {0.21132486540518711775, 0.78867513459481288225};
/// Stands for an infinite exponent: e^-z vanishes, and sums of it stay finite.
constexpr double infinite = 1e4;

/// Coefficients at the points of the cells.
struct Coefficients {
  std::vector<double> drift, diffusion;
};

/// b without the term of the reading, and D, at points.
Coefficients coefficients(const processes::Process& process, double t, const PointArray& x, int axis) {
  const int d = process.dimension();
  const double reading = process.regularity().reading;
  Coefficients found{std::vector<double>(x.size()), std::vector<double>(x.size())};
  PointArray drift(block_size, d), divergence(block_size, d), triangle(block_size, d * (d + 1) / 2);
  for (Index begin = 0; begin < x.size(); begin += block_size) {
    const Index n = std::min(block_size, x.size() - begin);
    const ConstPoints at = x.view().slice(begin, n);
    process.drift(t, at, drift.view().slice(0, n));
    process.diffusion(t, at, triangle.view().slice(0, n));
    const bool corrected = reading != 0 && !process.noise_is_additive();
    if (corrected) process.diffusion_divergence(t, at, divergence.view().slice(0, n));
    for (Index i = 0; i < n; ++i) {
      found.drift[begin + i] = drift(i, axis) - (corrected ? 0.5 * reading * divergence(i, axis) : 0.0);
      found.diffusion[begin + i] = 0.5 * triangle(i, diagonal_column(d, axis));
    }
  }
  return found;
}

/// An end of the line at a face of the cell where D vanishes as the distance: q ~ distance^(a-1) there, a = b/D'.
struct Degenerate {
  bool lower = false, upper = false;
  double exponent = 0;  ///< a
  double slope = 0;     ///< D'
  /// Drift that does not lead away: what reaches the end stays there.
  bool is_trap() const { return (lower || upper) && !(exponent > 0); }
};

/// What a cell brings to its rates.
struct Cell {
  double share = 0;             ///< int_cell q e^-highest
  double lower = 0, upper = 0;  ///< (D q) at the faces, times e^-highest
  double below = 0, above = 0;  ///< int D^-s from the lower face to the cell's point, and from there to the upper face
};

Cell fit(const double* drift, const double* diffusion, double width, double s, const Degenerate& end) {
  if (end.is_trap())
    return {std::numeric_limits<double>::infinity(), 1, 1, end.lower ? 0 : width, end.lower ? width : 0};
  const double part = width / static_cast<double>(parts);
  std::array<double, parts + 1> exponent{};
  std::array<double, parts> resistance{};
  double highest = 0;
  Cell cell;
  for (Index k = 0; k < parts; ++k) {
    double z = 0;
    for (const Index i : {2 * k, 2 * k + 1}) {
      const double b = drift[i], d = diffusion[i];
      z += b == 0 ? 0.0 : 0.5 * part * b / d;
      resistance[k] += 0.5 * part * (s == 0 ? 1.0 : std::pow(d, -s));
    }
    if (!std::isnan(z)) z = std::clamp(z, -infinite, infinite);
    if (end.lower && k == 0) z = infinite;
    if (end.upper && k + 1 == parts) z = -infinite;
    exponent[k + 1] = exponent[k] + z;
    highest = std::max(highest, exponent[k + 1]);
  }
  double first_moment = 0;
  for (Index k = 0; k < parts; ++k) {
    const double z = exponent[k + 1] - exponent[k];
    const double low = std::exp(exponent[k] - highest), high = std::exp(exponent[k + 1] - highest);
    // int over the part of D^(s-1) e^E, the weight and the slope of E taken as constant.
    double share = 0;
    if (std::abs(z) < infinite) {
      const double mean = std::abs(z) < 1e-5 ? 0.5 * (low + high) : (high - low) / z;
      for (const Index i : {2 * k, 2 * k + 1}) {
        const double d = diffusion[i];
        // What comes to where nothing moves it stays.
        share += d == 0 ? std::numeric_limits<double>::infinity()
                        : 0.5 * part * (s == 0 ? 1 / d : std::pow(d, s - 1)) * mean;
      }
    }
    // Drift without diffusion: D^s / b in the limit. `place`: of the mean of q in the part, from its lower face.
    const bool at_end = (end.lower && k == 0) || (end.upper && k + 1 == parts);
    double place = 0.5;
    if (at_end) place = end.lower ? end.exponent / (1 + end.exponent) : 1 / (1 + end.exponent);
    if (!(std::abs(z) < infinite) && !std::isnan(z)) {
      const double slope = (drift[2 * k + 1] - drift[2 * k]) / (nodes[1] - nodes[0]);
      const double b = drift[2 * k] + slope * (place - nodes[0]), d = 0.5 * (diffusion[2 * k] + diffusion[2 * k + 1]);
      share = (s == 0 ? 1.0 : std::pow(d, s)) / b * (high - low);
    }
    const double offset = (static_cast<double>(k) + place) * part;
    cell.share += share;
    first_moment += share * offset;
  }
  cell.lower = std::exp(-highest);
  cell.upper = std::exp(exponent[parts] - highest);
  // The point that stands for the cell is the mean of q; where drift drives all mass to a face, a quarter of the width
  // from the middle at most, so that neighbours stay apart.
  double point = first_moment / cell.share;
  if (!std::isfinite(point)) point = 0.5 * width;
  if (!end.lower && !end.upper) point = std::clamp(point, 0.25 * width, 0.75 * width);
  for (Index k = 0; k < parts; ++k) {
    const double share = std::clamp(point / part - static_cast<double>(k), 0.0, 1.0);
    cell.below += share * resistance[k];
    cell.above += (1 - share) * resistance[k];
  }
  return cell;
}

}  // namespace

CellRates cell_rates(const processes::Process& process, const Grid& grid, double t, int axis, Index begin, Index length,
                     std::vector<double> position) {
  const int d = grid.dimension();
  const Index cells = grid.cells(axis), rows = length + 2;
  const bool periodic = grid.is_periodic(axis);
  const double s = process.regularity().reading;
  const std::vector<double>& edges = grid.edges(axis);
  const auto cell_of = [&](Index row) {  // -1 beyond the domain
    const Index cell = begin + row - 1;
    if (periodic) return (cell % cells + cells) % cells;
    return cell < 0 || cell >= cells ? Index{-1} : cell;
  };

  PointArray x(rows * points, d), sides(2, d);
  for (Index row = 0; row < rows; ++row) {
    const Index cell = std::max<Index>(cell_of(row), 0);
    for (Index k = 0; k < points; ++k) {
      const double place = (static_cast<double>(k / 2) + nodes[k % 2]) / static_cast<double>(parts);
      position[axis] = edges[cell] + grid.width(axis, cell) * place;
      for (int m = 0; m < d; ++m) x(row * points + k, m) = position[m];
    }
  }
  for (int side = 0; side < 2; ++side) {
    position[axis] = side == 0 ? edges.front() : edges.back();
    for (int m = 0; m < d; ++m) sides(side, m) = position[m];
  }
  const Coefficients inside = coefficients(process, t, x, axis), at_side = coefficients(process, t, sides, axis);

  std::vector<Cell> fitted(rows);
  std::array<Degenerate, 2> ends;
  for (Index row = 0; row < rows; ++row) {
    const Index cell = cell_of(row);
    if (cell < 0) continue;
    const double *b = inside.drift.data() + row * points, *diffusion = inside.diffusion.data() + row * points;
    Degenerate end;
    for (int side = 0; side < 2 && !periodic; ++side) {
      if (cell != (side == 0 ? 0 : cells - 1)) continue;
      const double first = diffusion[side == 0 ? 0 : points - 1], second = diffusion[side == 0 ? 1 : points - 2];
      const double power = std::log(second / first) / std::log(nodes[1] / nodes[0]);
      // Square-root noise alone: stronger zeros are never reached, weaker ones are integrated as they are.
      if (!(at_side.diffusion[side] <= 1e-10 * first) || !(power > 0.75 && power < 1.5)) continue;
      (side == 0 ? end.lower : end.upper) = true;
      end.slope = first / (nodes[0] * grid.width(axis, cell) / static_cast<double>(parts));
      end.exponent = (side == 0 ? 1 : -1) * at_side.drift[side] / end.slope;
      ends[side] = end;
    }
    fitted[row] = fit(b, diffusion, grid.width(axis, cell), s, end);
  }

  CellRates rates{std::vector<double>(rows, 0.0), std::vector<double>(rows, 0.0)};
  for (Index row = 0; row < rows; ++row) {
    const Index cell = cell_of(row);
    if (cell < 0) continue;
    const Cell& here = fitted[row];
    for (int side = 0; side < 2; ++side) {
      const bool beyond = !periodic && (side == 0 ? cell == 0 : cell + 1 == cells);
      double& rate = (side == 0 ? rates.down : rates.up)[row];
      const double face = side == 0 ? here.lower : here.upper;
      if (!beyond) {
        const Index next = side == 0 ? row - 1 : row + 1;
        if (next < 0 || next >= rows) continue;  // wanted by nobody
        const double resistance = side == 0 ? fitted[next].above + here.below : here.above + fitted[next].below;
        rate = face / (resistance * here.share);
        continue;
      }
      const double b = (side == 0 ? -1 : 1) * at_side.drift[side], width = grid.width(axis, cell);
      switch (grid.boundary(axis, side)) {
        case Boundary::absorbing: {
          const double a = ends[side].exponent;
          if (ends[side].is_trap()) {
            rate = ends[side].slope / width;
          } else if (ends[side].exponent > 0) {  // q ~ x^(a-1): the side is reached for a < 1 only
            const double point = a / (1 + a);
            rate = a < 1 ? -b * (1 - a) * std::pow(point, a - 1) / width : 0.0;
          } else {
            rate = fitted_rates(b, at_side.diffusion[side], 0.5 * width).up / width;
          }
          break;
        }
        case Boundary::outflow:
          rate = std::max(b, 0.0) / width;
          break;
        case Boundary::no_flux:
        case Boundary::periodic:
          break;
      }
    }
  }
  return rates;
}

}  // namespace fortet::densities
