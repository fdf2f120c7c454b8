#pragma once
/// The gradient of a function of space and time that is recorded slice by slice.
#include <memory>
#include <string>
#include <vector>

#include "fortet/densities/grid.hpp"
#include "fortet/processes/field.hpp"

namespace fortet::densities {

/// Piecewise cubic in space with continuous first derivatives, linear in time between slices; outside the domain the
/// value at the nearest point. Each node holds all slices once. They may be written in any order; the field can be
/// evaluated after complete().
class SlicedGradient : public processes::Field {
 public:
  /// Values at the cell centres of this rank's slab at time `slice`. Collective.
  virtual void write(std::size_t slice, const std::vector<double>& values) = 0;
  /// What this rank wrote.
  virtual std::vector<double> read(std::size_t slice) const = 0;
  /// Collective.
  virtual void complete() = 0;
};

/// Room for slices at increasing times: in memory or, where a folder is named, in a file there (parallel::NodeShared).
/// Collective. Throws Error where a node has no room.
std::shared_ptr<SlicedGradient> sliced_gradient(GridPtr grid, std::vector<double> times,
                                                const std::string& folder = {});

}  // namespace fortet::densities
