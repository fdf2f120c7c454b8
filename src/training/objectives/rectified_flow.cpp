/// Kind rectified_flow: straight lines between pairs, then between the ends of the flow that was learned.
#include "flow.hpp"
#include "fortet/ensembles/ensemble.hpp"

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
    for (int round = 0; round < rounds; ++round) {
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
    ensembles::EnsembleSettings settings;
    settings.name = parameters_.name() + ".pairs";
    settings.process = processes::make_process(
        Parameters::make("processes", "flow",
                         {{"dimension", dimension()}, {"velocity", {{"model", parameters_.name()}}}}, settings.name),
        context);
    settings.initial = source_;
    settings.particles = parameters_.integer("pairs");
    settings.seed = seed_;
    settings.at = {0, 1};
    settings.parameters = Parameters::make("ensembles", "",
                                           {{"process", parameters_.name()},
                                            {"initial", parameters_.text("source")},
                                            {"particles", settings.particles},
                                            {"stepper", Json{{"kind", parameters_.child("pair_stepper").kind()}}},
                                            {"steps", parameters_.integer("pair_steps")}},
                                           settings.name);
    const ensembles::EnsemblePath path = ensembles::run_ensemble(settings, communicator);
    return std::make_shared<StoredPairs>(gathered(path.snapshots[0], communicator),
                                         gathered(path.snapshots[1], communicator), seed_, parameters_.name(),
                                         parameters_.integer("batch"));
  }

  static PointArray gathered(const ensembles::Snapshot& snapshot, const parallel::Communicator& communicator) {
    PointArray all(snapshot.total, snapshot.positions.dimension());
    for (int k = 0; k < all.dimension(); ++k) {
      const double* own = snapshot.positions.view().coordinate(k);
      const std::vector<double> values =
          communicator.gather_all({own, static_cast<std::size_t>(snapshot.positions.size())});
      std::copy(values.begin(), values.end(), all.view().coordinate(k));
    }
    return all;
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
          TrainingDraws(context.seed, p.name()), 0, false);
      return std::make_shared<RectifiedFlow>(p, context, objective);
    }};
}  // namespace

}  // namespace fortet::training
