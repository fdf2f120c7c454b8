#pragma once
/// Learned Schroedinger bridges of a Brownian reference sigma B on [0, 1]: one network for the drift of each direction
/// of time, trained in rounds on what the other direction simulates.
#include "../network_model.hpp"
#include "flow.hpp"
#include "fortet/base/scratch.hpp"
#include "fortet/laws/normal_bridge.hpp"
#include "fortet/processes/divergence_estimate.hpp"

namespace fortet::training {

/// Heads of such a model.
enum Direction : std::size_t { forward = 0, backward = 1 };

inline std::vector<Head> two_way_heads(double sigma) {
  const auto drift = [](double t) { return Decoding{1, t, 0, 1}; };
  const auto path = [sigma](double t) { return PathPoint{1 - t, t, sigma * std::sqrt(t * (1 - t))}; };
  return {{"forward", Loss::regression, drift, {}, "drift", path, 1, true},
          {"backward", Loss::regression, drift, {}, "drift", path, 1, true}};
}

/// a f + b g.
class Combination : public processes::Field, public processes::DivergenceEstimate {
 public:
  Combination(double a, processes::FieldPtr f, double b, processes::FieldPtr g)
      : a_(a), b_(b), f_(std::move(f)), g_(std::move(g)) {}
  int input_dimension() const override { return f_->input_dimension(); }
  int output_dimension() const override { return f_->output_dimension(); }
  void evaluate(double t, ConstPoints x, Points out) const override {
    const Scratch scratch(x.size(), out.dimension());
    const Points other = scratch.points(x.size(), out.dimension());
    f_->evaluate(t, x, out);
    g_->evaluate(t, x, other);
    for (int k = 0; k < out.dimension(); ++k) {
      for (Index i = 0; i < x.size(); ++i) out(i, k) = a_ * out(i, k) + b_ * other(i, k);
    }
  }
  bool has_divergence() const override { return f_->has_divergence() && g_->has_divergence(); }
  void divergence(double t, ConstPoints x, double* out) const override {
    const Scratch other(x.size(), 1);
    f_->divergence(t, x, out);
    g_->divergence(t, x, other.data());
    for (Index i = 0; i < x.size(); ++i) out[i] = a_ * out[i] + b_ * other.data()[i];
  }
  bool can_estimate_divergence() const override {
    return processes::divergence_estimate_of(*f_) && processes::divergence_estimate_of(*g_);
  }
  void estimate_divergence(double t, ConstPoints x, ConstPoints probe, double* out) const override {
    const Scratch other(x.size(), 1);
    processes::divergence_estimate_of(*f_)->estimate_divergence(t, x, probe, out);
    processes::divergence_estimate_of(*g_)->estimate_divergence(t, x, probe, other.data());
    for (Index i = 0; i < x.size(); ++i) out[i] = a_ * out[i] + b_ * other.data()[i];
  }

 private:
  double a_, b_;
  processes::FieldPtr f_, g_;
};

/// dX = drift dt + sigma dW on [0, 1]; `reversed`: the drift's time runs from 1 to 0.
class DriftProcess : public processes::Process {
 public:
  DriftProcess(processes::FieldPtr drift, double sigma, bool reversed)
      : Process(drift->input_dimension(), 1), drift_(std::move(drift)), sigma_(sigma), reversed_(reversed) {}
  void drift(double t, ConstPoints x, Points out) const override { drift_->evaluate(reversed_ ? 1 - t : t, x, out); }
  processes::NoiseShape noise_shape() const override { return processes::NoiseShape::uniform; }
  double noise_level(double) const override { return sigma_; }

