#pragma once
/// Models: fields learned from samples (section and category "models", one kind per objective of the literature).
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fortet/base/parameters.hpp"
#include "fortet/base/registry.hpp"
#include "fortet/io/checkpoint.hpp"
#include "fortet/laws/law.hpp"
#include "fortet/parallel/communicator.hpp"
#include "fortet/processes/process.hpp"

namespace fortet::training {

/// What a training run is given.
struct TrainingContext {
  parallel::Communicator communicator;
  std::filesystem::path weights_file;                                 ///< written when the model is trained
  std::function<void(double fraction, const std::string&)> progress;  ///< on every rank; may be empty
  std::function<void(const Json&)> metrics;  ///< one line of the curves, on the root; may be empty
  io::Checkpoints* checkpoints = nullptr;    ///< may be null
};

/// A model of a deck. Its fields exist from the start, so that processes can be built on them, and can be evaluated
/// once it is trained.
class Model {
 public:
  virtual ~Model() = default;
  virtual int dimension() const = 0;
  virtual processes::FieldPtr velocity() const { return nullptr; }  ///< null: none is learned
  virtual processes::FieldPtr score() const { return nullptr; }
  /// The process whose marginal scores it learns; null for the scores of an interpolation on [0, 1].
  virtual processes::ProcessPtr process() const { return nullptr; }
  virtual std::int64_t parameter_count() const = 0;
  virtual int shards() const = 0;  ///< into which a batch is cut: at most so many ranks
  /// What a user has to know of the model and of its training; the same on all ranks.
  virtual std::vector<std::string> notes() const { return {}; }
  /// What one has to know who carries log densities along its fields; may be empty.
  virtual std::string log_density_note() const { return ""; }
  /// Collective. The same weights, bit for bit, on any number of ranks that is a power of two up to the number of
  /// shards (more ranks than the largest such power wait). Goes on with what the checkpoints hold and offers them every
  /// step, on the ranks that train. Throws UsageError for more ranks than shards, DivergedError for a loss that is not
  /// finite or has grown tenfold (the weights file holds the last weights only if they are sane), and what the
  /// checkpoints throw, a request to stop included, on all ranks; the weights file is then as the last finished round
  /// left it.
  virtual void train(const TrainingContext& context) = 0;
  /// Saves a trained model or restores one, whose fields have the same bits then. Collective over the state's ranks.
  virtual void exchange(io::State& state) = 0;
  /// The weights file of a trained model, as train() writes it. Collective.
  virtual void write_weights(const std::filesystem::path& file, const parallel::Communicator& communicator) const = 0;
};

using ModelPtr = std::shared_ptr<Model>;

/// What a model's factory may ask for.
struct ModelContext {
  std::function<laws::LawPtr(const std::string& name)> law;
  std::function<processes::ProcessPtr(const std::string& name)> process;
  std::filesystem::path directory;  ///< folder against which file names are resolved
  std::uint64_t seed = 0;
  parallel::Communicator communicator;  ///< weights are read together
};

using ModelFactory = std::function<ModelPtr(const Parameters&, const ModelContext&)>;

/// Makes a model of a registered kind; throws ParameterError for a value that makes none.
ModelPtr make_model(const Parameters& parameters, const ModelContext& context);

}  // namespace fortet::training
