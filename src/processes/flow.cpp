/// Kind flow: a velocity field, and the diffusions that share its laws.
#include "fortet/base/scratch.hpp"
#include "fortet/processes/divergence_estimate.hpp"
#include "fortet/processes/scored.hpp"
#include "parameters.hpp"

namespace fortet::processes {

namespace {
/// The drift of a process without noise as a field.
class DriftField : public Field, public DivergenceEstimate {
 public:
  explicit DriftField(ProcessPtr process) : process_(std::move(process)) {}
  int input_dimension() const override { return process_->dimension(); }
  int output_dimension() const override { return process_->dimension(); }
  void evaluate(double t, ConstPoints x, Points out) const override { process_->drift(t, x, out); }
  bool has_divergence() const override { return process_->has_drift_divergence(); }
  void divergence(double t, ConstPoints x, double* out) const override { process_->drift_divergence(t, x, out); }
  bool can_estimate_divergence() const override { return divergence_estimate_of(*process_) != nullptr; }
  void estimate_divergence(double t, ConstPoints x, ConstPoints probe, double* out) const override {
    divergence_estimate_of(*process_)->estimate_divergence(t, x, probe, out);
  }

 private:
  ProcessPtr process_;
};

/// dX = [v + c/2 sigma^2 s] dt + sqrt(c) sigma dW: where s is the score of the laws p_t that v carries,
/// d/dt p + div(p v) = 0, they are its laws for every c and sigma.
class Flow : public Process, public Scored, public DivergenceEstimate {
 public:
  /// `score` may be null where c or sigma is zero.
  Flow(FieldPtr velocity, FieldPtr score, Expression noise, Expression stochasticity, double horizon)
      : Process(velocity->input_dimension(), horizon),
        velocity_(std::move(velocity)),
        score_(std::move(score)),
        noise_(std::move(noise)),
        stochasticity_(std::move(stochasticity)),
        is_flow_(noise_.is_zero() || stochasticity_.is_zero()) {}

  void drift(double t, ConstPoints x, Points out) const override {
    velocity_->evaluate(t, x, out);
    if (is_flow_) return;
    const double level = noise_level(t), weight = level * level / 2;
    const Scratch scratch(x.size(), dimension());
    const Points score = scratch.points(x.size(), dimension());
    score_->evaluate(t, x, score);
    for (int k = 0; k < dimension(); ++k) {
      double* __restrict to = out.coordinate(k);
      const double* __restrict from = score.coordinate(k);
#pragma omp simd
      for (Index i = 0; i < x.size(); ++i) to[i] += weight * from[i];
    }
  }
  bool has_drift_divergence() const override {
    return velocity_->has_divergence() && (is_flow_ || score_->has_divergence());
  }
  void drift_divergence(double t, ConstPoints x, double* out) const override {
    velocity_->divergence(t, x, out);
    if (is_flow_) return;
    const double level = noise_level(t), weight = level * level / 2;
    const Scratch divergence(x.size(), 1);
    score_->divergence(t, x, divergence.data());
    for (Index i = 0; i < x.size(); ++i) out[i] += weight * divergence.data()[i];
  }
  /// Of the flow itself, which alone carries log densities.
  bool can_estimate_divergence() const override { return is_flow_ && divergence_estimate_of(*velocity_); }
  void estimate_divergence(double t, ConstPoints x, ConstPoints probe, double* out) const override {
    divergence_estimate_of(*velocity_)->estimate_divergence(t, x, probe, out);
  }
  NoiseShape noise_shape() const override { return is_flow_ ? NoiseShape::none : NoiseShape::uniform; }
  double noise_level(double t) const override {
    if (is_flow_) return 0;
    const double c = stochasticity_(t), sigma = noise_(t);
    if (!(c >= 0) || !(sigma >= 0) || !std::isfinite(c * sigma)) {
      throw DivergedError(fmt::format(
          "the stochasticity is {} and the noise {} at time {}, expected nonnegative numbers", c, sigma, t));
    }
    return std::sqrt(c) * sigma;
  }
  FieldPtr score() const override { return score_; }

 private:
  FieldPtr velocity_, score_;
  Expression noise_, stochasticity_;
  bool is_flow_;
};

ProcessPtr make_flow(const Parameters& p, const ProcessContext& context) {
  const Parameters record = p.child("velocity");
  if (record.has("model") + record.has("process") != 1) {
    throw ParameterError("velocity", "expected exactly one of `model` and `process`");
  }
  FieldPtr velocity;
  ProcessPtr carrier;  // whose laws the score is of
  if (record.has("process")) {
    carrier = context.process(record.text("process"));
    if (carrier->noise_shape() != NoiseShape::none) {
      throw ParameterError("velocity.process",
                           "expected a process without noise, for instance a time_reversal or interpolant with "
                           "stochasticity 0");
    }
    if (carrier->horizon() < p.real("horizon")) {
      throw ParameterError("horizon", fmt::format("expected at most {}, the horizon of the velocity, found {}",
                                                  carrier->horizon(), p.real("horizon")));
    }
    velocity = std::make_shared<DriftField>(carrier);
  } else {
    if (!context.velocity) throw ParameterError("velocity.model", "velocities of models are available in a study only");
    velocity = context.velocity(record.text("model"));
    if (velocity->input_dimension() != velocity->output_dimension()) {
      throw ParameterError("velocity.model", fmt::format("expected a velocity field, found a field from {} to {} "
                                                         "dimensions",
                                                         velocity->input_dimension(), velocity->output_dimension()));
    }
  }
  if (p.has("dimension") && p.integer("dimension") != velocity->input_dimension()) {
    throw ParameterError("dimension", fmt::format("expected {}, that of the velocity, found {}",
                                                  velocity->input_dimension(), p.integer("dimension")));
  }
  const std::vector<Expression> formulas = parse_each(p, {"noise", "stochasticity"}, 0);
  const Expression &noise = formulas[0], &stochasticity = formulas[1];
  const bool is_flow = noise.is_zero() || stochasticity.is_zero();
  if (!is_flow && !p.has("score")) throw ParameterError("score", "a flow with noise needs the score of its laws");
  if (!carrier) carrier = std::make_shared<Flow>(velocity, nullptr, Expression(), Expression(), p.real("horizon"));
  const FieldPtr score = p.has("score") ? score_parameter(p, context, carrier) : nullptr;
  return std::make_shared<Flow>(velocity, score, noise, stochasticity, p.real("horizon"));
}

const Registered<ProcessFactory> flow{
    {"processes",
     "flow",
     "A velocity field, learned or of another process: dX = (v + c/2 sigma^2 grad log p_t) dt + sqrt(c) sigma dW",
     "Lipman et al., 2023; Tong et al., 2024",
     {required("velocity", {Type::record}, "where v comes from")
          .with({optional("model", {Type::reference}, "a trained velocity").of("models"),
                 optional("process", {Type::reference}, "the drift of a process without noise").of("processes")}),
      optional_score_schema("the velocity's process", "where there is noise"),
      defaulted("noise", {Type::real, Type::expression}, 0.0, "noise level sigma(t)")
          .nonnegative()
          .unit("length/sqrt(time)"),
      defaulted("stochasticity", {Type::real, Type::expression}, 1.0, "c(t) >= 0; 0 the flow itself").nonnegative(),
      optional("dimension", {Type::integer}, "number of coordinates, to be checked against the velocity's").at_least(1),
      horizon_parameter()}},
    make_flow};
}  // namespace

}  // namespace fortet::processes
