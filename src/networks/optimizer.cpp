#include "fortet/networks/optimizer.hpp"

#include <cmath>

#include "optimizer_kinds.hpp"

namespace fortet::networks {

template <>
std::unique_ptr<Optimizer<float>> make_optimizer(const Parameters& parameters, Index count) {
  return Registry<OptimizerFactory>::instance().find("optimizers", parameters.kind()).of_float(parameters, count);
}
template <>
std::unique_ptr<Optimizer<double>> make_optimizer(const Parameters& parameters, Index count) {
  return Registry<OptimizerFactory>::instance().find("optimizers", parameters.kind()).of_double(parameters, count);
}

template <class Real>
void exponential_average(std::span<Real> average, std::span<const Real> parameters, double decay) {
  if (decay == 0) {  // whatever the average was, not a number included
    std::copy(parameters.begin(), parameters.end(), average.begin());
    return;
  }
  const Real keep = static_cast<Real>(decay), take = static_cast<Real>(1 - decay);
  for (std::size_t i = 0; i < average.size(); ++i) average[i] = keep * average[i] + take * parameters[i];
}

template <class Real>
double clip(std::span<Real> gradient, double limit) {
  constexpr std::size_t parts = 16;  // interleaved partial sums: a fixed order that vectorises
  double sums[parts] = {};
  std::size_t i = 0;
  for (; i + parts <= gradient.size(); i += parts) {
    for (std::size_t k = 0; k < parts; ++k) sums[k] += static_cast<double>(gradient[i + k]) * gradient[i + k];
  }
  for (std::size_t k = 0; i < gradient.size(); ++i, ++k) sums[k] += static_cast<double>(gradient[i]) * gradient[i];
  double sum = 0;
  for (const double part : sums) sum += part;
  const double norm = std::sqrt(sum);
  if (norm > limit) {
    const Real factor = static_cast<Real>(limit / norm);
    for (Real& g : gradient) g *= factor;
  }
  return norm;
}

template void exponential_average(std::span<float>, std::span<const float>, double);
template void exponential_average(std::span<double>, std::span<const double>, double);
template double clip(std::span<float>, double);
template double clip(std::span<double>, double);

}  // namespace fortet::networks
