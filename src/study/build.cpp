// Builds the objects of a deck in order and collects the faults that only their kinds can judge.
#include "fortet/base/expression.hpp"
#include "fortet/base/progress.hpp"
#include "fortet/processes/not_finite.hpp"
#include "fortet/study/study.hpp"
#include "least_memory.hpp"

namespace fortet::study {

class Builder {
 public:
  Builder(Study& study, std::filesystem::path directory, Faults& faults)
      : study_(study), deck_(study.deck_), faults_(faults), directory_(std::move(directory)) {}

  void run() {
    const MemoryLimit limit(study_.communicator_);
    machine_ = limit.machine();
    study_.order_ = build_order(deck_, faults_);
    if (!has_room()) return;
    for (const std::string& object : study_.order_) {
      const Target parts(object);
      const std::string &section = parts.section, &name = parts.name;
      const Parameters* parameters = deck_.find(section, name);
      if (!parameters || !targets_are_built(object)) continue;
      guarded(object, [&] {
        if (section == "laws") study_.laws_[name] = laws::make_law(*parameters, law_context());
        if (section == "models") build_model(*parameters);
        if (section == "measures") build_measure(*parameters, object);
        if (section == "processes") study_.processes_[name] = processes::make_process(*parameters, process_context());
        if (section == "grids") study_.grids_[name] = densities::Grid::make(*parameters, study_.communicator_);
        if (section == "bridges") build_bridge(*parameters);
        if (section == "densities") build_density(*parameters, object);
        if (section == "ensembles") build_ensemble(*parameters, object);
      });
    }
    for (const Parameters& parameters : deck_.orders) guarded(parameters.name(), [&] { check_order(parameters); });
    for (const Parameters& parameters : deck_.checks) {
      if (targets_are_built(parameters.name())) guarded(parameters.name(), [&] { build_check(parameters); });
    }
  }

 private:
  /// Whether the machine can hold what the numbers of the deck ask for, each object by itself and all together: known
  /// before any of it is allocated. Adds faults.
  bool has_room() {
    const std::size_t before = faults_.size();
    double all = 0, most = -1;
    std::string largest;
    for (const std::string& object : study_.order_) {
      const Target parts(object);
      const Parameters* const parameters = deck_.find(parts.section, parts.name);
      if (!parameters) continue;
      const LeastMemory least = least_memory(deck_, parts.section, *parameters);
      const double bytes = least.shared_out + study_.communicator_.size() * least.per_rank;
      all += bytes;
      if (bytes > most) most = bytes, largest = object;
      if (bytes > machine_) fault(object, least.key, too_much(bytes));
    }
    if (all > machine_ && faults_.size() == before)
      fault(largest, "", fmt::format("with all others {}", too_much(all)));
    return faults_.size() == before;
  }
  std::string too_much(double bytes) const {
    return fmt::format("needs at least {} of memory, and there are {}", bytes_text(bytes), bytes_text(machine_));
  }

  bool is_built(const std::string& target) const {
    const auto [section, name] = Target(target);
    if (section == "laws") return study_.laws_.contains(name);
    if (section == "processes") return study_.processes_.contains(name);
    if (section == "models") return study_.models_.contains(name);
    if (section == "grids") return study_.grids_.contains(name);
    if (section == "bridges") return study_.bridges_.contains(name);
    if (section == "measures") return study_.measures_.contains(name);
    if (section == "densities") return study_.densities_.contains(name);
    return study_.ensembles_.contains(name);
  }

  /// False when an object named here had a fault, which has been reported already.
  bool targets_are_built(const std::string& path) const {
    const std::vector<std::string> targets = deck_.targets_of(path);
    return std::all_of(targets.begin(), targets.end(), [&](const std::string& target) { return is_built(target); });
  }

  void guarded(const std::string& path, const std::function<void()>& body) {
    try {
      body();
    } catch (const ParameterErrors& errors) {
      for (const ParameterError& error : errors.all) fault(path, error.parameter, error.what());
    } catch (const ParameterError& error) {
      fault(path, error.parameter, error.what());
    } catch (const Error& error) {  // also a data file that is missing or holds no data: it is the deck that names it
      fault(path, "", error.what());
    } catch (const std::bad_alloc&) {
      fault(path, "", "needs more memory than this machine has");
    } catch (const std::exception& error) {  // of a library, which met a number that it cannot work with
      fault(path, "", fmt::format("its numbers cannot be worked with: {}", error.what()));
    }
  }

