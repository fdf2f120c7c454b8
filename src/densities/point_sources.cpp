#include "point_sources.hpp"

#include "fortet/laws/gaussian_mixture.hpp"

namespace fortet::densities {

namespace {

constexpr std::size_t most_points = 1000;

/// Shares of the cells of one axis, those that are not zero, and of its sides.
struct Shares {
  std::vector<std::pair<Index, double>> cells;
  std::array<double, 2> absorbed{};
};

Shares of_point(const Grid& grid, int axis, double x) {
  const std::vector<double>&edges = grid.edges(axis), &centres = grid.centres(axis);
  const Index n = grid.cells(axis);
  const double length = edges.back() - edges.front();
  const bool periodic = grid.is_periodic(axis);
  if (periodic) x -= length * std::floor((x - edges.front()) / length);
  if (x < edges.front() || x > edges.back()) return {};
  const Index above = std::upper_bound(centres.begin(), centres.end(), x) - centres.begin();
  if (above > 0 && above < n) {
    const double share = (x - centres[above - 1]) / (centres[above] - centres[above - 1]);
    return {{{above - 1, 1 - share}, {above, share}}, {}};
  }
  const int side = above == 0 ? 0 : 1;
  const Index nearest = side == 0 ? 0 : n - 1;
  if (periodic) {
    const double gap = length - (centres.back() - centres.front());
    const double from_last = side == 0 ? x + length - centres.back() : x - centres.back();
    return {{{n - 1, 1 - from_last / gap}, {0, from_last / gap}}, {}};
  }
  Shares shares{{{nearest, 1.0}}, {}};
  if (grid.boundary(axis, side) == Boundary::absorbing) {
    const double wall = side == 0 ? edges.front() : edges.back(), share = (x - wall) / (centres[nearest] - wall);
    shares.cells.front().second = share;
    shares.absorbed[side] = 1 - share;
  }
  return shares;
}

Shares of_normal(const Grid& grid, int axis, double mean, double variance) {
  Shares shares;
  const double scale = -1 / std::sqrt(2 * variance);
  const auto below = [&](double x) { return 0.5 * std::erfc(scale * (x - mean)); };
  for (Index i = 0; i < grid.cells(axis); ++i) {
    const double mass = below(grid.edges(axis)[i + 1]) - below(grid.edges(axis)[i]);
    if (mass > 0) shares.cells.emplace_back(i, mass);
  }
  return shares;
}

}  // namespace

std::optional<Source> point_source(const laws::Law& law, const Grid& grid) {
  if (law.capabilities().log_density) return std::nullopt;
  const auto mixture = law.as_mixture();
  if (!mixture || mixture->weights().size() > most_points) return std::nullopt;
  const int d = grid.dimension();
  Source source{std::vector<double>(grid.local_count(), 0.0), Sides(d)};
  for (std::size_t c = 0; c < mixture->weights().size(); ++c) {
    const Eigen::MatrixXd& covariance = mixture->covariances()[c];
    if (!covariance.isDiagonal(0)) return std::nullopt;
    std::array<Shares, 3> shares;
    double inside = mixture->weights()[c];
    for (int k = 0; k < d; ++k) {
      const double mean = mixture->means()[c][k], variance = covariance(k, k);
      shares[k] = variance > 0 ? of_normal(grid, k, mean, variance) : of_point(grid, k, mean);
      // What an axis lets through meets the next one's sides.
      for (int side = 0; side < 2; ++side) source.absorbed[k][side] += inside * shares[k].absorbed[side];
      double through = 0;
      for (const auto& [cell, share] : shares[k].cells) through += share;
      inside *= through;
    }
    for (int k = d; k < 3; ++k) shares[k].cells = {{0, 1.0}};
    std::array<Index, 3> stride{1, 1, 1};
    for (int k = 1; k < d; ++k) stride[k] = stride[k - 1] * grid.cells(k - 1);
    for (const auto& [x, along_x] : shares[0].cells) {
      for (const auto& [y, along_y] : shares[1].cells) {
        for (const auto& [z, along_z] : shares[2].cells) {
          const std::array<Index, 3> cell{x, y, z};
          std::array<Index, 3> local = cell;
          local[d - 1] -= grid.slab().begin;
          if (local[d - 1] < 0 || local[d - 1] >= grid.slab().size()) continue;
          Index at = 0;
          for (int k = 0; k < d; ++k) at += local[k] * stride[k];
          source.masses[at] += mixture->weights()[c] * (along_x * along_y * along_z);
        }
      }
    }
  }
  return source;
}

}  // namespace fortet::densities
