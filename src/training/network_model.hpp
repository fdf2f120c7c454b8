#pragma once
/// A model made of one network per head of an objective, trained data-parallel.
#include "fortet/networks/network.hpp"
#include "fortet/networks/optimizer.hpp"
#include "fortet/training/model.hpp"
#include "objective.hpp"

namespace fortet::training {

/// Settings that every kind of model has; `training_parameters` declares them in the schema.
struct TrainingSettings {
  std::string name;
  std::uint64_t seed = 0;
  Parameters parameters;
  std::int64_t steps = 0;
  Index batch = 0;
  int shards = 8;
  double clip = 0, average = 0;  ///< 0: none
  std::int64_t validate_every = 0;
  int validation_batches = 0, patience = 0;
  std::filesystem::path initial_weights;  ///< trained weights to be read instead of training; empty: none
  std::vector<std::string> notes;         ///< what is known before the training
};

/// The parameters of a kind: its own, then those of every model.
std::vector<Parameter> with_training_parameters(std::vector<Parameter> own);
TrainingSettings training_settings(const Parameters& parameters, const ModelContext& context);
/// Points in `training_points` and `validation_points` of the deck's entry, drawn from a law.
class TrainingPoints;
TrainingPoints training_points(const Parameters& parameters, const ModelContext& context, const laws::LawPtr& law,
                               const std::string& role);

/// Networks of one precision, hidden behind this interface.
class Learners {
 public:
  virtual ~Learners() = default;
  virtual processes::FieldPtr field(std::size_t head) const = 0;
  virtual std::vector<std::string> notes() const = 0;
  virtual std::int64_t parameter_count() const = 0;
  /// Goes on where an earlier run has saved a training: returns its round, or 0 if there is none. Until train() is
  /// called, which takes up that round, the fields are those at its start, so that what is simulated from them is the
  /// same again. Collective.
  virtual int resume(const TrainingContext& context) = 0;
  /// `round` numbers the trainings of a model that has several. Collective.
  virtual void train(Objective& objective, const TrainingContext& context, int round) = 0;
  virtual void exchange(io::State& state) = 0;  ///< of the trained fields
  virtual void write_weights(const std::filesystem::path& file, const parallel::Communicator& communicator) const = 0;
};

/// Reads the initial weights, if there are any. Throws ParameterError. Collective.
std::unique_ptr<Learners> make_learners(const TrainingSettings& settings, int dimension, std::vector<Head> heads,
                                        const parallel::Communicator& communicator);

class NetworkModel : public Model {
 public:
  /// Collective. `process`: of which the scores are learned, if any.
  NetworkModel(TrainingSettings settings, std::shared_ptr<Objective> objective,
               const parallel::Communicator& communicator, processes::ProcessPtr process = nullptr);
  int dimension() const override { return objective_->dimension(); }
  processes::FieldPtr velocity() const override { return field("velocity"); }
  processes::FieldPtr score() const override { return field("score"); }
  processes::ProcessPtr process() const override { return process_; }
  std::int64_t parameter_count() const override { return learners_->parameter_count(); }
  int shards() const override { return settings_.shards; }
  std::vector<std::string> notes() const override { return learners_->notes(); }
  std::string log_density_note() const override;
  void train(const TrainingContext& context) override {
    learners_->train(*objective_, context, learners_->resume(context));
  }
  void exchange(io::State& state) override { learners_->exchange(state); }
  void write_weights(const std::filesystem::path& file, const parallel::Communicator& communicator) const override {
    learners_->write_weights(file, communicator);
  }

 protected:
  const TrainingSettings& settings() const { return settings_; }
  Learners& learners() { return *learners_; }
  processes::FieldPtr field(const std::string& head) const;

 private:
  TrainingSettings settings_;
  std::shared_ptr<Objective> objective_;
  processes::ProcessPtr process_;
  std::unique_ptr<Learners> learners_;
};

}  // namespace fortet::training
