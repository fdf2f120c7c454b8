/// Kind benamou_brenier: the cheapest flow that carries one law to another (Benamou, Brenier 2000), around obstacles
/// and through media of different cost.
#include "dynamic_transport.hpp"
#include "endpoint_masses.hpp"
#include "face_velocity.hpp"
#include "fortet/base/error.hpp"
#include "fortet/base/expression.hpp"
#include "fortet/bridges/bridge.hpp"
#include "fortet/processes/deferred_field.hpp"
#include "obstacle.hpp"

namespace fortet::bridges {

namespace {

/// Mass of an end in closed cells, or cut off by them, up to which it is left out instead of refused: tails of laws.
constexpr double negligible_mass = 1e-6;

/// dX = v(X, t) dt on [0, 1].
class TransportProcess : public processes::Process {
 public:
  explicit TransportProcess(processes::FieldPtr velocity)
      : Process(velocity->input_dimension(), 1), velocity_(std::move(velocity)) {}
  void drift(double t, ConstPoints x, Points out) const override { velocity_->evaluate(t, x, out); }
  processes::NoiseShape noise_shape() const override { return processes::NoiseShape::none; }

 private:
  processes::FieldPtr velocity_;
};

class BenamouBrenier : public BridgeSolver {
 public:
  explicit BenamouBrenier(BridgeSettings settings)
      : settings_(std::move(settings)), grid_(*settings_.grid), intervals_(settings_.parameters.integer("intervals")) {
    for (int axis = 0; axis < grid_.dimension(); ++axis) {
      if (!grid_.is_uniform(axis)) {
        throw ParameterError("grid", fmt::format("axis {} is stretched; dynamic transport needs equal cells", axis));
      }
      for (const int side : {0, 1}) {
        if (grid_.boundary(axis, side) == densities::Boundary::no_flux) continue;
        throw ParameterError(
            "grid", fmt::format("the {} side of axis {} is not no_flux; dynamic transport keeps all mass inside",
                                side == 0 ? "lower" : "upper", axis));
      }
    }
    problem_.grid = settings_.grid;
    problem_.intervals = intervals_;
    make_cost();
    velocity_ = std::make_shared<processes::DeferredField>("bridges." + settings_.name, grid_.dimension());
    process_ = std::make_shared<TransportProcess>(velocity_);
  }
  processes::ProcessPtr process() const override { return process_; }

  std::vector<std::string> quantities() const override {
    return {"source_outside_grid", "target_outside_grid", "iterations", "residual",     "kinetic_energy",
            "primal_residual",     "dual_residual",       "mass_drift", "negative_mass"};
  }

  BridgePath solve() override {
    BridgePath bridge;
    for (const auto& [which, law, masses] : {std::tuple{"source", settings_.source, &problem_.source},
                                             std::tuple{"target", settings_.target, &problem_.target}}) {
      EndpointMasses found = endpoint_masses(grid_, *law, which);
      bridge.quantities[std::string(which) + "_outside_grid"] = found.outside_grid;
      *masses = std::move(found.masses);
      if (!open_.empty()) keep_open(*masses);
    }
    const Parameters& p = settings_.parameters;
    DynamicTransport transport(std::move(problem_));
    const parallel::Communicator& ranks = grid_.communicator();
    const io::Exchange exchange_iterates = [&](io::State& state) { transport.exchange(state); };
    if (settings_.checkpoints) settings_.checkpoints->restore(ranks, exchange_iterates);
    const TransportLimits limits{p.real("tolerance"), p.integer("iterations"),
                                 [this](const TransportState& now) { report(now); },
                                 [&] {
                                   if (settings_.checkpoints) settings_.checkpoints->pass(ranks, exchange_iterates);
                                 }};
    const TransportState found = transport.solve(limits);
    if (found.residual() > limits.tolerance) {
      if (settings_.checkpoints) settings_.checkpoints->save(ranks, exchange_iterates);
      throw DivergedError(
          fmt::format("the dynamic transport is not solved after {} iterations: its residual is {:.3g} (primal {:.3g}, "
                      "dual {:.3g}), not {:g}. Give more iterations or a larger tolerance",
                      found.iterations, found.residual(), found.primal, found.dual, limits.tolerance));
    }
    bridge.quantities["iterations"] = static_cast<double>(found.iterations);
    bridge.quantities["residual"] = found.residual();
    bridge.quantities["kinetic_energy"] = found.energy;
    bridge.quantities["primal_residual"] = found.primal;
    bridge.quantities["dual_residual"] = found.dual;
    record(transport, bridge);
    return bridge;
  }

