#pragma once
/// Cells of a grid times equal intervals of [0, 1], as they lie in memory: a *plane* holds all intervals of one layer
/// of the last space axis, the layer's cells fastest. Ranks hold the planes of their slab, so that time is local.
#include "fortet/densities/grid.hpp"

namespace fortet::bridges {

struct SpaceTime {
  SpaceTime(densities::GridPtr grid, Index intervals, double length_unit);

  int dimension() const { return grid->dimension(); }
  Index plane() const { return layer * intervals; }
  Index count() const { return plane() * planes; }
  bool is_first() const { return grid->slab().begin == 0; }
  bool is_last() const { return grid->slab().end == grid->cells(dimension() - 1); }
  /// Steps in memory to the neighbours along a space axis.
  Index stride(int axis) const;
  /// Planes per block of work of one thread.
  Index block() const { return std::max<Index>(1, 4096 / plane()); }

  densities::GridPtr grid;
  Index intervals, layer, planes;
  double time_step;
  std::vector<double> widths;  ///< of the cells, in units of the length that makes space and time comparable
  /// 1 / width of an axis for the upper face of each cell of plane j, 0 on the boundary of the domain; from -stride on,
  /// where the lower faces of the first cells are.
  const double* inverse_widths(int axis, Index j) const;

 private:
  std::vector<std::vector<double>> faces_;  ///< per axis but the last, the same for all planes
  std::vector<double> inner_, boundary_;    ///< of a plane of faces across the last axis
};

/// One number per cell and interval, with a plane of zeros (or of a neighbour rank's numbers) before and after.
class PlaneArray {
 public:
  PlaneArray() = default;
  PlaneArray(const SpaceTime& domain, Index plane) : plane_(plane), values_((domain.planes + 2) * plane) {}
  explicit PlaneArray(const SpaceTime& domain) : PlaneArray(domain, domain.plane()) {}
  double* plane(Index j) { return values_.data() + (j + 1) * plane_; }
  const double* plane(Index j) const { return values_.data() + (j + 1) * plane_; }
  Index plane_size() const { return plane_; }
  std::span<const double> owned() const { return {plane(0), values_.size() - 2 * plane_}; }
  std::span<double> owned() { return {plane(0), values_.size() - 2 * plane_}; }

  /// Fills the plane before the first from the rank below. Collective.
  void receive_lower(const SpaceTime& domain);
  /// Fills the plane after the last from the rank above. Collective.
  void receive_upper(const SpaceTime& domain);

 private:
  Index plane_ = 0;
  std::vector<double> values_;
};

}  // namespace fortet::bridges
