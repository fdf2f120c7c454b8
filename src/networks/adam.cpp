// Kinds adam and adamw, which differ in where the weight decay enters.
#include <cmath>

#include "optimizer_kinds.hpp"

namespace fortet::networks {

namespace {
template <class Real, bool decoupled>
class Adam : public Optimizer<Real> {
 public:
  Adam(const Parameters& parameters, Index count)
      : beta_1_(parameters.real("beta_1")),
        beta_2_(parameters.real("beta_2")),
        epsilon_(parameters.real("epsilon")),
        decay_(parameters.real("weight_decay")),
        mean_(static_cast<std::size_t>(count)),
        square_(static_cast<std::size_t>(count)) {}

  void step(std::span<Real> parameters, std::span<const Real> gradient, double rate) override {
    ++steps_;
    const double correction_1 = 1 - std::pow(beta_1_, static_cast<double>(steps_));
    const double correction_2 = 1 - std::pow(beta_2_, static_cast<double>(steps_));
    const Real step = static_cast<Real>(rate / correction_1), scale = static_cast<Real>(1 / std::sqrt(correction_2));
    const Real keep_1 = static_cast<Real>(beta_1_), take_1 = static_cast<Real>(1 - beta_1_);
    const Real keep_2 = static_cast<Real>(beta_2_), take_2 = static_cast<Real>(1 - beta_2_);
    const Real shrink = static_cast<Real>(decoupled ? 1 - rate * decay_ : 1);
    const Real penalty = static_cast<Real>(decoupled ? 0 : decay_), epsilon = static_cast<Real>(epsilon_);
    Real *const x = parameters.data(), *const m = mean_.data(), *const v = square_.data();
    const Real* const gradients = gradient.data();
    const Index count = static_cast<Index>(parameters.size());
#pragma omp simd
    for (Index i = 0; i < count; ++i) {
      const Real g = decoupled ? gradients[i] : gradients[i] + penalty * x[i];
      m[i] = keep_1 * m[i] + take_1 * g;
      v[i] = keep_2 * v[i] + take_2 * g * g;
      x[i] = shrink * x[i] - step * m[i] / (std::sqrt(v[i]) * scale + epsilon);
    }
  }
  std::vector<std::pair<std::string, std::span<Real>>> state() override {
    return {{"mean", mean_}, {"square", square_}};
  }
  std::int64_t& steps() override { return steps_; }

 private:
  double beta_1_, beta_2_, epsilon_, decay_;
  std::vector<Real> mean_, square_;
  std::int64_t steps_ = 0;
};

std::vector<Parameter> parameters_of_adam(Parameter weight_decay) {
  return {rate_parameter(1e-3), defaulted("beta_1", {Type::real}, 0.9, "Decay of the mean of g").between(0, 0.999999),
          defaulted("beta_2", {Type::real}, 0.999, "Decay of the mean of g^2").between(0, 0.99999999),
          defaulted("epsilon", {Type::real}, 1e-8, "Added to the root").positive(), std::move(weight_decay)};
}

template <bool decoupled>
OptimizerFactory factory() {
  return {[](const Parameters& p, Index count) { return std::make_unique<Adam<float, decoupled>>(p, count); },
          [](const Parameters& p, Index count) { return std::make_unique<Adam<double, decoupled>>(p, count); }};
}

const Registered<OptimizerFactory> adam{
    {"optimizers", "adam",
     "m <- beta_1 m + (1 - beta_1) g, v <- beta_2 v + (1 - beta_2) g^2, x <- x - rate m^ / (sqrt(v^) + epsilon) with "
     "m^ = m / (1 - beta_1^n), v^ = v / (1 - beta_2^n)",
     "Kingma and Ba 2015", parameters_of_adam(weight_decay_parameter(0, "Added to the gradient as weight_decay x"))},
    factory<false>()};

const Registered<OptimizerFactory> adamw{
    {"optimizers", "adamw", "Adam with decoupled weight decay: x <- (1 - rate weight_decay) x before its step",
     "Loshchilov and Hutter 2019",
     parameters_of_adam(weight_decay_parameter(1e-2, "Share of x taken away per unit of rate"))},
    factory<true>()};
}  // namespace
}  // namespace fortet::networks
