/// Kind rectified_flow: straight lines between pairs, then between the ends of the flow that was learned.
#include "../simulated_pairs.hpp"
#include "flow.hpp"

namespace fortet::training {

namespace {
class RectifiedFlow : public NetworkModel {
 public:
  RectifiedFlow(const Parameters& p, const ModelContext& context, const std::shared_ptr<FlowMatching>& objective)
      : NetworkModel(training_settings(p, context), objective, context.communicator),
        objective_(objective),
        source_(context.law(p.text("source"))),
        parameters_(p),
        seed_(context.seed) {}

  void train(const TrainingContext& context) override {
    const int rounds = 1 + static_cast<int>(parameters_.integer("reflows"));
    for (int round = learners().resume(context); round < rounds; ++round) {
      if (round > 0) objective_->take(simulated(context.communicator));
      TrainingContext part = context;
      part.progress = [&](double fraction, const std::string& state) {
        if (context.progress) context.progress((round + fraction) / rounds, state);
      };
      learners().train(*objective_, part, round);
    }
  }

 private:
  /// Pairs of the points of the source and where the flow takes them.
  std::shared_ptr<Pairs> simulated(const parallel::Communicator& communicator) const {
    processes::ProcessContext context;
    context.velocity = [this](const std::string&) { return velocity(); };
    const processes::ProcessPtr flow = processes::make_process(
        Parameters::make("processes", "flow",
                         {{"dimension", dimension()}, {"velocity", {{"model", parameters_.name()}}}}, "pairs"),
        context);
    auto [start, end] = simulate_pairs(flow, source_,
                                       {parameters_.name() + ".pairs", parameters_.child("pair_stepper").kind(),
                                        parameters_.integer("pair_steps"), parameters_.integer("pairs"), seed_},
                                       communicator);
    return std::make_shared<StoredPairs>(std::move(start), std::move(end), seed_, parameters_.name(),
                                         parameters_.integer("batch"));
  }

  std::shared_ptr<FlowMatching> objective_;
  laws::LawPtr source_;
  Parameters parameters_;
  std::uint64_t seed_;
};

const Registered<ModelFactory> rectified_flow{
    {"models", "rectified_flow",
     "Velocity of straight lines, min E |v - (x_1 - x_0)|^2 on x_t = (1-t) x_0 + t x_1, first between independent "
     "pairs, "
     "then `reflows` times between the two ends of the flow learned before",
     "Liu, Gong and Liu, 2023",
     flow_parameters({defaulted("reflows", {Type::integer}, 1, "how often").nonnegative(),
                      defaulted("pairs", {Type::integer}, 10000, "pairs simulated for each reflow").at_least(1),
                      defaulted("pair_stepper", {Type::kind}, "rk4", "stepper of that simulation").of("steppers"),
                      defaulted("pair_steps", {Type::integer}, 50, "its steps").at_least(1)},
                     "independent")},
    [](const Parameters& p, const ModelContext& context) -> ModelPtr {
      auto objective = std::make_shared<FlowMatching>(
          context.law(p.text("target"))->dimension(), interpolant("linear", {{"sigma", 0.0}}),
          coupled_pairs(p, context, couplings::make_coupling(p.child("coupling"))),
          TrainingDraws(context.seed, p.name()), 0, false, standardised_ends(p, context));
      return std::make_shared<RectifiedFlow>(p, context, objective);
    }};
}  // namespace

}  // namespace fortet::training
