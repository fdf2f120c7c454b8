#pragma once
/// Anderson's acceleration (1965) of a fixed point x = g(x) on the cells of a grid, with weights: the next x is the
/// combination of the last g, with coefficients of sum one, whose residual g - x is least.
#include "fortet/densities/grid.hpp"
#include "fortet/io/checkpoint.hpp"

namespace fortet::bridges {

class Anderson {
 public:
  /// `depth`: differences that are kept.
  explicit Anderson(std::int64_t depth = 5) : depth_(depth) {}
  /// The next x from x and g(x), the same bits for any number of ranks. Collective.
  std::vector<double> next(const densities::Grid& grid, std::span<const double> weights, const std::vector<double>& x,
                           const std::vector<double>& g);
  bool is_at_start() const { return !begun_; }
  /// Forgets what it has seen; returns the last g(x), empty at the start.
  std::vector<double> restart();
  /// Collective.
  void exchange(io::State& state, const densities::Grid& grid);

 private:
  std::int64_t depth_;
  bool begun_ = false;
  std::vector<double> last_residual_, last_g_;
  std::vector<std::vector<double>> residual_differences_, g_differences_;  ///< oldest first
  std::vector<std::vector<double>> products_;  ///< of residual difference j with those up to j
};

}  // namespace fortet::bridges
