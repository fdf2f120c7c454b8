#include <bit>

#include "data_scale.hpp"
#include "network_model.hpp"
#include "training_points.hpp"

namespace fortet::training {

std::vector<Parameter> with_training_parameters(std::vector<Parameter> own) {
  const std::vector<Parameter> common{
      defaulted("network", {Type::kind}, "mlp", "architecture").of("networks"),
      defaulted("optimizer", {Type::kind}, "adam", "optimiser with its learning rate").of("optimizers"),
      defaulted("rate_schedule", {Type::kind}, "constant", "learning rate over the steps").of("rate_schedules"),
      defaulted("steps", {Type::integer}, 10000, "training steps; 0: `weights` as they are").nonnegative(),
      defaulted("batch", {Type::integer}, 256, "samples per step, over all ranks").at_least(1),
      defaulted(
          "shards", {Type::integer}, 8,
          "parts of a batch, a power of two: at most so many ranks and threads share the work, with the same bits "
          "for any number")
          .at_least(1),
      defaulted("clip", {Type::real}, 0.0, "largest Euclidean norm of the gradient; 0: no limit").nonnegative(),
      defaulted("average", {Type::real}, 0.0,
                "decay of the exponential moving average of the weights, which then are the model; 0: none")
          .between(0, 0.999999),
      defaulted("training_points", {Type::integer}, 0,
                "finite number of training points per law, gone through in epochs; 0: fresh samples for every batch "
                "(the rows of a file are always a finite set)")
          .nonnegative(),
      defaulted("validation_points", {Type::integer}, 0, "further points held out to measure the loss on")
          .nonnegative(),
      defaulted("validate_every", {Type::integer}, 500, "steps between validations, if points are held out")
          .at_least(1),
      defaulted("patience", {Type::integer}, 0,
                "stop after so many validations without progress and keep the best weights; 0: never")
          .nonnegative(),
      optional("weights", {Type::text}, "weights file to start from, relative to the deck")};
  own.insert(own.end(), common.begin(), common.end());
  return own;
}

TrainingSettings training_settings(const Parameters& parameters, const ModelContext& context) {
  TrainingSettings settings;
  settings.name = parameters.name();
  settings.seed = context.seed;
  settings.parameters = parameters;
  settings.steps = parameters.integer("steps");
  settings.batch = parameters.integer("batch");
  settings.shards = static_cast<int>(parameters.integer("shards"));
  settings.clip = parameters.real("clip");
  settings.average = parameters.real("average");
  settings.patience = static_cast<int>(parameters.integer("patience"));
  if (!std::has_single_bit(static_cast<unsigned>(settings.shards))) {
    throw ParameterError("shards", fmt::format("expected a power of two, found {}", settings.shards));
  }
  if (settings.batch < settings.shards) {
    throw ParameterError("batch",
                         fmt::format("a batch of {} cannot be cut into {} shards", settings.batch, settings.shards));
  }
  const long held_out = parameters.integer("validation_points");
  if (held_out > 0) {
    settings.validation_batches = static_cast<int>((held_out + settings.batch - 1) / settings.batch);
    settings.validate_every = parameters.integer("validate_every");
  } else if (settings.patience > 0) {
    throw ParameterError("patience", "stopping early needs validation_points");
  }
  settings.notes = scale_notes(parameters, context);
  if (parameters.has("weights")) {
    settings.initial_weights = context.directory / parameters.text("weights");
  } else if (settings.steps == 0) {
    throw ParameterError("steps", "a model without training steps needs `weights`");
  }
  return settings;
}

TrainingPoints training_points(const Parameters& parameters, const ModelContext& context, const laws::LawPtr& law,
                               const std::string& role) {
  return {law,
          context.seed,
          parameters.name() + "." + role,
          parameters.integer("training_points"),
          parameters.integer("validation_points"),
          parameters.integer("batch")};
}

}  // namespace fortet::training
