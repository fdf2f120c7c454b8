#pragma once
/// Markov generator along the lines of one axis: the rates of leaving each cell upwards and downwards.
#include "fortet/densities/lines.hpp"
#include "fortet/processes/process.hpp"

namespace fortet::densities {

/// What of the domain a set of rates describes.
struct LineProblem {
  const processes::Process* process;
  const Grid* grid;
  LineSet lines;
  bool shared;  ///< the rates depend on the coordinate of the axis only: stored once
};

/// Exponentially fitted rates, by faces (bernoulli.hpp) or by cells where coefficients are not smooth (cell_rates.hpp).
/// Across the seam of a periodic axis both ends give one pair of rates, the mean of their coefficients. Row 0 is what
/// lies below a line and row length + 1 what lies above it: the counters of absorbing and outflow sides (rates zero:
/// nothing comes back), the neighbours of a part of a line, or the opposite end of a periodic line; rows 1 .. length
/// are its cells.
class LineRates {
 public:
  explicit LineRates(const LineProblem& problem);
  /// Evaluates the process at time t. Local.
  void build(double t);
  /// Largest total rate of leaving a cell on this rank.
  double largest() const { return largest_; }
  /// Divides all rates by `scale`.
  void scale(double scale);

  std::size_t bytes() const { return 2 * up_.size() * sizeof(Lanes); }
  Index rows() const { return problem_.lines.length + 2; }
  bool shared() const { return problem_.shared; }
  const LineSet& lines() const { return problem_.lines; }
  const Lanes* up(Index tile) const { return up_.data() + (shared() ? 0 : tile * rows()); }
  const Lanes* down(Index tile) const { return down_.data() + (shared() ? 0 : tile * rows()); }

 private:
  void build_tile(double t, Index tile);
  void build_tile_by_faces(double t, Index tile);
  void build_tile_by_cells(double t, Index tile);
  /// Lower face, centre and upper face of the cell in a row, for messages.
  PointArray row_points(Index tile, Index row, int lane) const;
  int axis() const { return lines().axis; }
  LineProblem problem_;
  bool by_cells_, has_equilibrium_;
  std::vector<Lanes> up_, down_;
  double largest_ = 0;
};

}  // namespace fortet::densities
