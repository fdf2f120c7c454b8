#pragma once
/// Unsplit uniformization on the graph of EdgeGenerator: for diffusion tensors with cross terms, where axes cannot be
/// split.
#include "edge_generator.hpp"
#include "uniformization.hpp"

namespace fortet::densities {

class EdgeUniformization {
 public:
  EdgeUniformization(const processes::Process& process, const Grid& grid);
  /// Evaluates the process at t. Collective.
  void build(double t);
  /// Applies exp(time L), or its transpose. Collective.
  void forward(double time, double* masses);
  void backward(double time, double* values);
  Sides absorbed() const;  ///< collective
  const std::vector<double>& counters() const { return counters_; }
  void set_counters(const std::vector<double>& counters) { counters_ = counters; }
  /// Collective; needs build() before.
  void exchange(io::State& state);
  double terms() const { return terms_; }

 private:
  template <bool is_forward>
  void apply(double time, double* values);
  const Grid* grid_;
  EdgeGenerator generator_;
  std::vector<double> work_, next_, counters_;  // one counter per exit
  double terms_ = 0;
};

}  // namespace fortet::densities
