#pragma once
/// Lines of cells along one axis, worked on in tiles of `lane_count` lines so that one vector operation serves one cell
/// of each.
#include <vector>

#include "fortet/densities/grid.hpp"

namespace fortet::densities {

inline constexpr int lane_count = 8;

/// One number for each line of a tile. A compiler vector: eight doubles at once on any instruction set.
struct Lanes {
  typedef double Vector __attribute__((vector_size(lane_count * sizeof(double))));
  Vector v;
};

/// The lines along `axis` that this rank works on, as they lie in an array: line l starts at start(l), its cells are
/// `inner` apart. Cells [begin, begin + length) of the axis. `first` is the global number of line 0; global numbers run
/// over the other axes, the lowest fastest.
struct LineSet {
  int axis = 0;
  Index begin = 0, length = 0, inner = 1, count = 0;
  std::int64_t first = 0;
  Index start(Index line) const { return line / inner * inner * length + line % inner; }
  Index tiles() const { return (count + lane_count - 1) / lane_count; }
};

/// Whole lines; along the last axis of a distributed grid those that LineExchange brings to this rank.
LineSet whole_lines(const Grid& grid, int axis);
/// The parts of lines that lie in this rank's slab, in place.
LineSet slab_lines(const Grid& grid, int axis);
/// x[m] = centre of the line in the axes m != lines.axis.
void line_position(const Grid& grid, const LineSet& lines, Index line, double* x);
/// All rows of `points` at the line in a lane of a tile; `shared`: any line stands for all, the globally first is
/// taken.
void lane_position(const Grid& grid, const LineSet& lines, bool shared, Index tile, int lane, Points points);

/// Rows of a tile: rows[j] = cell j of each line; missing lines of the last tile read as zero.
void load_tile(const double* data, const LineSet& lines, Index tile, Lanes* rows);
void store_tile(double* data, const LineSet& lines, Index tile, const Lanes* rows);

/// Exchange of slabs of the last axis against whole lines along it (all to all). Does nothing on one rank.
class LineExchange {
 public:
  explicit LineExchange(const Grid& grid);
  bool is_needed() const { return grid_->communicator().size() > 1; }
  /// Collective. `lines` is resized as needed.
  void to_lines(const double* slab, std::vector<double>& lines);
  void to_slab(const std::vector<double>& lines, double* slab);

 private:
  const Grid* grid_;
  std::vector<int> slab_counts_, slab_offsets_, line_counts_, line_offsets_;
  std::vector<double> buffer_;
};

}  // namespace fortet::densities
