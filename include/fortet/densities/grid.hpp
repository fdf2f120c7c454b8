#pragma once
/// Tensor grids in 1-3 dimensions, uniform or stretched, distributed over ranks by slabs of the last axis.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "fortet/base/parameters.hpp"
#include "fortet/base/points.hpp"
#include "fortet/parallel/communicator.hpp"

namespace fortet::densities {

enum class Boundary { no_flux, periodic, absorbing, outflow };

/// Cells are numbered with axis 0 fastest. The slab of a rank is contiguous: all cells whose last-axis index lies in
/// slab(). Immutable. Not collective except for construction.
class Grid {
 public:
  /// `edges[k]`: the cells(k) + 1 increasing edges of axis k; `boundaries[k]`: {lower, upper}. Throws UsageError when
  /// the last axis has fewer cells than there are ranks.
  Grid(const parallel::Communicator& communicator, std::vector<std::vector<double>> edges,
       std::vector<std::array<Boundary, 2>> boundaries);
  /// From the deck's `grids` section (schema "grids").
  static std::shared_ptr<const Grid> make(const Parameters& parameters, const parallel::Communicator& communicator);
  /// The same domain with every cell cut in two along every axis: at its middle in index space, so that a stretching
  /// stays smooth.
  std::shared_ptr<const Grid> refined() const;
  /// Pairs of cells merged along every axis. Throws UsageError for an odd count or for fewer merged cells than ranks on
  /// the last axis.
  std::shared_ptr<const Grid> coarsened() const;
  bool can_be_coarsened() const;

  const parallel::Communicator& communicator() const { return communicator_; }
  int dimension() const { return static_cast<int>(edges_.size()); }
  Index cells(int axis) const { return static_cast<Index>(edges_[axis].size()) - 1; }
  Index cell_count() const;
  const std::vector<double>& edges(int axis) const { return edges_[axis]; }
  const std::vector<std::vector<double>>& edges() const { return edges_; }
  const std::vector<double>& centres(int axis) const { return centres_[axis]; }
  double width(int axis, Index cell) const { return edges_[axis][cell + 1] - edges_[axis][cell]; }
  bool is_uniform(int axis) const { return uniform_[axis]; }
  Boundary boundary(int axis, int side) const { return boundaries_[axis][side]; }
  bool is_periodic(int axis) const { return boundaries_[axis][0] == Boundary::periodic; }

  parallel::Range slab() const { return slab_; }  ///< last-axis cells of this rank
  Index local_count() const;                      ///< cells of this rank
  Index layer_size() const;                       ///< cells with one last-axis index
  /// Edges of this rank's slab: those of the grid, cut on the last axis.
  std::vector<std::vector<double>> local_edges() const;
  /// Cells of axis `axis` in this rank's slab: all but on the last axis.
  Index local_cells(int axis) const { return axis + 1 < dimension() ? cells(axis) : slab_.size(); }
  std::vector<double> local_volumes() const;
  PointArray local_centres() const;
  /// Global cell number that holds a point, or -1 outside. Upper edges belong to the cell above, the domain's last edge
  /// to the last cell; periodic axes wrap.
  void locate(ConstPoints x, std::int64_t* cell) const;
  /// Centres of the slab's cells [begin, begin + out.size()), local numbering.
  void local_centres(Index begin, Points out) const;

 private:
  Index locate(int axis, double x) const;

  parallel::Communicator communicator_;
  std::vector<std::vector<double>> edges_, centres_;
  std::vector<std::array<Boundary, 2>> boundaries_;
  std::vector<bool> uniform_;
  parallel::Range slab_;
};

using GridPtr = std::shared_ptr<const Grid>;

}  // namespace fortet::densities
