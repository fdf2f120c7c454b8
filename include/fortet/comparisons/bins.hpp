#pragma once
/// Tensor bins on which two laws are compared, with one extra bin for everything outside.
#include "fortet/densities/density.hpp"
#include "fortet/ensembles/ensemble.hpp"

namespace fortet::comparisons {

class Bins {
 public:
  explicit Bins(std::vector<std::vector<double>> edges);
  /// Cells of a grid, merged to at most `limit` bins of nearly equal cell counts per axis.
  static Bins from_grid(const densities::Grid& grid, Index limit);
  /// Equal bins over mean +- 5 standard deviations of the particles, with infinite outermost edges. Collective.
  static Bins around(const ensembles::Snapshot& snapshot, const parallel::Communicator& communicator, Index limit);
  /// Equal bins over mean +- 5 standard deviations of a law that has moments.
  static Bins around(const laws::Law& law, Index limit);
  /// Merged to at most `limit` bins.
  Bins merged(Index limit) const;

  int dimension() const { return static_cast<int>(edges_.size()); }
  Index count() const { return count_; }  ///< bins inside
  Index cells(int axis) const { return static_cast<Index>(edges_[axis].size()) - 1; }
  const std::vector<std::vector<double>>& edges() const { return edges_; }
  /// Centre of a bin; of a half-infinite one the point half a neighbour's width beyond its finite edge.
  std::vector<double> centre(Index bin) const;
  /// Bin of each point, count() for outside.
  void locate(ConstPoints x, Index* bin) const;

  // Masses of the bins and, last, outside: count() + 1 numbers. Collective, the same on every rank.
  std::vector<double> masses(const densities::DensityPath& path, std::span<const double> cell_masses,
                             const parallel::Communicator& communicator) const;
  std::vector<double> masses(const laws::Law& law) const;

 private:
  std::vector<std::vector<double>> edges_;
  Index count_ = 1;
};

/// Counts of particles in bins.
struct Histogram {
  std::vector<double> weight;          ///< sum of weights per bin, outside last
  std::vector<double> squared_weight;  ///< sum of squared weights
  double particles = 0;
  /// Weighted particles lost (absorbed) are not counted: sum of weight <= particles.
};
Histogram count(const Bins& bins, const ensembles::Snapshot& snapshot, const parallel::Communicator& communicator);
/// Particles whose bin differs between two snapshots of the same particles, per bin entered or left.
std::vector<double> moved(const Bins& bins, const ensembles::Snapshot& a, const ensembles::Snapshot& b,
                          const parallel::Communicator& communicator);

}  // namespace fortet::comparisons
