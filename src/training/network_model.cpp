#include "network_model.hpp"

#include <bit>
#include <sstream>

#include "fortet/io/seal.hpp"
#include "fortet/networks/weights_file.hpp"
#include "fortet/parallel/meeting.hpp"
#include "meaning.hpp"
#include "trainer.hpp"
#include "training_points.hpp"

namespace fortet::training {

namespace {
/// The first so many ranks, as a communicator of their own; the others hold none.
class ActiveRanks {
 public:
  ActiveRanks(const parallel::Communicator& all, int count) {
    MPI_Comm_split(all.handle(), all.rank() < count ? 0 : MPI_UNDEFINED, all.rank(), &handle_);
  }
  ~ActiveRanks() {
    if (handle_ != MPI_COMM_NULL && std::uncaught_exceptions() == 0) MPI_Comm_free(&handle_);
  }
  ActiveRanks(const ActiveRanks&) = delete;
  ActiveRanks& operator=(const ActiveRanks&) = delete;
  bool includes_this() const { return handle_ != MPI_COMM_NULL; }
  MPI_Comm handle() const { return handle_; }

 private:
  MPI_Comm handle_ = MPI_COMM_NULL;
};

template <class Real>
class NetworkLearners : public Learners {
 public:
  NetworkLearners(TrainingSettings settings, int dimension, std::vector<Head> heads,
                  const parallel::Communicator& communicator)
      : settings_(std::move(settings)) {
    const networks::Architecture architecture =
        networks::make_architecture(settings_.parameters.child("network"), dimension, dimension);
    for (Head& head : heads) {
      const std::string name = settings_.name + "." + head.name;
      networks::Network<Real> network(architecture, settings_.seed, name);
      auto published = std::make_shared<networks::Network<Real>>(architecture, settings_.seed, name);
      meanings_.push_back(meaning_of(settings_.parameters.kind(), head, dimension));
      if (!settings_.initial_weights.empty()) {
        require_same_meaning(head, communicator);
        networks::read_network(settings_.initial_weights, head.name, "weights", network, communicator);
        const std::span<const Real> weights = std::as_const(network).parameters();
        std::copy(weights.begin(), weights.end(), published->parameters().begin());
      }
      const auto count = static_cast<Index>(network.parameters().size());
      auto field = std::make_shared<LearnedField<Real>>(settings_.name, head, published);
      learners_.push_back({std::move(head), std::move(network), std::move(published),
                           networks::make_optimizer<Real>(settings_.parameters.child("optimizer"), count),
                           std::move(field)});
    }
  }

  processes::FieldPtr field(std::size_t head) const override { return learners_[head].field; }
  std::vector<std::string> notes() const override {
    std::vector<std::string> all = settings_.notes;
    all.insert(all.end(), notes_.begin(), notes_.end());
    std::istringstream lines(state_.notes);
    for (std::string line; std::getline(lines, line);) all.push_back(line);
    return all;
  }
  std::int64_t parameter_count() const override {
    std::int64_t count = 0;
    for (const auto& learner : learners_) count += static_cast<std::int64_t>(learner.network.parameters().size());
    return count;
  }

  int resume(const TrainingContext& context) override {
    resumed_ = context.checkpoints && context.checkpoints->restore(context.communicator, [&](io::State& state) {
      training::exchange(state, learners_, state_);
    });
    if (!resumed_) return 0;
    swap_with_start();
    if (state_.round > 0) set_trained();
    return static_cast<int>(state_.round);
  }

  void exchange(io::State& state) override {
    exchange_trained(state, learners_);
    state.text("notes", state_.notes);
  }

  void write_weights(const std::filesystem::path& path, const parallel::Communicator& communicator) const override {
    io::Hdf5File file(communicator, path.string(), io::Hdf5File::Mode::create);
    for (const auto& learner : learners_) {
      networks::write_network<Real>(file, learner.head.name, *learner.published,
                                    {{"weights", std::as_const(*learner.published).parameters()}});
      write_meaning(file, learner.head.name, meanings_[static_cast<std::size_t>(&learner - learners_.data())]);
    }
    file.close(io::Hdf5File::End::sealed);
  }

