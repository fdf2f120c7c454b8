#include "fortet/comparisons/bins.hpp"

#include "fortet/parallel/threads.hpp"

namespace fortet::comparisons {

namespace {
/// Masses are summed over ranks as integers, so that the sums do not depend on the partition.
constexpr int mass_bits = 60, weight_bits = 30;

/// Every m-th edge such that at most `limit` cells remain, the last one kept.
std::vector<double> thinned(const std::vector<double>& edges, Index limit) {
  const Index cells = static_cast<Index>(edges.size()) - 1, kept = std::min(cells, limit);
  std::vector<double> result;
  for (Index i = 0; i <= kept; ++i) result.push_back(edges[i * cells / kept]);
  return result;
}

Index limit_per_axis(Index limit, int dimension) {
  return std::max<Index>(2,
                         static_cast<Index>(std::floor(std::pow(static_cast<double>(limit), 1.0 / dimension) + 1e-9)));
}

std::vector<double> equal_edges(double mean, double deviation, Index count) {
  const double reach = 5 * (deviation > 0 ? deviation : 1), width = 2 * reach / static_cast<double>(count);
  std::vector<double> edges{-std::numeric_limits<double>::infinity()};
  for (Index i = 1; i < count; ++i) edges.push_back(mean - reach + width * static_cast<double>(i));
  edges.push_back(std::numeric_limits<double>::infinity());
  return edges;
}
}  // namespace

Bins::Bins(std::vector<std::vector<double>> edges) : edges_(std::move(edges)) {
  for (const auto& axis : edges_) count_ *= static_cast<Index>(axis.size()) - 1;
}

Bins Bins::from_grid(const densities::Grid& grid, Index limit) { return Bins(grid.edges()).merged(limit); }

Bins Bins::merged(Index limit) const {
  std::vector<std::vector<double>> edges;
  for (const auto& axis : edges_) edges.push_back(thinned(axis, limit_per_axis(limit, dimension())));
  return Bins(std::move(edges));
}

Bins Bins::around(const ensembles::Snapshot& snapshot, const parallel::Communicator& communicator, Index limit) {
  const int d = snapshot.positions.dimension();
  std::vector<parallel::ExactSum> sums(2 * d);
  const ConstPoints x = snapshot.positions;
  for (int k = 0; k < d; ++k) {
    for (Index i = 0; i < x.size(); ++i) {
      sums[k].add(x(i, k));
      sums[d + k].add(x(i, k) * x(i, k));
    }
  }
  const std::vector<double> totals = communicator.sum(sums);
  const double size = static_cast<double>(std::max<std::int64_t>(1, snapshot.total));
  std::vector<std::vector<double>> edges;
  for (int k = 0; k < d; ++k) {
    const double mean = totals[k] / size, variance = std::max(0.0, totals[d + k] / size - mean * mean);
    edges.push_back(equal_edges(mean, std::sqrt(variance), limit_per_axis(limit, d)));
  }
  return Bins(std::move(edges));
}

Bins Bins::around(const laws::Law& law, Index limit) {
  const laws::Moments moments = law.moments();
  std::vector<std::vector<double>> edges;
  for (int k = 0; k < law.dimension(); ++k) {
    edges.push_back(
        equal_edges(moments.mean[k], std::sqrt(moments.covariance(k, k)), limit_per_axis(limit, law.dimension())));
  }
  return Bins(std::move(edges));
}

std::vector<double> Bins::centre(Index bin) const {
  std::vector<double> result;
  for (int k = 0; k < dimension(); ++k) {
    const std::vector<double>& axis = edges_[k];
    const Index i = bin % cells(k), last = cells(k) - 1;
    bin /= cells(k);
    const double neighbour = last > 1 ? (i == 0 ? axis[2] - axis[1] : axis[last] - axis[last - 1]) : 1;
    if (std::isfinite(axis[i]) && std::isfinite(axis[i + 1])) {
      result.push_back((axis[i] + axis[i + 1]) / 2);
    } else if (std::isfinite(axis[i + 1])) {
      result.push_back(axis[i + 1] - neighbour / 2);
    } else {
      result.push_back(axis[i] + neighbour / 2);
    }
  }
  return result;
}

void Bins::locate(ConstPoints x, Index* bin) const {
  std::fill_n(bin, x.size(), 0);
  Index stride = 1;
  for (int k = 0; k < dimension(); ++k) {
    const std::vector<double>& axis = edges_[k];
    const double lowest = axis.front(), highest = axis.back();
    const double* coordinate = x.coordinate(k);
    // Edges are nearly equidistant in most uses: guess, then step to the right cell.
    const Index n = cells(k), first = std::isfinite(lowest) ? 0 : 1, last = std::isfinite(highest) ? n : n - 1;
    const double scale = last > first ? static_cast<double>(last - first) / (axis[last] - axis[first]) : 0;
    for (Index i = 0; i < x.size(); ++i) {
      const double value = coordinate[i];
      if (bin[i] == count_) continue;
      if (!(value >= lowest && value <= highest)) {
        bin[i] = count_;
        continue;
      }
      const double guess = scale > 0 ? (value - axis[first]) * scale : 0;
      Index cell = first + static_cast<Index>(std::clamp(guess, -1.0, static_cast<double>(n)));
      cell = std::clamp<Index>(cell, 0, n - 1);
      while (cell > 0 && value < axis[cell]) --cell;
      while (cell < n - 1 && value >= axis[cell + 1]) ++cell;
      bin[i] += stride * cell;
    }
    stride *= n;
  }
}

std::vector<double> Bins::masses(const densities::DensityPath& path, std::span<const double> cell_masses,
                                 const parallel::Communicator& communicator) const {
  const densities::Grid& grid = *path.grid;
  // Per axis: the bins that each grid cell overlaps, with the shares of its width.
  struct Share {
    Index bin;
    double part;
  };
  std::vector<std::vector<std::vector<Share>>> shares(dimension());
  for (int k = 0; k < dimension(); ++k) {
    for (Index i = 0; i < grid.cells(k); ++i) {
      const double lower = grid.edges(k)[i], upper = grid.edges(k)[i + 1];
      std::vector<Share> row;
      for (Index b = 0; b < cells(k); ++b) {
        const double overlap = std::min(upper, edges_[k][b + 1]) - std::max(lower, edges_[k][b]);
        if (overlap > 0) row.push_back({b, std::min(1.0, overlap / (upper - lower))});
      }
      if (row.size() == 1 && row.front().part > 1 - 1e-12) row.front().part = 1;
      shares[k].push_back(std::move(row));
    }
  }
  std::vector<std::int64_t> sums(count_ + 1, 0);
  const Index first = grid.slab().begin * grid.layer_size();
  const std::vector<Share> whole{{0, 1.0}};
  for (std::size_t c = 0; c < cell_masses.size(); ++c) {
    Index cell = first + static_cast<Index>(c);
    Index index[3] = {0, 0, 0};
    for (int k = 0; k < dimension(); ++k) {
      index[k] = cell % grid.cells(k);
      cell /= grid.cells(k);
    }
    for (const Share& x : shares[0][index[0]]) {
      for (const Share& y : dimension() > 1 ? shares[1][index[1]] : whole) {
        for (const Share& z : dimension() > 2 ? shares[2][index[2]] : whole) {
          const Index bin = x.bin + cells(0) * (y.bin + (dimension() > 1 ? cells(1) : 1) * z.bin);
          sums[bin] += std::llround(std::ldexp(cell_masses[c] * x.part * y.part * z.part, mass_bits));
        }
      }
    }
  }
  communicator.sum_counts(sums);
  std::vector<double> result(count_ + 1);
  double inside = 0;
  for (Index b = 0; b < count_; ++b) inside += result[b] = std::ldexp(static_cast<double>(sums[b]), -mass_bits);
  result[count_] = std::max(0.0, 1 - inside);  // what left through absorbing sides, and what lies beyond the bins
  return result;
}

std::vector<double> Bins::masses(const laws::Law& law) const {
  std::vector<double> result(count_ + 1);
  law.cell_masses(edges_, std::span(result).first(count_));
  result[count_] = std::max(0.0, 1 - std::accumulate(result.begin(), result.end() - 1, 0.0));
  return result;
}

namespace {
/// Calls body(i, bin) for all local particles, block by block.
template <class Body>
void for_each_bin(const Bins& bins, const ensembles::Snapshot& snapshot, const Body& body) {
  const ConstPoints x = snapshot.positions;
  std::vector<Index> bin(block_size);
  for (Index begin = 0; begin < x.size(); begin += block_size) {
    const Index size = std::min(block_size, x.size() - begin);
    bins.locate(x.slice(begin, size), bin.data());
    for (Index i = 0; i < size; ++i) body(begin + i, bin[i]);
  }
}
}  // namespace

Histogram count(const Bins& bins, const ensembles::Snapshot& snapshot, const parallel::Communicator& communicator) {
  const std::size_t n = static_cast<std::size_t>(bins.count()) + 1;
  std::vector<std::int64_t> sums(2 * n, 0);
  const bool weighted = !snapshot.weights.empty();
  for_each_bin(bins, snapshot, [&](Index i, Index bin) {
    if (!weighted) {
      sums[bin] += std::int64_t{1} << weight_bits;
    } else {
      sums[bin] += std::llround(std::ldexp(snapshot.weights[i], weight_bits));
      sums[n + bin] += std::llround(std::ldexp(snapshot.weights[i] * snapshot.weights[i], weight_bits));
    }
  });
  communicator.sum_counts(sums);
  Histogram result;
  result.particles = static_cast<double>(snapshot.total);
  for (std::size_t b = 0; b < n; ++b) {
    result.weight.push_back(std::ldexp(static_cast<double>(sums[b]), -weight_bits));
    if (weighted) result.squared_weight.push_back(std::ldexp(static_cast<double>(sums[n + b]), -weight_bits));
  }
  // Absorbed particles are outside of every bin.
  if (weighted) {
    result.weight[n - 1] = result.particles - std::accumulate(result.weight.begin(), result.weight.end() - 1, 0.0);
    result.squared_weight[n - 1] = result.weight[n - 1];
  }
  return result;
}

std::vector<double> moved(const Bins& bins, const ensembles::Snapshot& a, const ensembles::Snapshot& b,
                          const parallel::Communicator& communicator) {
  std::vector<Index> place(static_cast<std::size_t>(a.positions.size()));
  for_each_bin(bins, a, [&](Index i, Index bin) { place[i] = bin; });
  std::vector<std::int64_t> counts(static_cast<std::size_t>(bins.count()) + 1, 0);
  for_each_bin(bins, b, [&](Index i, Index bin) {
    if (place[i] == bin) return;
    ++counts[bin];
    ++counts[place[i]];
  });
  communicator.sum_counts(counts);
  return {counts.begin(), counts.end()};
}

}  // namespace fortet::comparisons
