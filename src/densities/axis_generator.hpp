#pragma once
/// Generators L(t) = rate(t) sum_axis L_axis with one matrix per axis.
#include "fortet/densities/propagator.hpp"
#include "uniformization.hpp"

namespace fortet::densities {

/// Whether the axes of a process are independent and its rates have a common clock.
bool is_separable(const processes::Process& process);

/// Whether the kind `automatic` takes dense propagators of each axis: exact in time, and cheap or cheaper than series.
/// Collective.
bool prefers_dense(const processes::Process& process, const Grid& grid);

/// I + L_axis / events, events > the largest rate of leaving a cell, on the columns of a matrix of n x n as lines.
class AxisGenerator {
 public:
  /// At time t. `process` and `grid` must outlive it.
  AxisGenerator(const processes::Process& process, const Grid& grid, int axis, double t);
  Index cells() const { return rates_.lines().length; }
  const LineSet& columns() const { return rates_.lines(); }
  double events() const { return events_; }      ///< per time of L(t)
  bool is_closed() const { return is_closed_; }  ///< nothing leaves
  /// matrix <- e^{time L} matrix for the time of the series; left[side][column] grows by what left.
  void advance(const PoissonSeries& series, std::vector<double>& matrix, std::vector<double>* left) const;
  bool operator==(const AxisGenerator& other) const;

 private:
  LineRates rates_;
  double events_;
  bool is_periodic_, is_closed_;
};

}  // namespace fortet::densities
