#include "fortet/densities/residual.hpp"

#include <cmath>

#include "edge_generator.hpp"
#include "fluxes.hpp"
#include "fortet/parallel/exact_sum.hpp"

namespace fortet::densities {

namespace {
/// Outward fluxes through one face of every cell of the slab.
class Faces {
 public:
  Faces(const processes::Process& process, const Grid& grid, double t, const std::vector<double>& extended,
        const Halo& halo)
      : process_(process),
        grid_(grid),
        time_(t),
        diffusion_(std::pow(process.noise_level(t), 2) / 2),
        extended_(extended),
        halo_(halo) {}

  /// rate[i] += (outward flux through the face (axis, side)) / width.
  void add(int axis, int side, std::vector<double>& rate) const {
    const int d = grid_.dimension();
    const double outward = side ? 1 : -1;
    PointArray x(block_size, d), b(block_size, d);
    for (Index begin = 0; begin < grid_.local_count(); begin += block_size) {
      const Index n = std::min(block_size, grid_.local_count() - begin);
      const Points faces = x.view().slice(0, n), drift = b.view().slice(0, n);
      grid_.local_centres(begin, faces);
      for (Index i = 0; i < n; ++i) faces(i, axis) = grid_.edges(axis)[index(begin + i)[axis] + side];
      process_.drift(time_, faces, drift);
      for (Index i = 0; i < n; ++i) {
        const std::array<Index, 3> cell = index(begin + i);
        if (is_outermost(cell)) continue;
        const Index there = (cell[axis] + (side ? 1 : -1) + grid_.cells(axis)) % grid_.cells(axis);
        const double mine = extended_[halo_.offset() + begin + i], next = extended_[neighbour(begin + i, axis, side)];
        const double width = grid_.width(axis, cell[axis]), other = grid_.width(axis, there);
        const double value = (mine * other + next * width) / (width + other);
        const double slope = outward * (next - mine) / ((width + other) / 2);
        rate[begin + i] += outward * (drift(i, axis) * value - diffusion_ * slope) / width;
      }
    }
  }

  bool is_outermost(const std::array<Index, 3>& cell) const {
    for (int k = 0; k < grid_.dimension(); ++k) {
      if (!grid_.is_periodic(k) && (cell[k] == 0 || cell[k] + 1 == grid_.cells(k))) return true;
    }
    return false;
  }
  std::array<Index, 3> index(Index local) const {
    return cell_index(grid_, grid_.slab().begin * grid_.layer_size() + local);
  }

 private:
  /// Place in the extended array.
  Index neighbour(Index local, int axis, int side) const {
    Index stride = 1;
    for (int k = 0; k < axis; ++k) stride *= grid_.cells(k);
    const Index place = halo_.offset() + local, at = index(local)[axis];
    if (axis + 1 == grid_.dimension()) return place + (side ? stride : -stride);
    if (side) return at + 1 < grid_.cells(axis) ? place + stride : place - at * stride;
    return at > 0 ? place - stride : place + (grid_.cells(axis) - 1) * stride;
  }

  const processes::Process& process_;
  const Grid& grid_;
  double time_, diffusion_;
  const std::vector<double>& extended_;
  const Halo& halo_;
};
}  // namespace

Residual residual(const processes::Process& process, const Grid& grid, const Snapshot& first, const Snapshot& second) {
  if (process.noise_shape() > processes::NoiseShape::uniform) {
    throw UsageError("a residual on a grid needs a process without noise or with the same noise everywhere");
  }
  const Halo halo(grid, 1);
  const Index count = grid.local_count();
  const double elapsed = second.time - first.time;
  std::vector<double> extended(static_cast<std::size_t>(halo.extended_size()), 0.0), rate(count, 0.0);
  for (Index i = 0; i < count; ++i) extended[halo.offset() + i] = (first.values[i] + second.values[i]) / 2;
  halo.exchange(extended.data());
  const Faces faces(process, grid, (first.time + second.time) / 2, extended, halo);
  parallel::together(grid.communicator(), [&] {
    for (int axis = 0; axis < grid.dimension(); ++axis) {
      for (const int side : {0, 1}) faces.add(axis, side, rate);
    }
  });
  const std::vector<double> volumes = grid.local_volumes();
  std::vector<parallel::ExactSum> sums(2);
  for (Index i = 0; i < count; ++i) {
    const double density = extended[halo.offset() + i];
    if (faces.is_outermost(faces.index(i)) || density == 0) continue;
    const double change = (second.values[i] - first.values[i]) / elapsed, wrong = change + rate[i];
    sums[0].add(volumes[i] * wrong * (wrong / density));
    sums[1].add(volumes[i] * change * (change / density));
  }
  const std::vector<double> totals = grid.communicator().sum(sums);
  return {std::sqrt(totals[0]), std::sqrt(totals[1])};
}

}  // namespace fortet::densities