  void fault(const std::string& path, const std::string& parameter, const std::string& message) {
    const std::string place = parameter.empty() ? path : path + "." + parameter;
    faults_.add(deck_.document.position(place), fmt::format("{}: {}", place, message));
  }

  laws::LawContext law_context() {
    laws::LawContext context;
    context.law = [this](const std::string& name) { return study_.laws_.at(name); };
    context.marginal = [this](const std::string& process, const laws::LawPtr& initial, double time) {
      return processes::closed_form_marginal(*study_.processes_.at(process), initial, time);
    };
    context.directory = directory_;
    context.seed = deck_.seed;
    return context;
  }

  processes::ProcessContext process_context() {
    processes::ProcessContext context;
    context.law = [this](const std::string& name) { return study_.laws_.at(name); };
    context.process = [this](const std::string& name) {
      if (name.starts_with("bridges.")) return study_.bridges_.at(Target(name).name)->process();
      if (name.starts_with("bridge_flows.")) return study_.bridges_.at(Target(name).name)->flow();
      return study_.processes_.at(name);
    };
    context.score = [this](const std::string& section, const std::string& name,
                           const processes::ProcessPtr& of) -> processes::FieldPtr {
      if (section == "models") return model_score(name, of);
      const densities::DensitySettings& density = study_.densities_.at(name);
      if (density.process != of) {
        throw ParameterError("score.density",
                             fmt::format("densities.{} is not a density of the process that is reversed", name));
      }
      auto& field = study_.deferred_[name];
      if (!field) field = std::make_shared<processes::DeferredField>("the score of densities." + name, of->dimension());
      return field;
    };
    context.velocity = [this](const std::string& name) {
      const processes::FieldPtr velocity = study_.models_.at(name)->velocity();
      if (!velocity) throw ParameterError("velocity.model", fmt::format("models.{} learns no velocity", name));
      return velocity;
    };
    return context;
  }

  processes::FieldPtr model_score(const std::string& name, const processes::ProcessPtr& of) {
    const training::Model& model = *study_.models_.at(name);
    if (!model.score()) throw ParameterError("score.model", fmt::format("models.{} learns no score", name));
    if (model.process() && of && model.process() != of) {
      throw ParameterError("score.model",
                           fmt::format("models.{} learns the scores of another process than the one given here", name));
    }
    return model.score();
  }

  void build_model(const Parameters& parameters) {
    training::ModelContext context{[this](const std::string& name) { return study_.laws_.at(name); },
                                   [this](const std::string& name) { return study_.processes_.at(name); }, directory_,
                                   deck_.seed, study_.communicator_};
    const training::ModelPtr model = training::make_model(parameters, context);
    if (study_.communicator_.size() > model->shards()) {
      throw ParameterError("shards", fmt::format("{} ranks cannot share {} shards; raise it or take fewer ranks",
                                                 study_.communicator_.size(), model->shards()));
    }
    study_.models_[parameters.name()] = model;
  }

  void build_bridge(const Parameters& parameters) {
    bridges::BridgeSettings settings;
    settings.name = parameters.name();
    settings.parameters = parameters;
    settings.source = study_.laws_.at(parameters.text("source"));
    settings.target = study_.laws_.at(parameters.text("target"));
    settings.grid = study_.grids_.at(parameters.text("grid"));
    const int dimension = settings.grid->dimension();
    const std::string grid = "grids." + parameters.text("grid");
    double horizon = 1;
    if (parameters.has("process")) {
      settings.reference = study_.processes_.at(parameters.text("process"));
      horizon = settings.reference->horizon();
      same_dimension("process", settings.reference->dimension(), "processes." + parameters.text("process"), dimension,
                     grid);
    }
    for (const auto& [key, law] : {std::pair{"source", settings.source}, std::pair{"target", settings.target}}) {
      same_dimension(key, law->dimension(), "laws." + parameters.text(key), dimension, grid);
      if (!law->capabilities().cell_masses) {
        throw ParameterError(key, fmt::format("laws.{} has no masses of cells", parameters.text(key)));
      }
    }
    settings.at = parameters.has("at") ? parameters.reals("at") : std::vector<double>{0, horizon / 2, horizon};
    check_times(settings.at, horizon, "the bridge");
    const auto run = study_.bridge_run_;
    settings.progress = [run](double fraction, const std::string& state) {
      if (run->progress) run->progress(fraction, state);
    };
    settings.metrics = [run](const Json& line) {
      if (run->metrics) run->metrics(line);
    };
    settings.checkpoints = run.get();
    study_.bridge_times_[settings.name] = settings.at;
    study_.bridges_[parameters.name()] = bridges::make_bridge(std::move(settings));
  }

