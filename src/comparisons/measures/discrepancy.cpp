/// Kind discrepancy: the statistics of a check as plain numbers.
#include "fortet/comparisons/measure.hpp"

namespace fortet::comparisons {

namespace {
class Discrepancy : public Measure {
 public:
  Discrepancy(const Parameters& parameters, const MeasureContext& context)
      : of_(parameters.text("of")), against_(parameters.text("against")) {
    settings_.name = parameters.name();
    Json values{{"compare", {of_, against_}}, {"by", parameters.json().at("by")}};
    if (parameters.has("bins")) values["bins"] = parameters.integer("bins");
    settings_.parameters = Parameters::make("checks", "", std::move(values), parameters.name());
    settings_.times = parameters.reals("at");
    settings_.seed = context.seed;
    take_sides(context);
    check_check(settings_);
    check_times(settings_);
  }

  std::vector<Measurement> evaluate(const MeasureContext& context,
                                    const parallel::Communicator& communicator) override {
    take_sides(context);
    std::vector<Measurement> found;
    for (const Result& result : run_check(settings_, communicator)) {
      Measurement one;
      one.quantity = result.statistic;
      one.time = result.time;
      one.value = result.value;
      if (result.p_value) {
        one.floor = result.expected;
        one.floor_deviation = result.deviation;
      }
      one.note = result.note;
      found.push_back(std::move(one));
    }
    return found;
  }

 private:
  void take_sides(const MeasureContext& context) {
    settings_.first = context.side(of_);
    settings_.second = context.side(against_);
    for (const Side* side : {&settings_.first, &settings_.second}) {
      if (side->process) throw ParameterError("of", fmt::format("{} is no density, ensemble or law", side->name));
    }
  }

  std::string of_, against_;
  CheckSettings settings_;
};

const RegisteredMeasure registered_discrepancy{
    {"measures",
     "discrepancy",
     "Statistics of a check without its verdict; the floor is the mean of the statistic when both sides agree",
     "",
     {required("of", {Type::reference}, "ensemble or density: section.name"),
      required("against", {Type::reference}, "ensemble, density or law: section.name"),
      required("at", {Type::reals}, "times"), defaulted("by", {Type::kinds}, "kl", "statistics").of("statistics"),
      optional("bins", {Type::integer}, "at most so many bins in total").at_least(2)}},
    [](const Parameters& parameters, const MeasureContext& context) -> std::unique_ptr<Measure> {
      return std::make_unique<Discrepancy>(parameters, context);
    }};
}  // namespace

}  // namespace fortet::comparisons
