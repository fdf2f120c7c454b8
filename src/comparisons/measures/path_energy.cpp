// Kinetic energy spent along the paths of an ensemble.
#include "fortet/couplings/assignment.hpp"
#include "samples.hpp"

namespace fortet::comparisons {
namespace {

class PathEnergy : public Measure {
 public:
  explicit PathEnergy(Parameters parameters) : parameters_(std::move(parameters)) {}

  std::vector<Measurement> evaluate(const MeasureContext& context,
                                    const parallel::Communicator& communicator) override {
    const Side side = context.side(parameters_.text("of"));
    Measurement energy;
    energy.quantity = "path_energy";
    energy.time = side.ensemble->snapshots.back().time;
    energy.value = side.ensemble->work.at("path_energy");
    std::vector<Measurement> result{energy};
    if (parameters_.boolean("normalised")) {
      const Index n = parameters_.integer("points");
      const auto sample = [&](const char* key) {
        return law_samples(*context.side(parameters_.text(key)).law, n, context.seed,
                           fmt::format("{}:{}", parameters_.name(), key));
      };
      const double square =
          shared_out(
              {[&] { return couplings::assign(sample("source"), sample("target")).cost / static_cast<double>(n); }},
              communicator)
              .front();
      Measurement normalised = energy;
      normalised.quantity = "normalised_path_energy";
      normalised.value = std::abs(energy.value - square) / square;
      normalised.note = fmt::format("W_2^2 of {} and {} is {:.6g} ({} points)", parameters_.text("source"),
                                    parameters_.text("target"), square, n);
      result.push_back(std::move(normalised));
    }
    return result;
  }

 private:
  Parameters parameters_;
};

const RegisteredMeasure registered_path_energy{
    Schema{"measures",
           "path_energy",
           "E int |b(x_t, t)|^2 dt along the particles, at least W_2^2 of their first and last law when the process "
           "has no "
           "noise and the horizon 1; normalised: |path energy - W_2^2| / W_2^2",
           "Tong et al. 2024",
           {required("of", {Type::reference}, "Ensemble, with path_energy: true"),
            defaulted("normalised", {Type::boolean}, false, "Print the normalised path energy too"),
            optional("source", {Type::reference}, "Law at time 0, for W_2^2"),
            optional("target", {Type::reference}, "Law at the horizon, for W_2^2"),
            defaulted("points", {Type::integer}, 10000, "Points of the samples that W_2^2 is computed from")
                .between(1, 100000)}},
    [](const Parameters& parameters, const MeasureContext& context) -> std::unique_ptr<Measure> {
      const Side side = context.side(parameters.text("of"));
      if (!side.ensemble) throw ParameterError("of", fmt::format("expected an ensemble, found {}", side.name));
      if (!side.ensemble->work.contains("path_energy")) {
        throw ParameterError("of",
                             fmt::format("{} does not sum its path energy: give it path_energy: true", side.name));
      }
      if (parameters.boolean("normalised")) {
        for (const char* key : {"source", "target"}) {
          if (!parameters.has(key)) throw ParameterError("normalised", fmt::format("needs the law '{}'", key));
          const Side law = context.side(parameters.text(key));
          if (!law.law || !law.law->capabilities().sample)
            throw ParameterError(key, fmt::format("expected a law that can be sampled, found {}", law.name));
          if (law.law->dimension() != side.ensemble->process->dimension())
            throw ParameterError(key, fmt::format("{} has {} dimensions, {} has {}", law.name, law.law->dimension(),
                                                  side.name, side.ensemble->process->dimension()));
        }
      }
      return std::make_unique<PathEnergy>(parameters);
    }};

}  // namespace
}  // namespace fortet::comparisons
