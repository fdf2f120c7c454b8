#include "fortet/densities/lines.hpp"

#include "fortet/parallel/threads.hpp"

namespace fortet::densities {

LineSet slab_lines(const Grid& grid, int axis) {
  const int last = grid.dimension() - 1;
  LineSet lines;
  lines.axis = axis;
  lines.begin = axis == last ? grid.slab().begin : 0;
  lines.length = grid.local_cells(axis);
  for (int k = 0; k < axis; ++k) lines.inner *= grid.cells(k);
  lines.count = grid.local_count() / lines.length;
  if (axis < last) lines.first = grid.slab().begin * (lines.count / grid.slab().size());
  return lines;
}

LineSet whole_lines(const Grid& grid, int axis) {
  if (axis + 1 < grid.dimension()) return slab_lines(grid, axis);
  const parallel::Range share = grid.communicator().share(grid.layer_size());
  LineSet lines;
  lines.axis = axis;
  lines.length = grid.cells(axis);
  lines.inner = std::max<Index>(1, share.size());
  lines.count = share.size();
  lines.first = share.begin;
  return lines;
}

void line_position(const Grid& grid, const LineSet& lines, Index line, double* x) {
  std::int64_t number = lines.first + line;
  for (int m = 0; m < grid.dimension(); ++m) {
    if (m == lines.axis) continue;
    x[m] = grid.centres(m)[number % grid.cells(m)];
    number /= grid.cells(m);
  }
}

void lane_position(const Grid& grid, const LineSet& lines, bool shared, Index tile, int lane, Points points) {
  std::vector<double> position(grid.dimension());
  LineSet known = lines;
  if (shared) known.first = 0;
  const Index line = std::min(tile * lane_count + lane, std::max<Index>(lines.count - 1, 0));
  line_position(grid, known, shared ? 0 : line, position.data());
  for (Index i = 0; i < points.size(); ++i) {
    for (int k = 0; k < grid.dimension(); ++k) points(i, k) = position[k];
  }
}

namespace {
/// Calls body(lane, start of its line) for the lines of a tile; or body_contiguous(start) when they lie side by side.
template <class Body, class Contiguous>
void visit_tile(const LineSet& lines, Index tile, Body body, Contiguous contiguous) {
  const Index first = tile * lane_count, here = std::min<Index>(lane_count, lines.count - first);
  if (here == lane_count && first % lines.inner + lane_count <= lines.inner) {
    contiguous(lines.start(first));
  } else {
    for (Index lane = 0; lane < here; ++lane) body(lane, lines.start(first + lane));
  }
}
}  // namespace

void load_tile(const double* data, const LineSet& lines, Index tile, Lanes* rows) {
  if (lines.count - tile * lane_count < lane_count) {
    for (Index j = 0; j < lines.length; ++j) rows[j].v = Lanes::Vector{};
  }
  visit_tile(
      lines, tile,
      [&](Index lane, Index start) {
        for (Index j = 0; j < lines.length; ++j) rows[j].v[lane] = data[start + j * lines.inner];
      },
      [&](Index start) {
        for (Index j = 0; j < lines.length; ++j)
          std::copy_n(data + start + j * lines.inner, lane_count, reinterpret_cast<double*>(rows + j));
      });
}

void store_tile(double* data, const LineSet& lines, Index tile, const Lanes* rows) {
  visit_tile(
      lines, tile,
      [&](Index lane, Index start) {
        for (Index j = 0; j < lines.length; ++j) data[start + j * lines.inner] = rows[j].v[lane];
      },
      [&](Index start) {
        for (Index j = 0; j < lines.length; ++j) {
          std::copy_n(reinterpret_cast<const double*>(rows + j), lane_count, data + start + j * lines.inner);
        }
      });
}

LineExchange::LineExchange(const Grid& grid) : grid_(&grid) {
  const parallel::Communicator& ranks = grid.communicator();
  const std::int64_t layer = grid.layer_size(), layers = grid.cells(grid.dimension() - 1);
  const std::int64_t largest = (layer / ranks.size() + 1) * layers;
  if (std::max(largest, layer * (layers / ranks.size() + 1)) > std::numeric_limits<int>::max()) {
    throw UsageError("a grid of " + std::to_string(grid.cell_count()) + " cells needs more than " +
                     std::to_string(ranks.size()) + " ranks");
  }
  const std::int64_t mine = ranks.share(layer).size();
  int slab_offset = 0, line_offset = 0;
  for (int rank = 0; rank < ranks.size(); ++rank) {
    slab_counts_.push_back(static_cast<int>(grid.slab().size() * ranks.share(layer, rank).size()));
    line_counts_.push_back(static_cast<int>(mine * ranks.share(layers, rank).size()));
    slab_offsets_.push_back(slab_offset);
    line_offsets_.push_back(line_offset);
    slab_offset += slab_counts_.back();
    line_offset += line_counts_.back();
  }
}

void LineExchange::to_lines(const double* slab, std::vector<double>& lines) {
  const parallel::Communicator& ranks = grid_->communicator();
  const Index layer = grid_->layer_size(), height = grid_->slab().size();
  buffer_.resize(grid_->local_count());
  for (int rank = 0; rank < ranks.size(); ++rank) {
    const parallel::Range share = ranks.share(layer, rank);
    double* out = buffer_.data() + slab_offsets_[rank];
    for (Index j = 0; j < height; ++j)
      std::copy_n(slab + j * layer + share.begin, share.size(), out + j * share.size());
  }
  lines.resize(line_offsets_.back() + line_counts_.back());
  MPI_Alltoallv(buffer_.data(), slab_counts_.data(), slab_offsets_.data(), MPI_DOUBLE, lines.data(),
                line_counts_.data(), line_offsets_.data(), MPI_DOUBLE, ranks.handle());
}

void LineExchange::to_slab(const std::vector<double>& lines, double* slab) {
  const parallel::Communicator& ranks = grid_->communicator();
  const Index layer = grid_->layer_size(), height = grid_->slab().size();
  buffer_.resize(grid_->local_count());
  MPI_Alltoallv(lines.data(), line_counts_.data(), line_offsets_.data(), MPI_DOUBLE, buffer_.data(),
                slab_counts_.data(), slab_offsets_.data(), MPI_DOUBLE, ranks.handle());
  for (int rank = 0; rank < ranks.size(); ++rank) {
    const parallel::Range share = ranks.share(layer, rank);
    const double* in = buffer_.data() + slab_offsets_[rank];
    for (Index j = 0; j < height; ++j) std::copy_n(in + j * share.size(), share.size(), slab + j * layer + share.begin);
  }
}

}  // namespace fortet::densities
