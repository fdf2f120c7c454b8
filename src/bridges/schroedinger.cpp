/// Kind schroedinger: the process nearest to a reference that carries one law to another (Schroedinger 1931, Fortet
/// 1940, Leonard 2014).
#include <numbers>

#include "contraction.hpp"
#include "coupling.hpp"
#include "endpoint_masses.hpp"
#include "fortet/bridges/bridge.hpp"
#include "fortet/densities/sliced_gradient.hpp"
#include "fortet/parallel/threads.hpp"
#include "fortet/processes/deferred_field.hpp"
#include "grid_sum.hpp"
#include "potentials.hpp"
#include "reference.hpp"
#include "resolution.hpp"
#include "steered.hpp"

namespace fortet::bridges {

namespace {

class Schroedinger : public BridgeSolver {
 public:
  explicit Schroedinger(BridgeSettings settings)
      : settings_(std::move(settings)),
        grid_(*settings_.grid),
        horizon_(settings_.reference->horizon()),
        domain_(settings_.parameters.text("domain")) {
    if (settings_.reference->noise_shape() == processes::NoiseShape::none) {
      throw ParameterError("process",
                           "a reference without noise reaches one point from each: there is nothing to steer");
    }
    require_finite(*settings_.reference, grid_);
    require_noise_everywhere(*settings_.reference, grid_);
    if (domain_ == "log" && !densities::has_log_propagator(*settings_.reference)) {
      throw ParameterError("domain",
                           "log needs a reference whose axes are independent and whose rates have a common clock, as "
                           "brownian, ornstein_uhlenbeck, vp and ve; take linear");
    }
    if (settings_.parameters.has("slices_folder") && settings_.parameters.text("slices_on") == "memory") {
      throw ParameterError("slices_folder", "slices in memory need no folder; take slices_on: disk");
    }
    if (settings_.parameters.has("coupling")) boxes_ = coupling_boxes(settings_.parameters, grid_);
    propagator_ = make_propagator(settings_.reference);
    if (!propagator_->has_transpose()) {
      throw ParameterError("propagator", "this propagator has no transpose; take automatic, strang or separable");
    }
    steering_ = std::make_shared<processes::DeferredField>("bridges." + settings_.name, grid_.dimension());
    process_ = std::make_shared<Steered>(settings_.reference, steering_, false);
  }
  processes::ProcessPtr process() const override { return process_; }
  processes::ProcessPtr flow() override {
    if (!flow_) {
      flow_steering_ = std::make_shared<processes::DeferredField>("bridges." + settings_.name, grid_.dimension());
      flow_ = std::make_shared<Steered>(settings_.reference, flow_steering_, true);
    }
    return flow_;
  }

  std::vector<std::string> quantities() const override {
    std::vector<std::string> names{"source_outside_grid", "target_outside_grid", "iterations",       "marginal_error",
                                   "contraction_rate",    "log_domain",          "relative_entropy", "transport_cost",
                                   "mass_drift",          "kinetic_energy"};
    if (may_be_free()) names.emplace_back("entropic_cost");
    if (settings_.parameters.boolean("annealing")) names.emplace_back("annealing_iterations");
    return names;
  }

  BridgePath solve() override {
    BridgePath bridge;
    source_ = masses(*settings_.source, "source", bridge);
    target_ = masses(*settings_.target, "target", bridge);
    reserve_slices();
    const auto exchange_stage = [this](io::State& state) { stage_->exchange(state, grid_, domain_); };
    begin(domain_ == "log");
    const parallel::Communicator& ranks = grid_.communicator();
    if (settings_.checkpoints) settings_.checkpoints->restore(ranks, exchange_stage);
    for (;;) {
      try {
        iterate(bridge);
        break;
      } catch (const DivergedError& error) {
        if (domain_ == "automatic" && !stage_->in_logarithms && dynamic_cast<const Unreachable*>(&error) &&
            densities::has_log_propagator(*settings_.reference)) {
          begin(true);
          continue;
        }
        const bool useful = std::isfinite(stage_->iteration.now.error);
        if (settings_.checkpoints && useful) settings_.checkpoints->save(ranks, exchange_stage);
        throw;
      }
    }
    stage_.reset();
    bridge.process = process_;
    return bridge;
  }

