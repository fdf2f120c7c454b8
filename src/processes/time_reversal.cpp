/// Kind time_reversal: Anderson's reversal, the probability flow and the family between them (MATHS section 1).
#include "fortet/base/scratch.hpp"
#include "fortet/processes/divergence_estimate.hpp"
#include "fortet/processes/linear_noising.hpp"
#include "parameters.hpp"

namespace fortet::processes {

using Eigen::MatrixXd;

namespace {
/// With p_t the law of the process at time t and T its horizon, run in s = T - t:
///   dY = [-b + (c+1)/2 (a grad log p + div a)] ds + sqrt(c) G dW,  c = c(s).
/// Started from p_T it has the law p_{T-s} at s for every c. Started from another law it has no closed-form marginal.
class TimeReversal : public Process, public DivergenceEstimate {
 public:
  /// `score` is null for a process without noise.
  TimeReversal(ProcessPtr forward, FieldPtr score, Expression stochasticity, double stop)
      : Process(forward->dimension(), forward->horizon() - stop),
        forward_(std::move(forward)),
        score_(std::move(score)),
        stochasticity_(std::move(stochasticity)),
        is_flow_(stochasticity_.is_zero()) {
    auto noising = std::dynamic_pointer_cast<const LinearNoising>(forward_);
    if (noising && score_) denoising_ = Denoising{std::move(noising), score_};
  }

  void drift(double s, ConstPoints x, Points out) const override {
    const double t = forward_time(s);
    const double factor = (level(s) + 1) / 2;
    const Index n = x.size();
    const int d = dimension();
    const NoiseShape shape = forward_->noise_shape();
    if (shape == NoiseShape::none) {
      forward_->drift(t, x, out);
      for (int k = 0; k < d; ++k) {
        for (Index i = 0; i < n; ++i) out(i, k) = -out(i, k);
      }
      return;
    }
    const int triangle = d * (d + 1) / 2;
    const Scratch scratch(n, 2 * d + triangle);
    const Points score = scratch.points(n, d);
    score_->evaluate(t, x, score);
    forward_->drift(t, x, out);
    if (shape == NoiseShape::uniform) {
      const double weight = factor * forward_->noise_level(t) * forward_->noise_level(t);
      for (int k = 0; k < d; ++k) {
        double* __restrict to = out.coordinate(k);
        const double* __restrict from = score.coordinate(k);
#pragma omp simd
        for (Index i = 0; i < n; ++i) to[i] = weight * from[i] - to[i];
      }
      return;
    }
    const Points divergence = scratch.points(n, d, n * d), diffusion = scratch.points(n, triangle, 2 * n * d);
    forward_->diffusion_divergence(t, x, divergence);
    forward_->diffusion(t, x, diffusion);
    for (int i = 0; i < d; ++i) {
      for (Index p = 0; p < n; ++p) out(p, i) = factor * divergence(p, i) - out(p, i);
    }
    for (int i = 0, column = 0; i < d; ++i) {
      for (int j = i; j < d; ++j, ++column) {
        for (Index p = 0; p < n; ++p) {
          out(p, i) += factor * diffusion(p, column) * score(p, j);
          if (j > i) out(p, j) += factor * diffusion(p, column) * score(p, i);
        }
      }
    }
  }

  bool has_drift_divergence() const override {
    if (!forward_->has_drift_divergence()) return false;
    const NoiseShape shape = forward_->noise_shape();
    return shape == NoiseShape::none || (shape == NoiseShape::uniform && score_->has_divergence());
  }
  void drift_divergence(double s, ConstPoints x, double* out) const override {
    if (!has_drift_divergence()) Process::drift_divergence(s, x, out);
    const double t = forward_time(s);
    const Index n = x.size();
    const double g = forward_->noise_level(t), weight = (level(s) + 1) / 2 * g * g;
    const Scratch forward(n, 1);
    forward_->drift_divergence(t, x, forward.data());
    if (g == 0) {
      std::fill_n(out, n, 0.0);
    } else {
      score_->divergence(t, x, out);
    }
    for (Index i = 0; i < n; ++i) out[i] = weight * out[i] - forward.data()[i];
  }

  /// The forward drift knows its divergence; only that of the score is estimated.
  bool can_estimate_divergence() const override {
    return forward_->has_drift_divergence() && forward_->noise_shape() == NoiseShape::uniform &&
           divergence_estimate_of(*score_);
  }
  void estimate_divergence(double s, ConstPoints x, ConstPoints probe, double* out) const override {
    const double t = forward_time(s);
    const double g = forward_->noise_level(t), weight = (level(s) + 1) / 2 * g * g;
    const Scratch forward(x.size(), 1);
    forward_->drift_divergence(t, x, forward.data());
    if (g == 0) {
      std::fill_n(out, x.size(), 0.0);
    } else {
      divergence_estimate_of(*score_)->estimate_divergence(t, x, probe, out);
    }
    for (Index i = 0; i < x.size(); ++i) out[i] = weight * out[i] - forward.data()[i];
  }