  void build_measure(const Parameters& parameters, const std::string& object) {
    if (parameters.has("at")) {
      for (const std::string& target : deck_.targets_of(object)) require_recorded(parameters.reals("at"), target);
    }
    if (parameters.has("samples")) {
      for (const std::string& target : deck_.targets_of(object))
        require_particles(parameters.integer("samples"), target);
    }
    study_.measures_[parameters.name()] = comparisons::make_measure(
        parameters, {[this](const std::string& target) { return unsolved(target); }, deck_.seed});
  }

  std::vector<double> times(const Parameters& parameters, const processes::Process& process, double fallback) {
    std::vector<double> at = parameters.has("at") ? parameters.reals("at") : std::vector<double>{fallback};
    check_times(at, process.horizon(), "processes." + parameters.text("process"));
    return at;
  }

  static void check_times(const std::vector<double>& at, double horizon, const std::string& of) {
    for (std::size_t i = 0; i < at.size(); ++i) {
      if (at[i] < 0 || at[i] > horizon * (1 + 1e-12)) {
        throw ParameterError(fmt::format("at[{}]", i),
                             fmt::format("time {:g} lies outside of [0, {:g}], the times of {}", at[i], horizon, of));
      }
      if (i > 0 && at[i] <= at[i - 1]) throw ParameterError(fmt::format("at[{}]", i), "times must increase");
    }
  }

  static void same_dimension(const char* key, int found, const std::string& what, int expected, const std::string& of) {
    if (found != expected) {
      throw ParameterError(
          key, fmt::format("{} has {} dimension{}, but {} has {}", what, found, found == 1 ? "" : "s", of, expected));
    }
  }

  void build_density(const Parameters& parameters, const std::string&) {
    densities::DensitySettings settings;
    settings.name = parameters.name();
    settings.parameters = parameters;
    settings.process = study_.processes_.at(parameters.text("process"));
    settings.grid = study_.grids_.at(parameters.text("grid"));
    const std::string process_name = "processes." + parameters.text("process");
    if (parameters.has("initial")) {
      settings.initial = study_.laws_.at(parameters.text("initial"));
      same_dimension("initial", settings.initial->dimension(), "laws." + parameters.text("initial"),
                     settings.process->dimension(), process_name);
    }
    if (parameters.has("reference")) settings.reference = study_.laws_.at(parameters.text("reference"));
    same_dimension("grid", settings.grid->dimension(), "grids." + parameters.text("grid"),
                   settings.process->dimension(), process_name);
    const std::string equation = parameters.text("equation");
    const bool evolves = equation == "forward" || equation == "backward";
    settings.at = times(parameters, *settings.process, evolves ? settings.process->horizon() : 0);
    study_.density_plans_[settings.name] = densities::check_density(settings);
    study_.densities_[settings.name] = std::move(settings);
  }

  void build_ensemble(const Parameters& parameters, const std::string&) {
    ensembles::EnsembleSettings settings;
    settings.name = parameters.name();
    settings.parameters = parameters;
    settings.process = study_.processes_.at(parameters.text("process"));
    settings.initial = study_.laws_.at(parameters.text("initial"));
    same_dimension("initial", settings.initial->dimension(), "laws." + parameters.text("initial"),
                   settings.process->dimension(), "processes." + parameters.text("process"));
    if (!settings.initial->capabilities().sample) {
      throw ParameterError("initial", fmt::format("laws.{} cannot be sampled", parameters.text("initial")));
    }
    settings.particles = parameters.integer("particles");
    settings.seed = deck_.seed;
    settings.at = times(parameters, *settings.process, settings.process->horizon());
    settings.walls = ensembles::make_walls(parameters, settings.process->dimension());
    ensembles::check_ensemble(settings);
    check_start(settings);
    study_.ensembles_[settings.name] = std::move(settings);
  }