  void exchange(io::State& state, BridgePath& bridge) override {
    const Index first = grid_.slab().begin * grid_.layer_size();
    log_hat0_.resize(grid_.local_count());
    log_phi1_.resize(grid_.local_count());
    state.flag("log_domain", in_logarithms_);
    state.rows("log_hat_0", log_hat0_, grid_.cell_count(), first, 1);
    state.rows("log_phi_1", log_phi1_, grid_.cell_count(), first, 1);
    io::exchange(state, "quantities", bridge.quantities);
    state.size("notes", bridge.notes);
    for (std::string& note : bridge.notes) state.text("note", note);
    if (!state.restores()) return;
    source_ = masses(*settings_.source, "source", bridge);
    reserve_slices();
    std::map<std::string, double> quantities = bridge.quantities;
    record(*make_carrier(settings_.reference, in_logarithms_, std::move(propagator_)), bridge, nullptr);
    bridge.quantities = std::move(quantities);  // those that were withheld stay so
    bridge.process = process_;
  }

 private:
  /// Whether the reference has no drift, as far as it is known before the run. Collective.
  bool may_be_free() const {
    try {
      return free_variance(*settings_.reference, grid_) > 0;
    } catch (const NotComputedYet&) {
      return true;
    }
  }

  /// How far the solution is: the domain, the level of annealing (0: the bridge itself) and its iteration.
  struct Stage {
    bool in_logarithms;
    std::int64_t level;
    double annealing_iterations;
    IterationState iteration;
    void exchange(io::State& state, const densities::Grid& grid, const std::string& domain) {
      state.flag("log_domain", in_logarithms);
      state.integer("annealing_level", level);
      state.real("annealing_iterations", annealing_iterations);
      iteration.exchange(state, grid);
      if (domain != "automatic") in_logarithms = domain == "log";  // the deck may say another than before
    }
  };
  void begin(bool in_logarithms) {
    const int levels =
        settings_.parameters.boolean("annealing") ? annealing_levels(*settings_.reference, grid_, source_, target_) : 0;
    stage_ = Stage{in_logarithms, levels, 0, IterationState(source_.size())};
  }

  /// From the stage to the end: solutions with more noise first, where asked for. Halved from level to level, log phi
  /// grows fourfold, as the potentials of optimal transport do that it tends to.
  void iterate(BridgePath& bridge) {
    const double tolerance = settings_.parameters.real("tolerance");
    for (; stage_->level > 0; --stage_->level) {
      const auto carrier =
          make_carrier(with_more_noise(settings_.reference, std::ldexp(1.0, static_cast<int>(stage_->level))),
                       stage_->in_logarithms);
      Potentials potentials(settings_.grid, *carrier, horizon_, source_, target_, stage_->iteration);
      stage_->annealing_iterations +=
          static_cast<double>(potentials.solve(limits(std::max(1e-3, tolerance))).iterations);
      IterationState next(0);
      next.log_phi0 = std::move(stage_->iteration.log_phi0);
      for (double& value : next.log_phi0) value *= 4;
      stage_->iteration = std::move(next);
    }
    const auto carrier = make_carrier(settings_.reference, stage_->in_logarithms, std::move(propagator_));
    Potentials potentials(settings_.grid, *carrier, horizon_, source_, target_, stage_->iteration);
    const Iteration found = potentials.solve(limits(tolerance));
    if (settings_.parameters.boolean("annealing"))
      bridge.quantities["annealing_iterations"] = stage_->annealing_iterations;
    bridge.quantities["iterations"] = static_cast<double>(found.iterations);
    bridge.quantities["marginal_error"] = found.error;
    bridge.quantities["log_domain"] = stage_->in_logarithms;
    in_logarithms_ = stage_->in_logarithms;
    log_hat0_ = potentials.log_initial();
    log_phi1_ = potentials.log_final();
    const ContractionRate rate = contraction_rate(grid_, *carrier, horizon_, source_, target_, log_hat0_, log_phi1_);
    bridge.quantities["contraction_rate"] = rate.value;
    bridge.quantities["contraction_rate_error"] = rate.error;
    add_costs(stage_->iteration.log_phi0, *carrier, bridge);
    Resolution resolution(grid_, *settings_.reference);
    record(*carrier, bridge, &resolution);
    resolution.limit(bridge.quantities.at("transport_cost"));
    judge(resolution, bridge);
  }

