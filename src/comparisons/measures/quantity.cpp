/// Kind quantity: a number that a bridge or a density has computed, for the tables of sweeps.
#include "fortet/comparisons/measure.hpp"

namespace fortet::comparisons {

namespace {
class Quantity : public Measure {
 public:
  Quantity(const Parameters& parameters, const MeasureContext& context)
      : of_(parameters.text("of")), names_(parameters.texts("quantity")) {
    if (!context.side(of_).density) {
      throw ParameterError("of", fmt::format("{} has no quantities: expected a bridge or a density", of_));
    }
  }
  std::vector<Measurement> evaluate(const MeasureContext& context, const parallel::Communicator&) override {
    const Side side = context.side(of_);
    const auto& quantities = side.density->quantities;
    const double time = side.density->snapshots.empty() ? 0 : side.density->snapshots.back().time;
    std::vector<Measurement> found;
    for (const std::string& name : names_) {
      const auto at = quantities.find(name);
      if (at == quantities.end()) {
        std::vector<std::string> known;
        for (const auto& [key, value] : quantities) known.push_back(key);
        throw UsageError(fmt::format("{} has no quantity '{}'; it has {}", of_, name, fmt::join(known, ", ")));
      }
      Measurement one;
      one.quantity = name;
      one.time = time;
      one.value = at->second;
      found.push_back(std::move(one));
    }
    return found;
  }

 private:
  std::string of_;
  std::vector<std::string> names_;
};

const RegisteredMeasure registered_quantity{
    {"measures",
     "quantity",
     "Numbers that a bridge (transport_cost, entropic_cost, kinetic_energy, ...) or a density (spectral_gap, ...) has "
     "computed",
     "",
     {required("of", {Type::reference}, "bridge or density: section.name"),
      required("quantity", {Type::texts}, "name, or list of names")}},
    [](const Parameters& parameters, const MeasureContext& context) -> std::unique_ptr<Measure> {
      return std::make_unique<Quantity>(parameters, context);
    }};
}  // namespace

}  // namespace fortet::comparisons
