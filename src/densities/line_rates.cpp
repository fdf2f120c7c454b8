#include "line_rates.hpp"

#include "assumptions.hpp"
#include "bernoulli.hpp"
#include "cell_rates.hpp"
#include "flux_coefficients.hpp"
#include "fortet/parallel/threads.hpp"
#include "grid_coefficients.hpp"

namespace fortet::densities {

LineRates::LineRates(const LineProblem& problem)
    : problem_(problem),
      by_cells_(needs_cell_rates(*problem.process, *problem.grid, problem.lines.axis)),
      has_equilibrium_(has_equilibrium(*problem.process, *problem.grid)) {
  const Index tiles = shared() ? 1 : lines().tiles();
  up_.resize(tiles * rows());
  down_.resize(tiles * rows());
}

void LineRates::build(double t) {
  const Index tiles = shared() ? 1 : lines().tiles();
  parallel::for_blocks(tiles, 1, [&](Index tile, Index) { build_tile(t, tile); });
  largest_ = 0;
  for (Index tile = 0; tile < tiles; ++tile) {
    for (Index row = 1; row + 1 < rows(); ++row) {
      const Lanes::Vector total = up_[tile * rows() + row].v + down_[tile * rows() + row].v;
      for (int lane = 0; lane < lane_count; ++lane) {
        if (!std::isfinite(total[lane])) throw_not_finite(*problem_.process, t, row_points(tile, row, lane), axis());
        largest_ = std::max(largest_, total[lane]);
      }
    }
  }
}

PointArray LineRates::row_points(Index tile, Index row, int lane) const {
  const Grid& grid = *problem_.grid;
  PointArray points(3, grid.dimension());
  lane_position(grid, lines(), shared(), tile, lane, points);
  const Index cell = lines().begin + row - 1;
  points(0, axis()) = grid.edges(axis())[cell];
  points(1, axis()) = grid.centres(axis())[cell];
  points(2, axis()) = grid.edges(axis())[cell + 1];
  return points;
}

void LineRates::scale(double scale) {
  const double inverse = scale > 0 ? 1 / scale : 0;
  for (Lanes& rate : up_) rate.v *= inverse;
  for (Lanes& rate : down_) rate.v *= inverse;
}

void LineRates::build_tile(double t, Index tile) {
  by_cells_ ? build_tile_by_cells(t, tile) : build_tile_by_faces(t, tile);
}

void LineRates::build_tile_by_cells(double t, Index tile) {
  const Grid& grid = *problem_.grid;
  // Lanes without a line repeat the last one; shared rates take any line, always the globally first.
  const Index first = tile * lane_count, last = std::max<Index>(lines().count - 1, 0);
  LineSet origin = lines();
  origin.first = 0;
  CellRates rates;
  for (int lane = 0; lane < lane_count; ++lane) {
    if (lane == 0 || !shared()) {
      std::vector<double> position(grid.dimension());
      line_position(grid, shared() ? origin : lines(), shared() ? 0 : std::min(first + lane, last), position.data());
      rates = cell_rates(*problem_.process, grid, t, lines().axis, lines().begin, lines().length, std::move(position));
    }
    for (Index row = 0; row < rows(); ++row) {
      up_[tile * rows() + row].v[lane] = rates.up[row];
      down_[tile * rows() + row].v[lane] = rates.down[row];
    }
  }
}

void LineRates::build_tile_by_faces(double t, Index tile) {
  const Grid& grid = *problem_.grid;
  const processes::Process& process = *problem_.process;
  const int axis = lines().axis, d = grid.dimension();
  const Index n = lines().length, cells = grid.cells(axis), begin = lines().begin;
  const bool periodic = grid.is_periodic(axis), has_potential = has_equilibrium_;
  const std::vector<double>&edges = grid.edges(axis), &centres = grid.centres(axis);
  // Lanes without a line repeat the last one; shared rates take any line, always the globally first.
  const Index first = tile * lane_count, last = std::max<Index>(lines().count - 1, 0);
  const int distinct = shared() ? 1 : lane_count;

  PointArray faces((n + 1) * distinct, d), nodes(has_potential ? (n + 2) * distinct : 0, d);
  std::vector<double> position(d);
  LineSet origin = lines();
  origin.first = 0;
  const auto wrapped = [&](Index cell) { return periodic ? (cell + cells) % cells : cell; };
  for (int lane = 0; lane < distinct; ++lane) {
    line_position(grid, shared() ? origin : lines(), shared() ? 0 : std::min(first + lane, last), position.data());
    for (Index face = 0; face <= n; ++face) {
      position[axis] = edges[begin + face];
      for (int k = 0; k < d; ++k) faces(face * distinct + lane, k) = position[k];
    }
    for (Index row = 0; has_potential && row < n + 2; ++row) {
      const Index cell = wrapped(begin + row - 1);  // beyond the domain: the side itself
      position[axis] = cell < 0 ? edges.front() : cell >= cells ? edges.back() : centres[cell];
      for (int k = 0; k < d; ++k) nodes(row * distinct + lane, k) = position[k];
    }
  }
  std::vector<double> drift(faces.size()), diffusion(faces.size()), potential(nodes.size());
  axis_coefficients(process, t, faces, axis, drift.data(), diffusion.data());
  if (periodic && (begin == 0 || begin + n == cells)) {
    // The seam is one face with two coordinates.
    PointArray ends(2 * distinct, d);
    const Index seam = begin == 0 ? 0 : n;
    for (int lane = 0; lane < distinct; ++lane) {
      for (int side = 0; side < 2; ++side) {
        for (int k = 0; k < d; ++k) ends(side * distinct + lane, k) = faces(seam * distinct + lane, k);
        ends(side * distinct + lane, axis) = side == 0 ? edges.front() : edges.back();
      }
    }
    std::vector<double> drift_there(ends.size()), diffusion_there(ends.size());
    axis_coefficients(process, t, ends, axis, drift_there.data(), diffusion_there.data());
    for (const Index face : {Index{0}, n}) {
      if (begin + face != 0 && begin + face != cells) continue;
      for (int lane = 0; lane < distinct; ++lane) {
        drift[face * distinct + lane] = 0.5 * (drift_there[lane] + drift_there[distinct + lane]);
        diffusion[face * distinct + lane] = 0.5 * (diffusion_there[lane] + diffusion_there[distinct + lane]);
      }
    }
  }
  for (Index i = 0; i < nodes.size(); i += block_size) {
    process.potential(nodes.view().slice(i, std::min(block_size, nodes.size() - i)), potential.data() + i);
  }

  Lanes* up = up_.data() + tile * rows();
  Lanes* down = down_.data() + tile * rows();
  for (Index row = 0; row < rows(); ++row) up[row].v = down[row].v = Lanes::Vector{};
  for (Index face = 0; face <= n; ++face) {
    const Index left = wrapped(begin + face - 1), right = wrapped(begin + face);
    const bool is_lower = left < 0, is_upper = right >= cells;
    const Boundary boundary = is_lower   ? grid.boundary(axis, 0)
                              : is_upper ? grid.boundary(axis, 1)
                                         : Boundary::periodic;
    if (boundary == Boundary::no_flux) continue;
    const double half_left = is_lower ? 0 : 0.5 * grid.width(axis, left),
                 half_right = is_upper ? 0 : 0.5 * grid.width(axis, right);
    const double distance = half_left + half_right;
    for (int lane = 0; lane < lane_count; ++lane) {
      const Index i = face * distinct + lane % distinct;
      FaceRates rates{};
      if (has_potential && diffusion[i] > 0) {
        const double drop =
            potential[face * distinct + lane % distinct] - potential[(face + 1) * distinct + lane % distinct];
        rates = fitted_rates(diffusion[i] / distance, drop);
        if (boundary == Boundary::outflow) rates = fitted_rates(diffusion[i] * drop / distance, 0.0, distance);
      } else {
        rates = fitted_rates(drift[i], boundary == Boundary::outflow ? 0.0 : diffusion[i], distance);
      }
      if (!is_lower) up[face].v[lane] = rates.up / (2 * half_left);
      if (!is_upper) down[face + 1].v[lane] = rates.down / (2 * half_right);
    }
  }
}

}  // namespace fortet::densities