  NoiseShape noise_shape() const override { return is_flow_ ? NoiseShape::none : forward_->noise_shape(); }
  bool noise_is_additive() const override { return is_flow_ || forward_->noise_is_additive(); }
  int noise_count() const override { return forward_->noise_count(); }
  double noise_level(double s) const override {
    return is_flow_ ? 0 : std::sqrt(level(s)) * forward_->noise_level(forward_time(s));
  }
  void noise(double s, ConstPoints x, Points out) const override {
    if (is_flow_) return;
    forward_->noise(forward_time(s), x, out);
    scale(std::sqrt(level(s)), out);
  }
  void noise_derivative(double s, ConstPoints x, Points out) const override {
    if (is_flow_) return Process::noise_derivative(s, x, out);
    forward_->noise_derivative(forward_time(s), x, out);
    scale(std::sqrt(level(s)), out);
  }
  void diffusion_divergence(double s, ConstPoints x, Points out) const override {
    if (is_flow_) return Process::diffusion_divergence(s, x, out);
    forward_->diffusion_divergence(forward_time(s), x, out);
    scale(level(s), out);
  }
  Regularity regularity() const override {
    const Regularity of = forward_->regularity();
    // The drift holds div a and the derivative of a density that jumps where a does.
    return {std::max(of.drift, of.noise), of.noise, 0};
  }
  std::optional<MatrixXd> linear_part(double s) const override {
    auto part = forward_->linear_part(forward_time(s));
    if (part) *part = -*part;
    return part;
  }
  const Denoising* denoising() const override { return denoising_ ? &*denoising_ : nullptr; }

 private:
  double forward_time(double s) const {
    return std::max(0.0, forward_->horizon() - s);
  }  // s = T up to rounding is time 0
  double level(double s) const {
    const double c = stochasticity_(s);
    if (!(c >= 0) || !std::isfinite(c))
      throw DivergedError(fmt::format("the stochasticity is {} at time {}, expected a nonnegative number", c, s));
    return c;
  }
  static void scale(double factor, Points values) {
    for (int k = 0; k < values.dimension(); ++k) {
      for (Index i = 0; i < values.size(); ++i) values(i, k) *= factor;
    }
  }

  ProcessPtr forward_;
  FieldPtr score_;
  Expression stochasticity_;
  bool is_flow_;
  std::optional<Denoising> denoising_;
};

ProcessPtr make_reversal(const Parameters& p, const ProcessContext& context) {
  const ProcessPtr forward = context.process(p.text("of"));
  const double stop = p.real("stop");
  if (!(stop < forward->horizon())) {
    throw ParameterError(
        "stop", fmt::format("expected a time before the horizon {} of `of`, found {}", forward->horizon(), stop));
  }
  const Expression stochasticity = parse_formula(p, "stochasticity", 0);
  if (!p.has("score") && forward->noise_shape() != NoiseShape::none) {
    throw ParameterError("score", "a process with noise has no reversal without its score");
  }
  if (const Regularity of = forward->regularity(); of.noise == Smoothness::jumping && of.reading != 0) {
    throw ParameterError("of", "noise that jumps has a reversal in the sense of Ito only; write convention: ito there");
  }
  const FieldPtr score = p.has("score") ? score_parameter(p, context, forward) : nullptr;
  return std::make_shared<TimeReversal>(forward, score, stochasticity, stop);
}

const Registered<ProcessFactory> time_reversal{
    {"processes",
     "time_reversal",
     "A process run backwards, s = horizon - t: dY = [-b + (c+1)/2 (a grad log p + div a)] ds + sqrt(c) G dW",
     "Anderson, 1982; Song et al., 2021",
     {required("of", {Type::reference}, "the process to be reversed").of("processes"),
      optional_score_schema("`of`", "where it has noise"),
      defaulted("stochasticity", {Type::real, Type::expression}, 1.0,
                "c(t) >= 0 in the time of this process: 1 the reversed diffusion, 0 the probability flow")
          .nonnegative(),
      defaulted("stop", {Type::real}, 0.0, "time of `of` at which the reversal ends, for laws without a density")
          .nonnegative()
          .unit("time")}},
    make_reversal};
}  // namespace

}  // namespace fortet::processes