  void train(Objective& objective, const TrainingContext& context, int round) override {
    const parallel::Communicator& all = context.communicator;
    if (all.size() > settings_.shards) {
      throw UsageError(fmt::format("models.{}: {} ranks cannot share {} shards; raise `shards` or take fewer ranks",
                                   settings_.name, all.size(), settings_.shards));
    }
    if (resumed_) {
      swap_with_start();
      resumed_ = false;
    } else {
      TrainingState<Real> next;
      next.round = round;
      next.notes = std::move(state_.notes);
      state_ = std::move(next);
      state_.start = published_weights(learners_);
    }
    const ActiveRanks active(all, static_cast<int>(std::bit_floor(static_cast<unsigned>(all.size()))));
    std::exception_ptr failure;  // the same on every rank that trains
    ExitCode code = ExitCode::done;
    TrainingOutcome outcome;
    std::error_code ignored;  // of a file that is not there
    try {
      if (active.includes_this()) {
        Trainer<Real>(settings_, learners_, state_, objective, context, parallel::Communicator(active.handle()),
                      outcome)
            .run();
      }
    } catch (const Error& error) {
      parallel::meet_or_end(parallel::Communicator(active.handle()), error);
      failure = std::current_exception();
      code = error.exit_code();
    }
    MPI_Bcast(&code, sizeof code, MPI_BYTE, 0, all.handle());
    MPI_Bcast(&outcome.weights_are_sane, sizeof outcome.weights_are_sane, MPI_BYTE, 0, all.handle());
    for (const std::string& note : outcome.notes) state_.notes += note + '\n';
    all.broadcast(state_.notes);
    const bool ended = code == ExitCode::done || code == ExitCode::diverged;  // or the weights are on their way
    if (ended && outcome.weights_are_sane) {
      for (auto& learner : learners_) {
        const std::span<Real> weights = learner.published->parameters();
        MPI_Bcast(weights.data(), static_cast<int>(weights.size_bytes()), MPI_BYTE, 0, all.handle());
      }
      set_trained();
      if (!context.weights_file.empty()) write_weights(context.weights_file, all);
    }
    // That of an earlier round would stand for a model that has diverged.
    if (!outcome.weights_are_sane && all.is_root()) std::filesystem::remove(context.weights_file, ignored);
    parallel::together(all, [&] {
      if (failure) std::rethrow_exception(failure);
    });
  }

 private:
  /// Of the weights file and of this model, whose last meaning belongs to the head.
  void require_same_meaning(const Head& head, const parallel::Communicator& communicator) {
    const std::string name = settings_.initial_weights.string();
    io::verify_seal(communicator, name);
    io::Hdf5File file(communicator, name, io::Hdf5File::Mode::read);
    if (!file.has(head.name)) {
      std::string others;
      for (const char* other : {"velocity", "score", "forward", "backward"}) {
        if (file.has(other)) others += fmt::format("{}{}", others.empty() ? "" : ", ", other);
      }
      throw ParameterError("weights", fmt::format("{} holds no network for the {} that models.{} learns, but {}", name,
                                                  head.name, settings_.name, others.empty() ? "none" : others));
    }
    const std::optional<Meaning> found = read_meaning(file, head.name, name);
    if (!found) {
      notes_.push_back(
          fmt::format("{} does not say what its network '{}' means (it is older than fortet 0.2); it was "
                      "taken for what the deck says: predict: {}",
                      name, head.name, meanings_.back().predict));
      return;
    }
    const std::string difference =
        first_difference(*found, meanings_.back(), head.decoding_needs_path || settings_.steps == 0);
    if (difference.empty()) return;
    throw ParameterError("weights",
                         fmt::format("the network '{}' of {}, written by a model of kind {}, means something else: {}. "
                                     "Give models.{} the parameters it was trained with, or train anew",
                                     head.name, name, found->objective, difference, settings_.name));
  }
  /// Exchanges what the fields evaluate with what they evaluated when the round began.
  void swap_with_start() {
    for (std::size_t h = 0; h < learners_.size(); ++h) {
      const std::span<Real> weights = learners_[h].published->parameters();
      std::swap_ranges(weights.begin(), weights.end(), state_.start[h].begin());
    }
  }
  void set_trained() {
    for (auto& learner : learners_) learner.field->set_trained();
  }

  TrainingSettings settings_;
  std::vector<Learner<Real>> learners_;
  std::vector<Meaning> meanings_;  ///< of their heads
  std::vector<std::string> notes_;
  TrainingState<Real> state_;
  bool resumed_ = false;  ///< from a checkpoint, and train() has not been called since
};
}  // namespace

std::unique_ptr<Learners> make_learners(const TrainingSettings& settings, int dimension, std::vector<Head> heads,
                                        const parallel::Communicator& communicator) {
  const Parameters network = settings.parameters.child("network");
  const networks::Architecture architecture = networks::make_architecture(network, dimension, dimension);
  if (architecture.precision == "double") {
    return std::make_unique<NetworkLearners<double>>(settings, dimension, std::move(heads), communicator);
  }
  return std::make_unique<NetworkLearners<float>>(settings, dimension, std::move(heads), communicator);
}

NetworkModel::NetworkModel(TrainingSettings settings, std::shared_ptr<Objective> objective,
                           const parallel::Communicator& communicator, processes::ProcessPtr process)
    : settings_(std::move(settings)),
      objective_(std::move(objective)),
      process_(std::move(process)),
      learners_(make_learners(settings_, objective_->dimension(), objective_->heads(), communicator)) {}

std::string NetworkModel::log_density_note() const {
  if (networks::make_architecture(settings_.parameters.child("network"), 1, 1).activation != networks::Activation::selu)
    return "";
  return fmt::format(
      "the divergence along models.{} jumps where a neuron of selu changes sign: adaptive steps need many "
      "times the evaluations (60 times those of silu at tolerances of 1e-6 to 1e-10), and fixed steps "
      "lose their order; write activation: silu or tanh in its network",
      settings_.name);
}

processes::FieldPtr NetworkModel::field(const std::string& head) const {
  const auto& heads = objective_->heads();
  for (std::size_t h = 0; h < heads.size(); ++h) {
    if (heads[h].name == head) return learners_->field(h);
  }
  return nullptr;
}

ModelPtr make_model(const Parameters& parameters, const ModelContext& context) {
  return Registry<ModelFactory>::instance().find("models", parameters.kind())(parameters, context);
}

}  // namespace fortet::training
