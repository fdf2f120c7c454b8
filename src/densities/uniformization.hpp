#pragma once
/// Action of e^{tL} by uniformization (Jensen 1953): e^{tL} = sum_k Pois(k; Lambda t) (I + L/Lambda)^k. All terms are
/// nonnegative: positive, and accurate in every component.
#include "line_rates.hpp"

namespace fortet::densities {

/// Poisson weights of one piece of the series; `pieces` equal pieces make up the whole time.
struct PoissonSeries {
  std::vector<double> weights;
  long pieces = 0;
  long terms() const { return pieces * static_cast<long>(weights.size()); }
};

/// For Lambda t = `events` >= 0. The series is cut where a weight falls below 1e-25.
PoissonSeries poisson_series(double events);

/// Applies e^{tL} along all lines of `values` (layout of rates.lines()); `rates` divided by Lambda > largest total
/// rate. absorbed[side][line] grows by what left through the sides of a line; may be null where nothing leaves.
void uniformize_forward(const LineRates& rates, bool periodic, const PoissonSeries& series, double* values,
                        std::vector<double>* absorbed);
/// Applies the transpose e^{t L^T}; a function vanishes beyond absorbing and outflow sides.
void uniformize_backward(const LineRates& rates, bool periodic, const PoissonSeries& series, double* values);

}  // namespace fortet::densities