  /// The coefficients must be numbers where the particles start, as far as a few of them tell; shortly after time 0,
  /// where a process may be singular.
  static void check_start(const ensembles::EnsembleSettings& settings) {
    if (settings.particles == 0) return;
    const Index count = std::min<std::int64_t>(settings.particles, 256);
    PointArray x(count, settings.process->dimension());
    settings.initial->sample(parallel::Stream(settings.seed, parallel::Purpose::initial_law, settings.name), 0, x);
    const auto found = processes::first_not_finite(*settings.process, settings.process->horizon() / 64, x);
    if (!found) return;
    throw ParameterError(
        "process",
        fmt::format("where the particles start the process has a value that is not finite: {}", found->text()));
  }

  /// The numbers that a path will have, so far without values.
  static void promise(densities::DensityPath& path, const std::vector<std::string>& quantities) {
    for (const std::string& name : quantities) path.quantities[name] = std::numeric_limits<double>::quiet_NaN();
  }

  static void promise_times(densities::DensityPath& path, const std::vector<double>& times) {
    path.snapshots.clear();
    for (const double t : times) path.snapshots.push_back({t, {}});
  }

  /// A side without results: what validation needs to know of it.
  comparisons::Side unsolved(const std::string& target) {
    const auto [section, name] = Target(target);
    comparisons::Side side;
    side.name = target;
    if (section == "laws") {
      side.law = study_.laws_.at(name);
    } else if (section == "densities") {
      auto& path = unsolved_densities_[name];
      path.name = name;
      const densities::DensitySettings& settings = study_.densities_.at(name);
      path.grid = settings.grid;
      path.process = settings.process;
      const std::string equation = settings.parameters.text("equation");
      path.is_law = equation == "forward" || equation == "stationary";
      promise_times(path, settings.at);
      path.boxes.clear();
      for (const densities::Box& box : densities::named_boxes(settings)) path.boxes.push_back({box, {}, {}, {}});
      promise(path, study_.density_plans_.at(name).quantities);
      side.density = &path;
    } else if (section == "bridges") {
      auto& path = unsolved_densities_[target];
      path.name = name;
      path.grid = study_.grids_.at(deck_.find(section, name)->text("grid"));
      path.process = study_.bridges_.at(name)->process();
      promise_times(path, study_.bridge_times_.at(name));
      promise(path, study_.bridges_.at(name)->quantities());
      side.density = &path;
    } else if (section == "ensembles") {
      auto& path = unsolved_ensembles_[name];
      path.name = name;
      const ensembles::EnsembleSettings& settings = study_.ensembles_.at(name);
      path.process = settings.process;
      path.walls = settings.walls;
      path.snapshots.clear();
      for (const double t : settings.at) {
        path.snapshots.emplace_back();
        path.snapshots.back().time = t;
        path.snapshots.back().total = settings.particles;
        if (settings.walls.absorbs()) path.snapshots.back().weights = {1.0};
      }
      if (study_.ensembles_.at(name).parameters.boolean("path_energy")) path.work["path_energy"] = 0;
      side.ensemble = &path;
    } else if (section == "processes") {
      side.process = study_.processes_.at(name);
    } else {
      throw ParameterError("", fmt::format("{} is no density, ensemble, law or process", target));
    }
    return side;
  }

  const std::vector<double>* times_of(const std::string& target) const {
    const auto [section, name] = Target(target);
    if (section == "densities") return &study_.densities_.at(name).at;
    if (section == "bridges") return &study_.bridge_times_.at(name);
    if (section == "ensembles") return &study_.ensembles_.at(name).at;
    return nullptr;
  }

  static bool has_time(const std::vector<double>& times, double t) {
    return std::any_of(times.begin(), times.end(),
                       [&](double s) { return std::abs(s - t) <= 1e-12 * std::max(1.0, std::abs(t)); });
  }

  /// Throws ParameterError("at[i]") for the first time that a density, bridge or ensemble does not record.
  void require_recorded(const std::vector<double>& at, const std::string& target) const {
    const std::vector<double>* const times = times_of(target);
    if (!times) return;
    for (std::size_t i = 0; i < at.size(); ++i) {
      if (has_time(*times, at[i])) continue;
      throw ParameterError(fmt::format("at[{}]", i), fmt::format("{} is not recorded at t = {:g}; it is at {}", target,
                                                                 at[i], fmt::join(*times, ", ")));
    }
  }

