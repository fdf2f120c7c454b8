/// Kind schroedinger: the process nearest to a reference that carries one law to another (Schroedinger 1931, Fortet
/// 1940, Leonard 2014).
#include "fortet/base/error.hpp"
#include "fortet/processes/deferred_field.hpp"
#include "potentials.hpp"

namespace fortet::bridges {

namespace {

/// dX = [b + a grad log phi] dt + G dW.
class SchroedingerProcess : public processes::Process {
 public:
  SchroedingerProcess(processes::ProcessPtr reference, processes::FieldPtr steering)
      : Process(reference->dimension(), reference->horizon()),
        reference_(std::move(reference)),
        steering_(std::move(steering)) {}

  void drift(double t, ConstPoints x, Points out) const override {
    const Index n = x.size();
    const int d = dimension(), triangle = d * (d + 1) / 2;
    thread_local std::vector<double> storage;
    storage.resize(static_cast<std::size_t>(n) * (d + triangle));
    const Points gradient(storage.data(), n, d), diffusion(storage.data() + n * d, n, triangle);
    steering_->evaluate(t, x, gradient);
    reference_->drift(t, x, out);
    if (noise_shape() == processes::NoiseShape::uniform) {
      const double variance = std::pow(reference_->noise_level(t), 2);
      for (int k = 0; k < d; ++k) {
        for (Index i = 0; i < n; ++i) out(i, k) += variance * gradient(i, k);
      }
      return;
    }
    reference_->diffusion(t, x, diffusion);
    for (int i = 0, column = 0; i < d; ++i) {
      for (int j = i; j < d; ++j, ++column) {
        for (Index p = 0; p < n; ++p) {
          out(p, i) += diffusion(p, column) * gradient(p, j);
          if (j > i) out(p, j) += diffusion(p, column) * gradient(p, i);
        }
      }
    }
  }
  processes::NoiseShape noise_shape() const override { return reference_->noise_shape(); }
  bool noise_is_additive() const override { return reference_->noise_is_additive(); }
  int noise_count() const override { return reference_->noise_count(); }
  double noise_level(double t) const override { return reference_->noise_level(t); }
  void noise(double t, ConstPoints x, Points out) const override { reference_->noise(t, x, out); }
  void noise_derivative(double t, ConstPoints x, Points out) const override { reference_->noise_derivative(t, x, out); }
  void diffusion_divergence(double t, ConstPoints x, Points out) const override {
    reference_->diffusion_divergence(t, x, out);
  }

 private:
  processes::ProcessPtr reference_;
  processes::FieldPtr steering_;  ///< grad log phi
};

class Schroedinger : public BridgeSolver {
 public:
  explicit Schroedinger(BridgeSettings settings) : settings_(std::move(settings)), grid_(*settings_.grid) {
    const Parameters& p = settings_.parameters;
    if (settings_.reference->noise_shape() == processes::NoiseShape::none) {
      throw ParameterError("process",
                           "a reference without noise reaches one point from each: there is nothing to steer");
    }
    propagator_ = densities::make_propagator(
        Parameters::make("propagators", p.child("propagator").kind(), p.child("propagator").json(), settings_.name),
        settings_.reference, settings_.grid);
    if (!propagator_->has_transpose()) {
      throw ParameterError("propagator", "this propagator has no transpose; take automatic, strang or separable");
    }
    steps_ = p.integer("steps");
    steering_ = std::make_shared<processes::DeferredField>("bridges." + settings_.name, grid_.dimension());
    process_ = std::make_shared<SchroedingerProcess>(settings_.reference, steering_);
  }
  processes::ProcessPtr process() const override { return process_; }

  BridgePath solve() override {
    const Parameters& p = settings_.parameters;
    BridgePath bridge;
    std::vector<double> source = masses(*settings_.source, "source", bridge),
                        target = masses(*settings_.target, "target", bridge);
    const double horizon = settings_.reference->horizon();
    Potentials potentials(settings_.grid, std::move(propagator_), horizon, steps_, source, target);
    const double relaxation = p.has("relaxation") ? p.real("relaxation") : 0;
    const Iteration found = potentials.solve(
        {p.real("tolerance"), p.integer("iterations"), relaxation, [this](const Iteration& now) { report(now); }});
    bridge.quantities["iterations"] = static_cast<double>(found.iterations);
    bridge.quantities["marginal_error"] = found.error;
    bridge.quantities["contraction_rate"] = found.rate;
    // KL of the bridge from the reference started at the source: hat_0 = m_0 / phi_0.
    std::vector<double> terms(source.size());
    for (std::size_t i = 0; i < source.size(); ++i) {
      terms[i] = (target[i] > 0 ? target[i] * std::log(potentials.final()[i]) : 0) -
                 (source[i] > 0 ? source[i] * std::log(potentials.phi0()[i]) : 0);
    }
    bridge.quantities["relative_entropy"] = potentials.sum(terms);
    bridge.quantities["transport_cost"] = transport_cost(potentials, source, target);
    record(potentials, bridge);
    bridge.process = process_;
    return bridge;
  }

