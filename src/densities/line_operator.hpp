#pragma once
/// The part of a generator that acts along one axis, applied over a time to all lines of that axis.
#include <span>

#include "fortet/base/parameters.hpp"
#include "line_rates.hpp"

namespace fortet::densities {

class LineOperator {
 public:
  virtual ~LineOperator() = default;
  /// Evaluates the process at time t. Collective.
  virtual void build(double t) = 0;
  /// Applies exp(time L) to masses in the layout of whole_lines(); `absorbed` as in uniformize_forward. Local.
  virtual void forward(double time, double* masses, std::vector<double>* absorbed) = 0;
  /// Applies the transpose; throws UsageError where there is none.
  virtual void backward(double time, double* values) = 0;
  virtual bool has_transpose() const { return true; }
  /// Whether forward has no error in time.
  virtual bool is_exact() const { return true; }
  double terms() const { return terms_; }

 protected:
  double terms_ = 0;
};

/// Fitted rates, uniformization. Rates of times that build() is asked for again are kept, within so many bytes per
/// rank. Collective.
std::unique_ptr<LineOperator> make_line_diffusion(const LineProblem& problem, double memory);
/// Pure transport: MUSCL (`weno` false or a stretched axis) or WENO5-Z with SSP-RK3 and the positivity limiter.
std::unique_ptr<LineOperator> make_line_transport(const LineProblem& problem, bool weno);

/// Largest diffusion D_kk of each axis and of the cross terms |D_ij| over the grid, at the start, middle and end of the
/// horizon. Decides which axes are pure transport and whether axes can be split. Collective.
struct DiffusionShape {
  std::vector<double> axis;
  double cross = 0;
};
DiffusionShape diffusion_shape(const processes::Process& process, const Grid& grid);

}  // namespace fortet::densities