  /// Each of so many samples needs a particle.
  void require_particles(long samples, const std::string& target) const {
    const auto [section, name] = Target(target);
    if (section != "ensembles") return;
    const std::int64_t particles = study_.ensembles_.at(name).particles;
    if (particles < samples && particles > 0) {
      throw ParameterError(
          "samples", fmt::format("expected at most the {} particles of {}, found {}", particles, target, samples));
    }
  }

  /// An order needs a key of the sweep and a check that is named.
  void check_order(const Parameters& parameters) {
    const Json& sweep = deck_.document.values.contains("sweep") ? deck_.document.values.at("sweep") : Json::object();
    if (!sweep.contains(parameters.text("over"))) {
      throw ParameterError("over", fmt::format("'{}' is no key of the sweep", parameters.text("over")));
    }
    const bool known = std::any_of(deck_.checks.begin(), deck_.checks.end(), [&](const Parameters& check) {
      return check.has("name") && check.text("name") == parameters.text("check");
    });
    if (!known) throw ParameterError("check", fmt::format("no check has the name '{}'", parameters.text("check")));
  }

  /// What may differ without noise must be known: by a tolerance, or by an estimate of a side's error.
  void require_tolerance(const Parameters& parameters, const std::vector<std::string>& sides) const {
    if (parameters.has("tolerance")) return;
    for (const std::string& side : sides) {
      const auto [section, name] = Target(side);
      if (section == "ensembles") return;
      if (section == "densities" && deck_.find(section, name)->boolean("error_budget")) return;
    }
    throw ParameterError("tolerance",
                         fmt::format("neither {} nor {} has noise or an estimate of its error, so nothing says how far "
                                     "apart they may be: give a tolerance{}",
                                     sides[0], sides[1],
                                     sides[0].starts_with("densities.") || sides[1].starts_with("densities.")
                                         ? ", or leave the density its error_budget"
                                         : ""));
  }

  void build_check(const Parameters& parameters) {
    const std::vector<std::string> sides = parameters.texts("compare");
    if (sides.size() != 2) throw ParameterError("compare", fmt::format("expected two sides, found {}", sides.size()));
    Study::PendingCheck check{{}, sides[0], sides[1]};
    check.settings.name = sides[0] + " ~ " + sides[1];
    check.settings.parameters = parameters;
    check.settings.seed = deck_.seed;
    for (const std::string& side : sides) {
      if (side.starts_with("processes.")) {
        throw ParameterError("compare", fmt::format("{} is neither a density nor an ensemble nor a law", side));
      }
    }
    check.settings.first = unsolved(sides[0]);
    check.settings.second = unsolved(sides[1]);
    comparisons::check_check(check.settings);
    require_tolerance(parameters, sides);
    const std::vector<double>*first = times_of(sides[0]), *second = times_of(sides[1]);
    if (parameters.has("at")) {
      check.settings.times = parameters.reals("at");
      for (const std::string& side : sides) require_recorded(check.settings.times, side);
    } else {
      if (first && !second && first->size() > 1) {
        throw ParameterError("at",
                             fmt::format("which of the times of {} is to be compared with {}?", sides[0], sides[1]));
      }
      if (second && !first && second->size() > 1) {
        throw ParameterError("at",
                             fmt::format("which of the times of {} is to be compared with {}?", sides[1], sides[0]));
      }
      if (!first && !second) {
        check.settings.times = {0.0};
      } else {
        for (const double t : first ? *first : *second) {
          if (!second || has_time(*second, t)) check.settings.times.push_back(t);
        }
        if (check.settings.times.empty())
          throw ParameterError("compare", fmt::format("{} and {} have no time in common", sides[0], sides[1]));
      }
    }
    comparisons::check_times(check.settings);
    study_.checks_.push_back(std::move(check));
  }

  Study& study_;
  double machine_ = 0;  ///< memory of all nodes, in bytes
  const Deck& deck_;
  Faults& faults_;
  std::filesystem::path directory_;
  std::map<std::string, densities::DensityPath> unsolved_densities_;
  std::map<std::string, ensembles::EnsemblePath> unsolved_ensembles_;
};

Study::Study(Deck deck, const parallel::Communicator& communicator, std::filesystem::path directory, Faults& faults)
    : deck_(std::move(deck)), communicator_(communicator) {
  Builder(*this, std::move(directory), faults).run();
}

Study::~Study() = default;

}  // namespace fortet::study
