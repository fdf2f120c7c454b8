/// Kind annealed_langevin: Langevin dynamics in the slowly changing law of a noising process.
#include "parameters.hpp"

namespace fortet::processes {

namespace {
/// dX = 1/2 eps(t) grad log p_{u(t)}(X) dt + sqrt(eps(t)) dW, u(t) the level: a time of the noising process. Each p_u
/// is invariant while u stands still.
class AnnealedLangevin : public Process {
 public:
  AnnealedLangevin(ProcessPtr noising, double horizon, FieldPtr score, Expression level, Expression rate)
      : Process(noising->dimension(), horizon),
        noising_(std::move(noising)),
        score_(std::move(score)),
        level_(std::move(level)),
        rate_(std::move(rate)) {}
  void drift(double t, ConstPoints x, Points out) const override {
    score_->evaluate(level(t), x, out);
    const double factor = rate(t) / 2;
    for (int k = 0; k < dimension(); ++k) {
      double* value = out.coordinate(k);
      for (Index i = 0; i < x.size(); ++i) value[i] *= factor;
    }
  }
  bool has_drift_divergence() const override { return score_->has_divergence(); }
  void drift_divergence(double t, ConstPoints x, double* out) const override {
    score_->divergence(level(t), x, out);
    const double factor = rate(t) / 2;
    for (Index i = 0; i < x.size(); ++i) out[i] *= factor;
  }
  NoiseShape noise_shape() const override { return NoiseShape::uniform; }
  double noise_level(double t) const override { return std::sqrt(rate(t)); }

 private:
  double level(double t) const {
    const double u = level_(t);
    if (!(u >= 0 && u <= noising_->horizon())) {
      throw DivergedError(fmt::format("the level is {} at time {}, outside [0, {}], the times of the noising process",
                                      u, t, noising_->horizon()));
    }
    return u;
  }
  double rate(double t) const {
    const double eps = rate_(t);
    if (!(eps > 0) || !std::isfinite(eps))
      throw DivergedError(fmt::format("the rate is {} at time {}, expected a positive number", eps, t));
    return eps;
  }
  ProcessPtr noising_;
  FieldPtr score_;
  Expression level_, rate_;
};

const Registered<ProcessFactory> annealed_langevin{
    {"processes",
     "annealed_langevin",
     "dX = rate(t)/2 grad log p_u(X) dt + sqrt(rate(t)) dW with p_u the law of a noising process at its time u = "
     "level(t)",
     "Song and Ermon, 2019",
     {required("of", {Type::reference}, "the noising process").of("processes"), horizon_parameter(), score_schema(),
      required("level", {Type::expression, Type::real},
               "time u of the noising process as a formula in t, e.g. 0.001^(t/10)"),
      defaulted("rate", {Type::expression, Type::real}, 1.0,
                "eps(t) > 0, often proportional to the variance of the noise at the level"),
      constants_parameter()}},
    [](const Parameters& p, const ProcessContext& context) -> ProcessPtr {
      const ProcessPtr noising = context.process(p.text("of"));
      const std::vector<Expression> formulas = parse_each(p, {"level", "rate"}, 0);
      return std::make_shared<AnnealedLangevin>(noising, p.real("horizon"), score_parameter(p, context, noising),
                                                formulas[0], formulas[1]);
    }};
}  // namespace

}  // namespace fortet::processes
