// Entropic transport of the two batches.
#include "../drawn_pairs.hpp"

namespace fortet::couplings {
namespace {

class Sinkhorn : public Coupling {
 public:
  explicit Sinkhorn(const Parameters& parameters) : replacement_(parameters.boolean("replacement")) {
    settings_.epsilon = parameters.real("epsilon");
    settings_.tolerance = parameters.real("tolerance");
    settings_.iterations = parameters.integer("iterations");
  }

  void pair(const Minibatch& minibatch, const parallel::Stream& stream) const override {
    const EntropicPlan plan(minibatch.source, minibatch.target, settings_);
    (replacement_ ? draw_pairs : draw_targets)(plan, stream, minibatch.step, *minibatch.pairing);
  }

 private:
  bool replacement_;
  SinkhornSettings settings_;
};

const Registered<CouplingFactory> registered_sinkhorn{
    Schema{
        "couplings",
        "sinkhorn",
        "Pairs drawn from the plan that minimises sum |x - y|^2 pi + epsilon KL(pi | product) over the batch",
        "Cuturi 2013; Tong et al. 2024",
        {required("epsilon", {Type::real}, "Weight of KL; 2 sigma^2 gives the bridge of sigma B on [0, 1]").positive(),
         defaulted("tolerance", {Type::real}, 1e-3, "L1 error of the marginals at which the iteration stops")
             .positive(),
         defaulted("iterations", {Type::integer}, 10000, "At most so many; more are an error").at_least(1),
         defaulted("replacement", {Type::boolean}, true,
                   "Draw the pairs independently from the plan; false: every source point once, with a target drawn "
                   "from its row")}},
    [](const Parameters& parameters) -> CouplingPtr { return std::make_shared<Sinkhorn>(parameters); }};

}  // namespace
}  // namespace fortet::couplings
