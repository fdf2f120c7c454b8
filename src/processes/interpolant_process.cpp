/// Kind interpolant: the marginal flow of an interpolant in closed form, the reference for learned velocities.
#include "interpolant_mixture.hpp"
#include "parameters.hpp"
#include "time_cache.hpp"

namespace fortet::processes {

namespace {
bool same(const laws::GaussianMixture& a, const laws::GaussianMixture& b) {
  return a.weights() == b.weights() && a.means() == b.means() && a.covariances() == b.covariances();
}

/// dX = [v + c sigma^2/2 grad log p_t] dt + sqrt(c) sigma dW on [0, 1], v(x, t) = E[d/dt x_t | x_t = x]. Started from
/// the law of the interpolant at time 0 it has its law p_t at every t, for all c and sigma.
class InterpolantProcess : public Process {
 public:
  /// `source` and `target`: laws of the ends, or null where only their joint law was given.
  InterpolantProcess(std::vector<Pair> pairs, InterpolantPtr interpolant, laws::LawPtr source, laws::LawPtr target,
                     Expression noise, Expression stochasticity)
      : Process(static_cast<int>(pairs.front().m0.size()), 1),
        pairs_(std::move(pairs)),
        interpolant_(std::move(interpolant)),
        source_(std::move(source)),
        target_(std::move(target)),
        noise_(std::move(noise)),
        stochasticity_(std::move(stochasticity)),
        is_flow_(noise_.is_zero() || stochasticity_.is_zero()) {}

  void drift(double t, ConstPoints x, Points out) const override { tables(t)->evaluate(x, &out, nullptr); }
  bool has_drift_divergence() const override { return true; }
  void drift_divergence(double t, ConstPoints x, double* out) const override { tables(t)->evaluate(x, nullptr, out); }
  NoiseShape noise_shape() const override { return is_flow_ ? NoiseShape::none : NoiseShape::uniform; }
  double noise_level(double t) const override {
    return is_flow_ ? 0 : std::sqrt(nonnegative(stochasticity_, t)) * nonnegative(noise_, t);
  }

  laws::LawPtr marginal(const laws::LawPtr& initial, double t) const override {
    if (initial->dimension() != dimension()) {
      throw UsageError(
          fmt::format("a law in {} dimensions cannot start a process in {}", initial->dimension(), dimension()));
    }
    const auto at = [this](double time) { return interpolant_law(pairs_, interpolant_->at(time)); };
    if (initial != source_) {
      const auto mixture = initial->as_mixture();
      const auto start = std::dynamic_pointer_cast<const laws::GaussianMixture>(at(0));
      const auto source = source_->as_mixture();
      if (!mixture || (!same(*mixture, *start) && !same(*mixture, *source))) return nullptr;
    }
    const Interpolant::Coefficients c = interpolant_->at(t);
    const bool at_start = interpolant_->is_one_sided() ? c.gamma == 1 : c.alpha == 1 && c.gamma == 0;
    if (at_start && c.beta == 0) return initial;
    if (target_ && c.alpha == 0 && c.beta == 1 && c.gamma == 0) return target_;
    return at(t);
  }

 private:
  static double nonnegative(const Expression& value, double t) {
    const double found = value(t);
    if (!(found >= 0) || !std::isfinite(found)) {
      throw DivergedError(
          fmt::format("the noise or stochasticity is {} at time {}, expected a nonnegative number", found, t));
    }
    return found;
  }
  std::shared_ptr<const InterpolantMixture> tables(double t) const {
    return cache_.at(t, [this](double time) {
      const double level = noise_level(time);
      return std::make_shared<const InterpolantMixture>(pairs_, interpolant_->at(time), level * level / 2, time);
    });
  }

