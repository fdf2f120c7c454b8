// Entropic transport of the two batches that may leave mass where it is costly to move.
#include "../drawn_pairs.hpp"

namespace fortet::couplings {
namespace {

class Unbalanced : public Coupling {
 public:
  explicit Unbalanced(const Parameters& parameters) {
    settings_.epsilon = parameters.real("epsilon");
    settings_.mass_penalty = parameters.real("mass_penalty");
    settings_.tolerance = parameters.real("tolerance");
    settings_.iterations = parameters.integer("iterations");
  }

  void pair(const Minibatch& minibatch, const parallel::Stream& stream) const override {
    draw_pairs(EntropicPlan(minibatch.source, minibatch.target, settings_), stream, minibatch.step, *minibatch.pairing);
  }

 private:
  SinkhornSettings settings_;
};

const Registered<CouplingFactory> registered_unbalanced{
    Schema{
        "couplings",
        "unbalanced",
        "Pairs drawn from the plan that minimises sum |x - y|^2 pi + epsilon KL(pi | product) + rho KL(its marginals | "
        "the batches)",
        "Chizat, Peyre, Schmitzer, Vialard 2018",
        {required("epsilon", {Type::real}, "Weight of KL(pi | product)").positive(),
         required("mass_penalty", {Type::real}, "Weight rho of KL(marginal | batch), for either side").positive(),
         defaulted("tolerance", {Type::real}, 1e-3, "Relative change of the plan's mass at which the iteration stops")
             .positive(),
         defaulted("iterations", {Type::integer}, 10000, "At most so many; more are an error").at_least(1)}},
    [](const Parameters& parameters) -> CouplingPtr { return std::make_shared<Unbalanced>(parameters); }};

}  // namespace
}  // namespace fortet::couplings