 private:
  processes::FieldPtr drift_;
  double sigma_;
  bool reversed_;
};

/// The model: dX = f dt + sigma dW forward, dY = b ds + sigma dW in s = 1 - t, with f + b = sigma^2 score (Nelson
/// 1967).
class TwoWayBridge : public NetworkModel {
 public:
  TwoWayBridge(const Parameters& p, const ModelContext& context, std::shared_ptr<Objective> objective)
      : NetworkModel(training_settings(p, context), std::move(objective), context.communicator),
        source_(context.law(p.text("source"))),
        target_(context.law(p.text("target"))),
        parameters_(p),
        seed_(context.seed),
        sigma_(p.real("sigma")) {
    const auto source = laws::normal_moments(*source_), target = laws::normal_moments(*target_);
    if (source && target) exact_ = laws::NormalBridge(*source, *target, sigma_).ends();
  }
  /// Of the probability flow: half the difference of the two drifts.
  processes::FieldPtr velocity() const override {
    return std::make_shared<Combination>(0.5, field("forward"), -0.5, field("backward"));
  }
  processes::FieldPtr score() const override {
    const double scale = 1 / (sigma_ * sigma_);
    return std::make_shared<Combination>(scale, field("forward"), scale, field("backward"));
  }

 protected:
  const Parameters& parameters() const { return parameters_; }
  const std::string& name() const { return parameters_.name(); }
  const laws::LawPtr& source() const { return source_; }
  const laws::LawPtr& target() const { return target_; }
  std::uint64_t seed() const { return seed_; }
  double sigma() const { return sigma_; }
  /// sigma B, which the first round of a proportional fitting starts from.
  processes::ProcessPtr reference() const {
    return processes::make_process(
        Parameters::make("processes", "brownian", {{"dimension", dimension()}, {"sigma", sigma_}}));
  }
  /// The learned process of one direction, from its start.
  processes::ProcessPtr learned(Direction direction) const {
    const bool is_backward = direction == backward;
    return std::make_shared<DriftProcess>(field(is_backward ? "backward" : "forward"), sigma_, is_backward);
  }
  /// Trains `rounds` times on what `prepare(round)` gives. Between normal laws it is called once more at the end, for
  /// the report.
  void run_rounds(const TrainingContext& context, const std::function<std::shared_ptr<Objective>(int round)>& prepare) {
    const int rounds = static_cast<int>(parameters_.integer("rounds"));
    resumed_at_ = learners().resume(context);
    for (int round = resumed_at_; round < rounds; ++round) {
      const std::shared_ptr<Objective> objective = prepare(round);
      TrainingContext part = context;
      part.progress = [&](double fraction, const std::string& state) {
        if (context.progress) context.progress((round + fraction) / rounds, state);
      };
      learners().train(*objective, part, round);
    }
    if (exact_) prepare(rounds);
  }
  /// One line of the curves for the round that has learned what these pairs of ends were simulated with: KL of their
  /// normal fit from the exact coupling, which is that of the bridges' laws when pairs are joined by Brownian bridges.
  /// Nothing unless both laws are normal.
  void report_coupling(const TrainingContext& context, int round, ConstPoints x0, ConstPoints x1) const;

 private:
  laws::LawPtr source_, target_;
  Parameters parameters_;
  std::uint64_t seed_;
  double sigma_;
  std::optional<laws::Moments> exact_;  ///< of the two ends of the exact bridge between normal laws
  int resumed_at_ = 0;                  ///< round whose pairs were reported before, if it is not the first
};

/// Parameters source, target, sigma, rounds, pairs, pair_steps, those given and those of every model.
inline std::vector<Parameter> two_way_parameters(std::vector<Parameter> own) {
  const std::vector<Parameter> common{
      defaulted("sigma", {Type::real}, 1.0, "noise of the Brownian reference").positive(),
      defaulted("rounds", {Type::integer}, 10, "trainings of `steps` steps, each on what the one before simulates")
          .at_least(1),
      defaulted("pairs", {Type::integer}, 10000, "particles simulated in each round").at_least(1),
      defaulted("pair_steps", {Type::integer}, 20, "Euler-Maruyama steps of that simulation").at_least(1)};
  own.insert(own.end(), common.begin(), common.end());
  std::vector<Parameter> all = flow_parameters(std::move(own), "independent");
  std::erase_if(all, [](const Parameter& p) { return p.name == "coupling" || p.name == "standardise"; });
  return all;
}

}  // namespace fortet::training