 private:
  /// Cell masses of a law, scaled to one: what lies outside of the grid is a quantity of the bridge.
  std::vector<double> masses(const laws::Law& law, const std::string& which, BridgePath& bridge) const {
    std::vector<double> result(grid_.local_count());
    parallel::together(grid_.communicator(), [&] { law.cell_masses(grid_.local_edges(), result); });
    parallel::ExactSum sum;
    sum.add(std::span<const double>(result));
    const double total = grid_.communicator().sum(sum);
    if (!(total > 0)) throw DivergedError(fmt::format("the {} law has no mass on the grid", which));
    for (double& mass : result) mass /= total;
    bridge.quantities[which + "_outside_grid"] = std::max(0.0, 1 - total);
    return result;
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

  /// E |X_1 - X_0|^2 under the coupling hat_0 R phi_1.
  double transport_cost(Potentials& potentials, const std::vector<double>& source,
                        const std::vector<double>& target) const {
    const Index n = grid_.local_count();
    const PointArray centres = grid_.local_centres();
    std::vector<double> terms(n, 0.0), carried(n);
    for (int k = 0; k < grid_.dimension(); ++k) {
      const double* x = centres.view().coordinate(k);
      for (Index i = 0; i < n; ++i) carried[i] = x[i] * potentials.final()[i];
      potentials.propagator().backward(0, settings_.reference->horizon(), steps_, carried);
      for (Index i = 0; i < n; ++i) {
        terms[i] += (source[i] + target[i]) * x[i] * x[i] - 2 * x[i] * potentials.initial()[i] * carried[i];
      }
    }
    return potentials.sum(terms);
  }

  /// Both potentials at the times of the deck and of the slices, the law, and the field of the process.
  void record(Potentials& potentials, BridgePath& bridge) {
    const double horizon = settings_.reference->horizon();
    std::vector<double> times = settings_.at;
    const long slices = settings_.parameters.integer("slices");
    for (long k = 0; k <= slices; ++k) times.push_back(horizon * static_cast<double>(k) / static_cast<double>(slices));
    std::sort(times.begin(), times.end());
    times.erase(std::unique(times.begin(), times.end(), [&](double a, double b) { return b - a < 1e-12 * horizon; }),
                times.end());
    const auto steps_between = [&](double t0, double t1) {
      return std::max(1L, std::lround(static_cast<double>(steps_) * (t1 - t0) / horizon));
    };
    densities::DensityPath steering;  // phi at all times: grad log phi is the score of this path
    steering.name = settings_.name;
    steering.grid = settings_.grid;
    steering.snapshots.resize(times.size());
    std::vector<double> phi = potentials.final();
    for (std::size_t k = times.size(); k-- > 0;) {
      if (k + 1 < times.size())
        potentials.propagator().backward(times[k], times[k + 1], steps_between(times[k], times[k + 1]), phi);
      steering.snapshots[k] = {times[k], phi};
    }
    densities::DensityPath& law = bridge.law;
    law.name = settings_.name;
    law.grid = settings_.grid;
    law.process = process_;
    const std::vector<double> volumes = grid_.local_volumes();
    std::vector<double> hat = potentials.initial();
    double least = 2, most = 0;
    for (std::size_t k = 0; k < times.size(); ++k) {
      if (k > 0) potentials.propagator().forward(times[k - 1], times[k], steps_between(times[k - 1], times[k]), hat);
      std::vector<double> mass(hat.size());
      for (std::size_t i = 0; i < hat.size(); ++i) mass[i] = hat[i] * steering.snapshots[k].values[i];
      const double total = potentials.sum(mass);
      least = std::min(least, total);
      most = std::max(most, total);
      const bool wanted = std::any_of(settings_.at.begin(), settings_.at.end(),
                                      [&](double t) { return std::abs(t - times[k]) < 1e-12 * horizon; });
      if (!wanted) continue;
      densities::Snapshot snapshot{times[k], std::move(mass)};
      for (std::size_t i = 0; i < volumes.size(); ++i) snapshot.values[i] /= volumes[i];
      law.snapshots.push_back(std::move(snapshot));
    }
    bridge.quantities["mass_drift"] = most - least;
    steering_->fill(densities::score_field(steering));
  }

  BridgeSettings settings_;
  const densities::Grid& grid_;
  std::unique_ptr<densities::Propagator> propagator_;
  long steps_;
  std::shared_ptr<processes::DeferredField> steering_;
  processes::ProcessPtr process_;
};

const Registered<BridgeFactory> registered{
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
      defaulted("steps", {Type::integer}, 100, "time steps over the horizon, for propagators with an error in time")
          .at_least(1),
      defaulted("slices", {Type::integer}, 50,
                "intervals of time between which the drift is interpolated; each slice is one number per cell")
          .at_least(1),
      defaulted("tolerance", {Type::real}, 1e-8, "L1 error that is left in the marginals of the coupling").positive(),
      defaulted("iterations", {Type::integer}, 10000, "at most so many").at_least(1),
      optional(
          "relaxation", {Type::real},
          "exponent of the updates of the potentials, 1: Fortet's iteration; default: the best for the observed rate")
          .between(0.1, 1.99)}},
    [](BridgeSettings settings) -> std::unique_ptr<BridgeSolver> {
      return std::make_unique<Schroedinger>(std::move(settings));
    }};

}  // namespace

std::unique_ptr<BridgeSolver> make_bridge(BridgeSettings settings) {
  const std::string kind = settings.parameters.kind();
  return Registry<BridgeFactory>::instance().find("bridges", kind)(std::move(settings));
}

}  // namespace fortet::bridges
