#include "optimizer_kinds.hpp"

namespace fortet::networks {

namespace {
template <class Real>
class Sgd : public Optimizer<Real> {
 public:
  Sgd(const Parameters& parameters, Index count)
      : momentum_(static_cast<Real>(parameters.real("momentum"))),
        decay_(static_cast<Real>(parameters.real("weight_decay"))),
        velocity_(momentum_ > 0 ? static_cast<std::size_t>(count) : 0) {}

  void step(std::span<Real> parameters, std::span<const Real> gradient, double rate) override {
    const Real step = static_cast<Real>(rate), momentum = momentum_, decay = decay_;
    Real* const x = parameters.data();
    const Real* const g = gradient.data();
    const Index count = static_cast<Index>(parameters.size());
    ++steps_;
    if (velocity_.empty()) {
      for (Index i = 0; i < count; ++i) x[i] -= step * (g[i] + decay * x[i]);
      return;
    }
    Real* const v = velocity_.data();  // zero before the first step
    for (Index i = 0; i < count; ++i) {
      v[i] = momentum * v[i] + (g[i] + decay * x[i]);
      x[i] -= step * v[i];
    }
  }
  std::vector<std::pair<std::string, std::span<Real>>> state() override { return {{"velocity", velocity_}}; }
  std::int64_t& steps() override { return steps_; }

 private:
  Real momentum_, decay_;
  std::vector<Real> velocity_;
  std::int64_t steps_ = 0;
};

const Registered<OptimizerFactory> sgd{
    {"optimizers",
     "sgd",
     "v <- momentum v + g + weight_decay x, x <- x - rate v",
     "Robbins and Monro 1951; Polyak 1964",
     {rate_parameter(1e-2),
      defaulted("momentum", {Type::real}, 0.0, "Share of the last step that is kept").between(0, 0.999999),
      weight_decay_parameter(0, "Added to the gradient as weight_decay x")}},
    {[](const Parameters& p, Index count) { return std::make_unique<Sgd<float>>(p, count); },
     [](const Parameters& p, Index count) { return std::make_unique<Sgd<double>>(p, count); }}};
}  // namespace
}  // namespace fortet::networks