  /// Errors of the quantities from what the cells resolve; takes away those that they do not.
  void judge(const Resolution& resolution, BridgePath& bridge) const {
    std::map<std::string, double>& q = bridge.quantities;
    const double entropy = q.at("relative_entropy"), noise_error = resolution.noise_error();
    double widths = 0, moved = 0;
    for (int k = 0; k < grid_.dimension(); ++k) {
      double width = 0;
      for (Index i = 0; i < grid_.cells(k); ++i) width = std::max(width, grid_.width(k, i));
      // Masses of cells widen each end by h^2 / 12; the cost of transport changes by at most the change of the noise.
      widths += width * width / 6;
      moved += resolution.variance(k) * noise_error;
    }
    q["transport_cost_error"] = widths + moved;
    // 4/3 of the difference to leading order, 3/2 up to the largest number; the marginals are sharp up to their error.
    const double by_cells = 1.5 * std::abs(entropy - resolution.girsanov());
    double noise = 0;
    for (int k = 0; k < grid_.dimension(); ++k) noise += resolution.variance(k) / grid_.dimension();
    const double by_ends = noise > 0 ? widths / noise : 0;
    const double error = by_cells + by_ends + entropy * noise_error * (resolution.worst() > 0.1 ? 0.5 : 0);
    q["relative_entropy_error"] = error;
    q["kinetic_energy_error"] =
        std::abs(q.at("kinetic_energy")) * (entropy > 0 ? std::min(1.0, error / entropy) : 0) + by_ends * noise;
    if (q.contains("entropic_cost")) q["entropic_cost_error"] = 2 * noise * error;
    // theta belongs to the noise: (Dm - s) / (Dm + s) changes by at most half the relative change of s.
    q["contraction_rate_error"] += 0.5 * noise_error;
    if (resolution.is_resolved()) return;
    std::vector<std::string> gone;
    for (const char* name : {"kinetic_energy", "relative_entropy", "entropic_cost", "contraction_rate"}) {
      if (q.erase(name) > 0) gone.push_back(name);
      q.erase(std::string(name) + "_error");
    }
    std::vector<Index> cells;
    for (int k = 0; k < grid_.dimension(); ++k) cells.push_back(resolution.cells_needed(k));
    bridge.notes.push_back(fmt::format(
        "withheld: {}. The noise is finer than the cells: width x drift / noise^2 is {:.3g}, where {:g} is the most "
        "that cells resolve; the drift of the bridge is too small and its laws between the ends are too wide. Take "
        "about {} cells, or more noise",
        fmt::join(gone, ", "), resolution.worst(), Resolution::largest, fmt::join(cells, " x ")));
  }

  std::unique_ptr<densities::Propagator> make_propagator(const processes::ProcessPtr& reference) const {
    const Parameters p = settings_.parameters.child("propagator");
    return densities::make_propagator(Parameters::make("propagators", p.kind(), p.json(), settings_.name), reference,
                                      settings_.grid);
  }
  std::unique_ptr<Carrier> make_carrier(const processes::ProcessPtr& reference, bool in_logarithms,
                                        std::unique_ptr<densities::Propagator> propagator = nullptr) const {
    if (in_logarithms) return log_carrier(densities::make_log_propagator(reference, settings_.grid));
    if (!propagator) propagator = make_propagator(reference);
    return linear_carrier(settings_.grid, std::move(propagator), horizon_, settings_.parameters.integer("steps"));
  }
  IterationLimits limits(double tolerance) {
    const Parameters& p = settings_.parameters;
    const std::string word = p.text("acceleration");
    const Acceleration acceleration = word == "anderson" && !p.has("relaxation") ? Acceleration::anderson
                                      : word == "none"                           ? Acceleration::none
                                                                                 : Acceleration::relaxation;
    return {tolerance,
            p.integer("iterations"),
            acceleration,
            p.has("relaxation") ? p.real("relaxation") : 0,
            [this](const Iteration& now) { report(now); },
            [this] {
              if (!settings_.checkpoints) return;
              settings_.checkpoints->pass(grid_.communicator(),
                                          [this](io::State& state) { stage_->exchange(state, grid_, domain_); });
            }};
  }

  double total(const std::vector<double>& terms) const { return grid_sum(grid_, terms); }

  /// Cell masses of a law, scaled to one: what lies outside of the grid is a quantity of the bridge.
  std::vector<double> masses(const laws::Law& law, const std::string& which, BridgePath& bridge) const {
    EndpointMasses end = endpoint_masses(grid_, law, which);
    bridge.quantities[which + "_outside_grid"] = end.outside_grid;
    return std::move(end.masses);
  }