  void exchange(io::State& state, BridgePath& bridge) override {
    const int last = grid_.dimension() - 1;
    const Index layer = grid_.layer_size(), planes = grid_.slab().size();
    std::vector<double> at = settings_.at;
    state.span("at", at);
    if (at != settings_.at) throw IoError("the bridge was stored at other times than the deck asks for");
    io::exchange(state, "quantities", bridge.quantities);
    if (state.restores()) {
      bridge.law = empty_law();
      for (const double t : at) bridge.law.snapshots.push_back({t, std::vector<double>(planes * layer)});
      faces_.assign(last + 1, std::vector<double>(planes * layer * intervals_));
    }
    for (std::size_t k = 0; k < at.size(); ++k) {
      state.rows("law_" + std::to_string(k), bridge.law.snapshots[k].values, grid_.cells(last), grid_.slab().begin,
                 layer);
    }
    for (int axis = 0; axis <= last; ++axis) {
      state.rows("velocity_" + std::to_string(axis), faces_[axis], grid_.cells(last), grid_.slab().begin,
                 layer * intervals_);
    }
    if (!state.restores()) return;
    velocity_->fill(face_velocity(settings_.grid, intervals_, faces_));
    bridge.process = process_;
  }

 private:
  /// Cost of the cells, 0 in the obstacle, where a formula is given; refuses ends that cannot be reached.
  void make_cost() {
    const Parameters& p = settings_.parameters;
    if (!p.has("obstacle") && !p.has("cost")) return;
    const PointArray centres = grid_.local_centres();
    const auto evaluate = [&](const char* key) {
      std::vector<double> values(centres.size());
      parallel::together(grid_.communicator(), [&] {
        try {
          const Expression formula = Expression::parse(p.text(key), Expression::default_coordinates(grid_.dimension()));
          if (formula.depends_on_time()) throw ParameterError(key, "it may depend on the coordinates only, not on t");
          formula.evaluate(0, centres, values.data());
        } catch (const ExpressionError& error) {
          throw ParameterError(key, error.what());
        }
      });
      return values;
    };
    problem_.cost.assign(centres.size(), 1.0);
    if (p.has("cost")) {
      problem_.cost = evaluate("cost");
      const bool bad = std::any_of(problem_.cost.begin(), problem_.cost.end(),
                                   [](double value) { return !(value > 0) || !std::isfinite(value); });
      if (grid_.communicator().any(bad)) throw ParameterError("cost", "it must be positive in all cells of the grid");
    }
    if (!p.has("obstacle")) return;
    const std::vector<double> inside = evaluate("obstacle");
    open_.assign(inside.size(), 1);
    for (std::size_t i = 0; i < inside.size(); ++i) {
      if (inside[i] > 0) open_[i] = 0;
      if (inside[i] > 0) problem_.cost[i] = 0;
    }
    std::vector<double> ends[2];
    for (const int end : {0, 1}) {
      const std::string which = end == 0 ? "source" : "target";
      ends[end] = endpoint_masses(grid_, *(end == 0 ? settings_.source : settings_.target), which).masses;
      const double closed = mass_in_closed_cells(grid_, open_, ends[end]);
      if (closed > negligible_mass) {
        throw ParameterError("obstacle", fmt::format("it holds {:.3g} of the mass of the {} law", closed, which));
      }
    }
    const double separated = separated_mass(grid_, open_, ends[0], ends[1]);
    if (separated > negligible_mass) {
      throw ParameterError("obstacle",
                           fmt::format("it leaves no way for {:.3g} of the mass from source to target", separated));
    }
  }

  /// Takes away what lies in the obstacle.
  void keep_open(std::vector<double>& masses) const {
    const double kept = 1 - mass_in_closed_cells(grid_, open_, masses);
    for (std::size_t i = 0; i < masses.size(); ++i) masses[i] = open_[i] ? masses[i] / kept : 0;
  }

