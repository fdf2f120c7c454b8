#pragma once
/// What the kinds of optimisers register: one factory per precision.
#include "fortet/networks/optimizer.hpp"

namespace fortet::networks {

struct OptimizerFactory {
  std::function<std::unique_ptr<Optimizer<float>>(const Parameters&, Index)> of_float;
  std::function<std::unique_ptr<Optimizer<double>>(const Parameters&, Index)> of_double;
};

inline Parameter rate_parameter(double fallback) {
  return defaulted("rate", {Type::real}, fallback, "Learning rate before the schedule's factor").positive();
}
inline Parameter weight_decay_parameter(double fallback, std::string doc) {
  return defaulted("weight_decay", {Type::real}, fallback, std::move(doc)).nonnegative();
}

}  // namespace fortet::networks