  void report(const Iteration& now) const {
    if (settings_.progress) {
      const double goal = std::log(settings_.parameters.real("tolerance"));
      const double fraction = now.error > 0 ? std::clamp(std::log(std::min(1.0, now.error)) / goal, 0.0, 1.0) : 1.0;
      settings_.progress(fraction, fmt::format("error {:.3g}", now.error));
    }
    if (settings_.metrics && grid_.communicator().is_root()) {
      settings_.metrics({{"object", "bridges." + settings_.name}, {"iteration", now.iterations}, {"error", now.error}});
    }
  }

  /// KL of the bridge from the reference started at the source, where hat_0 = m_0 / phi_0; E |X_1 - X_0|^2; and for a
  /// reference without drift the value of entropic transport.
  void add_costs(const std::vector<double>& log_phi0, Carrier& carrier, BridgePath& bridge) const {
    const std::size_t n = source_.size();
    std::vector<double> terms(n);
    for (std::size_t i = 0; i < n; ++i) {
      terms[i] = (target_[i] > 0 ? target_[i] * log_phi1_[i] : 0) - (source_[i] > 0 ? source_[i] * log_phi0[i] : 0);
    }
    const double relative_entropy = total(terms);
    bridge.quantities["relative_entropy"] = relative_entropy;
    bridge.quantities["transport_cost"] = transport_cost(carrier);
    const double variance = free_variance(*settings_.reference, grid_);
    double width = 0;
    for (int k = 0; k < grid_.dimension(); ++k) {
      for (Index i = 0; i < grid_.cells(k); ++i) width = std::max(width, grid_.width(k, i));
    }
    // Over longer ways the jumps between cells have another transition density than Brownian motion.
    if (!(std::sqrt(bridge.quantities["transport_cost"]) * width < variance)) return;
    // With the transition density k of Brownian motion, KL(pi | product) = KL(pi | m_0 k) + E log k - E log p_1.
    const std::vector<double> volumes = grid_.local_volumes();
    for (std::size_t i = 0; i < n; ++i) terms[i] = target_[i] > 0 ? target_[i] * std::log(target_[i] / volumes[i]) : 0;
    bridge.quantities["entropic_cost"] =
        2 * variance *
        (relative_entropy - total(terms) - 0.5 * grid_.dimension() * std::log(2 * std::numbers::pi * variance));
  }

  double transport_cost(Carrier& carrier) const {
    const Index n = grid_.local_count();
    const PointArray centres = grid_.local_centres();
    std::vector<double> terms(n, 0.0), carried(n), joint(n);
    for (int k = 0; k < grid_.dimension(); ++k) {
      const double* x = centres.view().coordinate(k);
      const double origin = grid_.edges(k).front();  // logarithms need positive numbers
      for (Index i = 0; i < n; ++i) carried[i] = log_phi1_[i] + std::log(x[i] - origin);
      carrier.backward(0, horizon_, carried);
      for (Index i = 0; i < n; ++i) carried[i] = source_[i] > 0 ? carried[i] + log_hat0_[i] : carried[i];
      exponentiate(carried, 0, joint);
      for (Index i = 0; i < n; ++i) {
        const double y = x[i] - origin;
        terms[i] += (source_[i] + target_[i]) * y * y - (source_[i] > 0 ? 2 * y * joint[i] : 0);
      }
    }
    return total(terms);
  }

  /// Minus infinities, where a potential is zero, become a number next below its least value elsewhere: flat, without a
  /// gradient, and to be told from all others. Returns that number.
  double fill_zeros(std::vector<double>& logarithms) const {
    double least = std::numeric_limits<double>::max();
    for (const double value : logarithms) least = value > minus_infinity ? std::min(least, value) : least;
    const double zero = std::nextafter(grid_.communicator().min(least), minus_infinity);
    for (double& value : logarithms) value = std::max(value, zero);
    return zero;
  }

  /// The times of the deck and of the slices.
  std::vector<double> slice_times() const {
    std::vector<double> times = settings_.at;
    const long slices = settings_.parameters.integer("slices");
    for (long k = 0; k <= slices; ++k) times.push_back(horizon_ * static_cast<double>(k) / static_cast<double>(slices));
    std::sort(times.begin(), times.end());
    times.erase(std::unique(times.begin(), times.end(), [&](double a, double b) { return b - a < 1e-12 * horizon_; }),
                times.end());
    return times;
  }

  /// Before anything is solved: a node or a disk without room for the slices is to say so at once.
  void reserve_slices() {
    const Parameters& p = settings_.parameters;
    std::string folder;
    if (p.text("slices_on") == "disk") {
      const char* temporary = std::getenv("TMPDIR");
      folder = p.has("slices_folder") ? p.text("slices_folder") : temporary && *temporary ? temporary : "/tmp";
    }
    potential_ = densities::sliced_gradient(settings_.grid, slice_times(), folder);
    if (flow_steering_) half_ratio_ = densities::sliced_gradient(settings_.grid, slice_times(), folder);
  }

