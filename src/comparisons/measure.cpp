#include "fortet/comparisons/measure.hpp"

namespace fortet::comparisons {

namespace {
Schema with_published(Schema schema) {
  schema.parameters.push_back(
      optional("published", {Type::reals},
               "figure of the literature to be printed beside this one: its mean, or [mean, standard deviation]"));
  return schema;
}
}  // namespace

RegisteredMeasure::RegisteredMeasure(Schema schema, MeasureFactory factory)
    : Registered(with_published(std::move(schema)), std::move(factory)) {}

std::unique_ptr<Measure> make_measure(const Parameters& parameters, const MeasureContext& context) {
  if (parameters.has("published") && parameters.reals("published").size() > 2) {
    throw ParameterError("published", fmt::format("expected a mean and a standard deviation, found {} numbers",
                                                  parameters.reals("published").size()));
  }
  return Registry<MeasureFactory>::instance().find("measures", parameters.kind())(parameters, context);
}

std::vector<Measurement> run_measure(Measure& measure, const Parameters& parameters, const MeasureContext& context,
                                     const parallel::Communicator& communicator) {
  std::vector<Measurement> result = measure.evaluate(context, communicator);
  for (Measurement& one : result) one.measure = parameters.name();
  if (!parameters.has("published")) return result;
  const std::vector<double> published = parameters.reals("published");
  for (Measurement& one : result) {
    if (one.quantity != result.front().quantity) continue;
    one.published = published[0];
    if (published.size() > 1) one.published_deviation = published[1];
  }
  return result;
}

}  // namespace fortet::comparisons
