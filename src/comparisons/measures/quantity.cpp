/// Kind quantity: a number that a bridge or a density has computed, for the tables of sweeps.
#include "fortet/comparisons/measure.hpp"

namespace fortet::comparisons {

namespace {
class Quantity : public Measure {
 public:
  Quantity(const Parameters& parameters, const MeasureContext& context)
      : of_(parameters.text("of")), names_(parameters.texts("quantity")) {
    const Side side = context.side(of_);
    if (!side.density) {
      throw ParameterError("of", fmt::format("{} has no quantities: expected a bridge or a density", of_));
    }
    std::vector<std::string> known;
    for (const auto& [name, value] : side.density->quantities) known.push_back(name);
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (side.density->quantities.contains(names_[i])) continue;
      const std::string nearest = nearest_name(names_[i], known);
      throw ParameterError(
          fmt::format("quantity[{}]", i),
          fmt::format("{} will have no quantity '{}'; {}{}", of_, names_[i],
                      known.empty() ? std::string("it has none") : fmt::format("it has {}", fmt::join(known, ", ")),
                      nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest)));
    }
  }
  std::vector<Measurement> evaluate(const MeasureContext& context, const parallel::Communicator&) override {
    const Side side = context.side(of_);
    const auto& quantities = side.density->quantities;
    const double time = side.density->snapshots.empty() ? 0 : side.density->snapshots.back().time;
    std::vector<Measurement> found;
    for (const std::string& name : names_) {
      const auto at = quantities.find(name);
      Measurement one;
      one.quantity = name;
      one.time = time;
      one.value = at == quantities.end() ? std::numeric_limits<double>::quiet_NaN() : at->second;
      if (at == quantities.end()) one.note = "withheld: this solution on this grid does not support it";
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