  /// Both potentials at all slices, one slice at a time: the law at the times of the deck, the fields of the processes,
  /// the kinetic energy.
  void record(Carrier& carrier, BridgePath& bridge, Resolution* resolution) {
    const std::vector<double> times = slice_times(), volumes = grid_.local_volumes();
    std::vector<double> zeros(times.size()), phi = log_phi1_, filled;
    for (std::size_t k = times.size(); k-- > 0;) {
      if (k + 1 < times.size()) carrier.backward(times[k], times[k + 1], phi);
      filled = phi;
      zeros[k] = fill_zeros(filled);
      potential_->write(k, filled);
    }
    potential_->complete();
    steering_->fill(potential_);
    densities::DensityPath& law = bridge.law;
    law.name = settings_.name;
    law.grid = settings_.grid;
    law.process = process_;
    std::vector<double> hat = log_hat0_, mass(hat.size());
    double least = 2, most = 0, energy = 0, power = 0;
    for (std::size_t k = 0; k < times.size(); ++k) {
      if (k > 0) carrier.forward(times[k - 1], times[k], hat);
      phi = filled = potential_->read(k);
      std::replace(phi.begin(), phi.end(), zeros[k], minus_infinity);
      for (std::size_t i = 0; i < hat.size(); ++i) mass[i] = hat[i] + phi[i];
      if (k == 0) {  // there hat vanishes outside of the source, whatever phi is
        for (std::size_t i = 0; i < hat.size(); ++i) mass[i] = source_[i] > 0 ? mass[i] : hat[i];
      }
      exponentiate(mass, 0, mass);
      const double sum = total(mass);
      least = std::min(least, sum);
      most = std::max(most, sum);
      const double before = power;
      power = steering_power(times[k], mass);
      if (resolution) {
        const double earlier = k > 0 ? times[k] - times[k - 1] : 0,
                     later = k + 1 < times.size() ? times[k + 1] - times[k] : 0;
        resolution->add(times[k], 0.5 * (earlier + later), mass, *potential_);
      }
      if (k > 0) energy += 0.5 * (times[k] - times[k - 1]) * (before + power);
      if (flow_steering_) {
        std::vector<double> half = hat;
        for (std::size_t i = 0; i < hat.size(); ++i) half[i] -= std::log(volumes[i]);
        fill_zeros(half);
        for (std::size_t i = 0; i < hat.size(); ++i) half[i] = 0.5 * (filled[i] - half[i]);
        half_ratio_->write(k, half);
      }
      const bool wanted = std::any_of(settings_.at.begin(), settings_.at.end(),
                                      [&](double t) { return std::abs(t - times[k]) < 1e-12 * horizon_; });
      if (!wanted) continue;
      if (settings_.parameters.boolean("potentials")) {
        bridge.log_phi.push_back({times[k], phi});
        bridge.log_hat.push_back({times[k], hat});
        for (std::size_t i = 0; i < hat.size(); ++i) bridge.log_hat.back().values[i] -= std::log(volumes[i]);
      }
      densities::Snapshot snapshot{times[k], mass};
      for (std::size_t i = 0; i < volumes.size(); ++i) snapshot.values[i] /= volumes[i];
      law.snapshots.push_back(std::move(snapshot));
    }
    if (flow_steering_) {
      half_ratio_->complete();
      flow_steering_->fill(half_ratio_);
    }
    bridge.quantities["mass_drift"] = most - least;
    bridge.quantities["kinetic_energy"] = energy;
    if (!boxes_.empty()) bridge.coupling = joint_law(grid_, carrier, horizon_, log_hat0_, log_phi1_, boxes_);
  }

  /// int |a grad log phi|^2 p at time t.
  double steering_power(double t, const std::vector<double>& mass) const {
    const int d = grid_.dimension();
    std::vector<double> terms(mass.size());
    parallel::for_blocks(static_cast<Index>(mass.size()), block_size, [&](Index begin, Index end) {
      thread_local PointArray x, steering;
      if (x.size() != block_size || x.dimension() != d) x = steering = PointArray(block_size, d);
      const Points at = x.view().slice(0, end - begin), along = steering.view().slice(0, end - begin);
      grid_.local_centres(begin, at);
      process_->steering(t, at, along);
      for (Index i = begin; i < end; ++i) {
        double square = 0;
        for (int k = 0; k < d; ++k) square += along(i - begin, k) * along(i - begin, k);
        terms[i] = mass[i] > 0 ? mass[i] * square : 0;
      }
    });
    return total(terms);
  }