  void report(const TransportState& now) const {
    if (settings_.progress) {
      const double goal = std::log(settings_.parameters.real("tolerance"));
      const double fraction = std::clamp(std::log(std::min(1.0, now.residual())) / goal, 0.0, 1.0);
      settings_.progress(fraction, fmt::format("residual {:.3g}", now.residual()));
    }
    if (settings_.metrics && grid_.communicator().is_root()) {
      settings_.metrics({{"object", "bridges." + settings_.name},
                         {"iteration", now.iterations},
                         {"residual", now.residual()},
                         {"primal_residual", now.primal},
                         {"dual_residual", now.dual},
                         {"kinetic_energy", now.energy}});
    }
  }

  void record(DynamicTransport& transport, BridgePath& bridge) {
    const SpaceTime& domain = transport.domain();
    const parallel::Communicator& ranks = grid_.communicator();
    const std::vector<double> volumes = grid_.local_volumes();
    double least = 2, most = 0, negative = 0;
    for (Index k = 0; k <= domain.intervals; ++k) {
      const std::vector<double> rho = transport.density(static_cast<double>(k) * domain.time_step);
      parallel::ExactSum all, below;
      for (std::size_t i = 0; i < rho.size(); ++i) {
        all.add(rho[i] * volumes[i]);
        if (rho[i] < 0) below.add(-rho[i] * volumes[i]);
      }
      const double mass = ranks.sum(all);
      least = std::min(least, mass);
      most = std::max(most, mass);
      negative = std::max(negative, ranks.sum(below));
    }
    bridge.quantities["mass_drift"] = most - least;
    bridge.quantities["negative_mass"] = negative;
    bridge.law = empty_law();
    for (const double t : settings_.at) bridge.law.snapshots.push_back({t, transport.density(t)});
    faces_.clear();
    for (int axis = 0; axis < grid_.dimension(); ++axis) faces_.push_back(transport.velocity(axis));
    velocity_->fill(face_velocity(settings_.grid, intervals_, faces_));
    bridge.process = process_;
  }

  densities::DensityPath empty_law() const {
    densities::DensityPath law;
    law.name = settings_.name;
    law.grid = settings_.grid;
    law.process = process_;
    return law;
  }

  BridgeSettings settings_;
  const densities::Grid& grid_;
  Index intervals_;
  TransportProblem problem_;
  std::vector<std::vector<double>> faces_;  ///< velocity of this rank's faces, as face_velocity() takes it
  std::vector<char> open_;                  ///< per local cell; empty without an obstacle
  std::shared_ptr<processes::DeferredField> velocity_;
  processes::ProcessPtr process_;
};

const Registered<BridgeFactory> registered_benamou_brenier{
    {"bridges",
     "benamou_brenier",
     "Optimal transport as a flow: min int int cost |m|^2 / rho with d/dt rho + div m = 0 from source to target over "
     "[0, 1]; kinetic_energy is W_2^2 where cost = 1 and nothing is in the way",
     "Benamou, Brenier 2000; Papadakis, Peyre, Oudet 2014; Jacobs, Leger, Li, Osher 2019",
     {required("source", {Type::reference}, "law at time 0").of("laws"),
      required("target", {Type::reference}, "law at time 1").of("laws"),
      required("grid", {Type::reference}, "the grid: equal cells, no_flux on all sides").of("grids"),
      optional("at", {Type::reals}, "times in [0, 1] at which the law is kept; default: 0, 0.5 and 1").nonnegative(),
      defaulted("intervals", {Type::integer}, 32, "intervals of time").at_least(2),
      optional("obstacle", {Type::expression},
               "formula in the coordinates: no mass enters the cells where it is positive"),
      optional("cost", {Type::expression}, "positive formula in the coordinates: weight of the kinetic energy"),
      defaulted("tolerance", {Type::real}, 1e-3, "relative residual of the optimality conditions").positive(),
      defaulted("iterations", {Type::integer}, 5000, "at most so many").at_least(1)}},
    [](BridgeSettings settings) -> std::unique_ptr<BridgeSolver> {
      return std::make_unique<BenamouBrenier>(std::move(settings));
    }};

}  // namespace

}  // namespace fortet::bridges