  std::vector<Pair> pairs_;
  InterpolantPtr interpolant_;
  laws::LawPtr source_, target_;
  Expression noise_, stochasticity_;
  bool is_flow_;
  TimeCache<InterpolantMixture> cache_;
};

std::shared_ptr<const laws::GaussianMixture> mixture_of(const laws::LawPtr& law, const std::string& key) {
  auto mixture = law->as_mixture();
  if (!mixture) {
    throw ParameterError(key,
                         "the closed form needs a mixture of normal laws or points (gaussian, gaussian_mixture, "
                         "dirac, empirical, the toy sets on curves, products of them)");
  }
  return mixture;
}

laws::LawPtr first_half(const laws::GaussianMixture& joint) {
  const int d = joint.dimension() / 2;
  std::vector<Eigen::VectorXd> means;
  std::vector<Eigen::MatrixXd> covariances;
  for (std::size_t n = 0; n < joint.weights().size(); ++n) {
    means.emplace_back(joint.means()[n].head(d));
    covariances.emplace_back(joint.covariances()[n].topLeftCorner(d, d));
  }
  return std::make_shared<laws::GaussianMixture>(joint.weights(), std::move(means), std::move(covariances));
}

bool is_standard_normal(const laws::GaussianMixture& law) {
  const int d = law.dimension();
  return law.weights().size() == 1 && law.means()[0].isZero(0) &&
         law.covariances()[0] == Eigen::MatrixXd::Identity(d, d);
}

ProcessPtr make_interpolant_process(const Parameters& p, const ProcessContext& context) {
  const InterpolantPtr interpolant = make_interpolant(p.child("interpolant"));
  std::vector<Pair> pairs;
  laws::LawPtr source, target;
  if (p.has("joint")) {
    if (p.has("source") || p.has("target")) {
      throw ParameterError("joint", "expected either `joint`, or `source` and `target` (independent)");
    }
    if (interpolant->is_one_sided()) {
      throw ParameterError("joint", "a one-sided interpolant has no x_0 that could be paired: give source and target");
    }
    const auto joint = mixture_of(context.law(p.text("joint")), "joint");
    if (joint->dimension() % 2 != 0) {
      throw ParameterError("joint", fmt::format("expected a law of (x_0, x_1) in 2d dimensions, found {} dimensions",
                                                joint->dimension()));
    }
    pairs = joint_pairs(*joint);
    source = first_half(*joint);
  } else {
    for (const char* key : {"source", "target"}) {
      if (!p.has(key)) throw ParameterError(key, "expected `source` and `target`, or `joint`");
    }
    source = context.law(p.text("source"));
    target = context.law(p.text("target"));
    if (source->dimension() != target->dimension()) {
      throw ParameterError("target", fmt::format("expected a law in {} dimensions like the source, found {}",
                                                 source->dimension(), target->dimension()));
    }
    const auto first = mixture_of(source, "source"), last = mixture_of(target, "target");
    if (interpolant->is_one_sided() && !is_standard_normal(*first)) {
      throw ParameterError("source", "a one-sided interpolant starts from noise: expected the standard normal law");
    }
    pairs = interpolant->is_one_sided() ? target_pairs(*last) : independent_pairs(*first, *last);
  }
  std::vector<Expression> formulas = parse_each(
      p,
      p.has("noise") ? std::vector<std::string>{"stochasticity", "noise"} : std::vector<std::string>{"stochasticity"},
      0);
  if (formulas.size() < 2) formulas.push_back(Expression::parse(fmt::format("{}", interpolant->bridge_noise()), {}));
  const Expression &stochasticity = formulas[0], &noise = formulas[1];
  if (!stochasticity.is_zero() && noise.is_zero()) {
    throw ParameterError("noise", "a stochasticity needs a noise level: only brownian_bridge has one of its own");
  }
  return std::make_shared<InterpolantProcess>(std::move(pairs), interpolant, source, target, noise, stochasticity);
}

const Registered<ProcessFactory> interpolant_process{
    {"processes",
     "interpolant",
     "Exact marginal flow of an interpolant on [0, 1]: dX = (v + c sigma^2/2 grad log p_t) dt + sqrt(c) sigma dW, v = "
     "E[d/dt x_t | x_t = x], p_t the law of x_t = alpha x_0 + beta x_1 + gamma z; it starts from p_0, which is the "
     "source where gamma(0) = 0 (else: law kind marginal with time 0)",
     "Albergo, Boffi and Vanden-Eijnden, 2023; Lipman et al., 2023",
     {optional("source", {Type::reference}, "law of x_0, independent of x_1").of("laws"),
      optional("target", {Type::reference}, "law of x_1").of("laws"),
      optional("joint", {Type::reference},
               "instead: law of the pair (x_0, x_1) in 2d dimensions, for instance the rows of a file")
          .of("laws"),
      required("interpolant", {Type::kind}, "the path between the two").of("interpolants"),
      defaulted("stochasticity", {Type::real, Type::expression}, 0.0,
                "c(t) >= 0: 0 the flow of the velocity, 1 the diffusion with noise sigma and the same laws")
          .nonnegative(),
      optional("noise", {Type::real, Type::expression},
               "sigma(t) of the diffusion; default: that of a brownian_bridge interpolant")
          .nonnegative()}},
    make_interpolant_process};
}  // namespace

}  // namespace fortet::processes
