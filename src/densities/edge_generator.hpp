#pragma once
/// The whole generator of a process on a grid as a graph: each cell of the slab with its neighbours and the rates to
/// and from them. Axis by axis (line_rates.hpp) when D is diagonal; on Selling edges when it has cross terms.
#include <span>

#include "fortet/densities/propagator.hpp"
#include "selling.hpp"

namespace fortet::densities {

/// Values of the slab with `width` layers of its neighbours on either side (wrapped when the last axis is periodic).
class Halo {
 public:
  Halo(const Grid& grid, Index width);
  Index width() const { return width_; }
  Index offset() const { return width_ * grid_->layer_size(); }  ///< of the slab's first cell in an extended array
  Index extended_size() const { return (grid_->slab().size() + 2 * width_) * grid_->layer_size(); }
  /// Global number of an extended cell.
  std::int64_t global(Index extended) const;
  /// Fills the halo layers of an extended array from their owners; layers outside the domain are left as they are.
  /// Collective.
  void exchange(double* extended) const;

 private:
  const Grid* grid_;
  Index width_;
  struct Message {
    int rank, tag;
    Index layer;
  };
  std::vector<Message> sends_, receives_;
};

struct Edge {
  Index neighbour;            ///< in an extended array
  double out, in;             ///< rates of leaving towards the neighbour and of coming from it
  std::array<float, 3> step;  ///< centre of the neighbour minus centre of the cell
};

/// Rate at which a cell loses mass through a side.
struct Exit {
  Index cell;  ///< local
  int axis, side;
  double rate;
};

class EdgeGenerator {
 public:
  EdgeGenerator(const processes::Process& process, const Grid& grid);
  bool has_cross_terms() const { return has_cross_terms_; }
  /// Evaluates the process at t. Collective. Throws UsageError for cross terms on a stretched grid or a tensor that is
  /// not positive definite.
  void build(double t);

  const Halo& halo() const { return *halo_; }
  const std::vector<Index>& first() const { return first_; }  ///< edges of cell i: first[i] .. first[i+1]
  const std::vector<Edge>& edges() const { return edges_; }
  const std::vector<Exit>& exits() const { return exits_; }
  /// Total rate of leaving each cell.
  const std::vector<double>& leaving() const { return leaving_; }
  double largest() const { return largest_; }  ///< largest of leaving() over all ranks

 private:
  void build_axes(double t);
  void build_selling(double t);
  void finish();

  const processes::Process* process_;
  const Grid* grid_;
  double time_ = 0;  ///< of the last build()
  bool has_cross_terms_ = false;
  std::unique_ptr<Halo> halo_;
  std::vector<Index> first_;
  std::vector<Edge> edges_;
  std::vector<Exit> exits_;
  std::vector<double> leaving_;
  double largest_ = 0;
};

}  // namespace fortet::densities
