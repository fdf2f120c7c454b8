#pragma once
/// What each side of the domain takes, where the axes commute: L(t) = rate(t) sum_axis L_axis.
///
/// Mass that is in cell x leaves through side s of axis k within a time T with probability
///   W_s(x) = int_0^T (e^{u L_k^T} r_s)(x_k) prod_{m != k} (e^{u L_m^T} 1)(x_m) du,   r_s: rate of leaving through s.
/// A sweep over the axes one after the other gives the right survivors and wrong sides: the axis that comes first takes
/// what the others would have taken meanwhile. The integral is by Gauss's rule on intervals that halve towards zero, to
/// about 1e-9; then the W of a cell are scaled so that they add up to what it loses, to round-off.
#include "fortet/densities/propagator.hpp"
#include "split_generator.hpp"

namespace fortet::densities {

class ProductExits {
 public:
  ProductExits(const processes::Process& process, const Grid& grid);
  /// Adds what the sides take of these masses of the slab over `time` of the clock. Collective.
  void count(double time, const double* masses);
  const Sides& absorbed() const { return absorbed_; }
  std::vector<double> counters() const;
  void set_counters(const std::vector<double>& counters);
  void exchange(io::State& state);

 private:
  void prepare(double time);
  const processes::Process* process_;
  const Grid* grid_;
  double reference_;
  bool any_ = false;
  Sides absorbed_;
  double time_ = -1;
  std::vector<std::array<std::vector<double>, 2>> weights_;  ///< W of open sides, by local cell
};

}  // namespace fortet::densities