  static constexpr double minus_infinity = -std::numeric_limits<double>::infinity();
  BridgeSettings settings_;
  const densities::Grid& grid_;
  double horizon_;
  std::string domain_;
  std::vector<Index> boxes_;             ///< of the coupling; empty: not asked for
  std::vector<double> source_, target_;  ///< cell masses
  std::unique_ptr<densities::Propagator> propagator_;
  std::optional<Stage> stage_;  ///< while solving
  bool in_logarithms_ = false;  ///< of the solution:
  std::vector<double> log_hat0_, log_phi1_;
  /// log phi, and half of log phi - log hat for the flow.
  std::shared_ptr<densities::SlicedGradient> potential_, half_ratio_;
  std::shared_ptr<processes::DeferredField> steering_, flow_steering_;
  std::shared_ptr<Steered> process_, flow_;
};

const Registered<BridgeFactory> registered_schroedinger{
    {"bridges",
     "schroedinger",
     "The law nearest in relative entropy to a reference process among those that carry source to target: p_t = phi_t "
     "hat_t, drift b + a grad log phi_t",
     "Schroedinger, 1931; Fortet, 1940; Leonard, 2014",
     {required("process", {Type::reference}, "the reference process: any diffusion").of("processes"),
      required("source", {Type::reference}, "law at time 0").of("laws"),
      required("target", {Type::reference}, "law at the horizon of the reference").of("laws"),
      required("grid", {Type::reference}, "the grid").of("grids"),
      optional("at", {Type::reals}, "times at which the law is kept; default: 0, half the horizon and the horizon")
          .nonnegative(),
      defaulted("propagator", {Type::kind}, "automatic", "how time is advanced; it must have a transpose")
          .of("propagators"),
      defaulted("domain", {Type::choice}, "automatic",
                "linear: potentials as numbers; log: as logarithms, for small noise and references with independent "
                "axes and a clock; automatic: log where linear is out of range")
          .one_of({"automatic", "linear", "log"}),
      defaulted("annealing", {Type::boolean}, false,
                "start from solutions with more noise, halved from one to the next"),
      defaulted("steps", {Type::integer}, 100, "time steps over the horizon, for propagators with an error in time")
          .at_least(1),
      defaulted("slices", {Type::integer}, 50,
                "intervals of time between which the drift is interpolated; each slice is one number per cell")
          .at_least(1),
      defaulted("slices_on", {Type::choice}, "memory",
                "disk: in a file on each node, of which the system keeps in memory what it has room for")
          .one_of({"memory", "disk"}),
      optional(
          "slices_folder", {Type::text},
          "where slices on disk lie: a folder on a disk of each node; default: TMPDIR of the environment, or /tmp"),
      defaulted("potentials", {Type::boolean}, false,
                "store log phi_t and log hat_t at the times of `at`; p_t = hat_t phi_t"),
      optional("coupling", {Type::integers},
               "store the joint law of start and end: numbers of boxes along the axes in which starting points are "
               "gathered; one forward solve and one number per cell for each box")
          .at_least(1),
      defaulted("tolerance", {Type::real}, 1e-8, "L1 error that is left in the marginals of the coupling").positive(),
      defaulted("iterations", {Type::integer}, 10000, "at most so many").at_least(1),
      defaulted("acceleration", {Type::choice}, "relaxation",
                "anderson: the best combination of the last six iterates; relaxation: over-relaxation; none: Fortet's "
                "iteration")
          .one_of({"anderson", "relaxation", "none"}),
      optional("relaxation", {Type::real},
               "exponent of the updates of the potentials, instead of anderson, 1: Fortet's iteration; default: the "
               "best for "
               "the observed rate")
          .between(0.1, 1.99)}},
    [](BridgeSettings settings) -> std::unique_ptr<BridgeSolver> {
      return std::make_unique<Schroedinger>(std::move(settings));
    }};

}  // namespace

std::unique_ptr<BridgeSolver> make_bridge(BridgeSettings settings) {
  require_laws_on_grid(*settings.grid, *settings.source, "source");
  require_laws_on_grid(*settings.grid, *settings.target, "target");
  const std::string kind = settings.parameters.kind();
  return Registry<BridgeFactory>::instance().find("bridges", kind)(std::move(settings));
}

}  // namespace fortet::bridges
