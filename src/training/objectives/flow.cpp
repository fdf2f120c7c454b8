#include "flow.hpp"

namespace fortet::training {

FlowMatching::FlowMatching(int dimension, processes::InterpolantPtr interpolant, std::shared_ptr<Pairs> pairs,
                           TrainingDraws draws, double margin, bool with_score,
                           std::optional<std::array<DataScale, 2>> ends)
    : dimension_(dimension),
      interpolant_(std::move(interpolant)),
      pairs_(std::move(pairs)),
      draws_(std::move(draws)),
      margin_(margin) {
  const double noise = interpolant_->bridge_noise();
  half_noise_ = noise > 0 ? noise * noise / 2 : 0.5;
  const auto path = [of = interpolant_](double t) {
    const processes::Interpolant::Coefficients c = of->at(t);
    return PathPoint{c.alpha, c.beta, c.gamma};
  };
  heads_.push_back({"velocity",
                    Loss::regression,
                    [](double t) {
                      return Decoding{1, t, 0, 1};
                    },
                    {},
                    "velocity",
                    path,
                    1,
                    with_score});
  if (with_score) {
    const double gain = 1 / half_noise_;
    heads_.push_back({"score",
                      Loss::regression,
                      [gain](double t) {
                        return Decoding{1, t, 0, gain};
                      },
                      {},
                      "score_times_half_variance",
                      path,
                      1,
                      true});
  }
  if (!ends) return;
  standards_ = Standards{interpolant_, (*ends)[0], (*ends)[1], half_noise_};
  heads_.front().standard = [of = *standards_](double t, int k) { return of.velocity(t, k); };
  if (with_score) heads_.back().standard = [of = *standards_](double t, int k) { return of.score(t, k); };
}

namespace {
double or_one(double deviation) { return deviation > 0 ? deviation : 1; }

double root_of_squares(double a, double b, double c) { return std::sqrt(a * a + b * b + c * c); }

/// The mean of w s^2 over coordinates with the scales s: what errors in standard units weigh in those of the deck.
template <class ScaleOf>
double mean_square(int dimension, ScaleOf&& scale_of) {
  double sum = 0;
  for (int k = 0; k < dimension; ++k) sum += scale_of(k) * scale_of(k);
  return sum / dimension;
}
}  // namespace

Standard Standards::velocity(double t, int k) const {
  const processes::Interpolant::Coefficients c = interpolant->at(t);
  // The rate of a bridge's noise is infinite at its ends; a scale need only be right in order.
  const processes::Interpolant::Coefficients inside = interpolant->at(std::clamp(t, 0.05, 0.95));
  const double s0 = source.deviation[k], s1 = target.deviation[k];
  return {c.alpha * source.mean[k] + c.beta * target.mean[k],
          or_one(root_of_squares(c.alpha * s0, c.beta * s1, c.gamma)),
          c.alpha_rate * source.mean[k] + c.beta_rate * target.mean[k],
          or_one(root_of_squares(c.alpha_rate * s0, c.beta_rate * s1, inside.gamma > 0 ? inside.gamma_rate : 0))};
}

Standard Standards::score(double t, int k) const {
  Standard of = velocity(t, k);
  of.offset = 0;
  of.scale = half_noise / of.deviation;
  return of;
}

void FlowMatching::draw(std::uint32_t step, Index first, std::vector<Lesson>& lessons) const {
  const Lesson& velocity = lessons.front();
  const Index n = velocity.input.size();
  // x_0 in the input, x_1 in the target and z in the probe are replaced by x_t and the velocity.
  pairs_->draw(step, first, velocity.input, velocity.target);
  draws_.uniforms(step, first, n, velocity.time);
  draws_.normals(step, first, velocity.probe);
  for (Index i = 0; i < n; ++i) {
    const double t = margin_ + (1 - 2 * margin_) * velocity.time[i];
    const processes::Interpolant::Coefficients c = interpolant_->at(t);
    velocity.time[i] = t;
    velocity.weight[i] = 1;
    for (int k = 0; k < dimension_; ++k) {
      const double x0 = velocity.input(i, k), x1 = velocity.target(i, k), z = velocity.probe(i, k);
      velocity.input(i, k) = c.alpha * x0 + c.beta * x1 + c.gamma * z;
      velocity.target(i, k) = c.alpha_rate * x0 + c.beta_rate * x1 + (c.gamma > 0 ? c.gamma_rate * z : 0);
      if (!standards_) continue;
      const Standard of = standards_->velocity(t, k);
      velocity.input(i, k) = (velocity.input(i, k) - of.centre) / of.deviation;
      velocity.target(i, k) = (velocity.target(i, k) - of.offset) / of.scale;
    }
    if (lessons.size() == 1) continue;
    const Lesson& score = lessons[1];
    const double scale = c.gamma / half_noise_;  // F is the score times half_noise, z = -gamma score
    score.time[i] = t;
    score.weight[i] = scale * scale;
    for (int k = 0; k < dimension_; ++k) {
      score.input(i, k) = velocity.input(i, k);
      score.target(i, k) = scale > 0 ? -velocity.probe(i, k) / scale : 0;
      if (standards_) score.target(i, k) /= standards_->score(t, k).scale;
    }
    if (standards_) score.weight[i] *= mean_square(dimension_, [&](int k) { return standards_->score(t, k).scale; });
  }
}

std::vector<Parameter> flow_parameters(std::vector<Parameter> own, const Json& coupling) {
  std::vector<Parameter> all{
      required("source", {Type::reference}, "law of x_0").of("laws"),
      required("target", {Type::reference}, "law of x_1").of("laws"),
      defaulted("coupling", {Type::kind}, coupling, "which x_0 of a batch is paired with which x_1").of("couplings"),
      defaulted("coupling_scope", {Type::choice}, "global",
                "what a coupling sees: the whole batch over all ranks, or each shard of it")
          .one_of({"global", "shard"}),
      standardise_parameter()};
  all.insert(all.end(), own.begin(), own.end());
  return with_training_parameters(all);
}

std::optional<std::array<DataScale, 2>> standardised_ends(const Parameters& p, const ModelContext& context) {
  if (!p.boolean("standardise")) return std::nullopt;
  const DataScale target = data_scale(p, context, "target");
  const auto d = target.mean.size();
  const DataScale none{Eigen::VectorXd::Zero(d), Eigen::VectorXd::Zero(d)};  // x_0 has no part: the noise is the source
  return std::array{p.has("source") ? data_scale(p, context, "source") : none, target};
}

std::shared_ptr<Pairs> coupled_pairs(const Parameters& p, const ModelContext& context,
                                     const couplings::CouplingPtr& coupling) {
  const laws::LawPtr target = context.law(p.text("target"));
  const laws::LawPtr source =
      p.has("source") ? context.law(p.text("source"))
                      : laws::make_law(Parameters::make("laws", "gaussian", {{"dimension", target->dimension()}}));
  if (source->dimension() != target->dimension()) {
    throw ParameterError("target", fmt::format("laws.{} has {} dimensions, but laws.{} has {}", p.text("target"),
                                               target->dimension(), p.text("source"), source->dimension()));
  }
  return std::make_shared<CoupledPairs>(
      training_points(p, context, source, "source"), training_points(p, context, target, "target"), coupling,
      p.text("coupling_scope") == "global", p.integer("batch"), context.seed, p.name());
}

processes::InterpolantPtr interpolant(const std::string& kind, Json values) {
  return processes::make_interpolant(Parameters::make("interpolants", kind, std::move(values)));
}

namespace {

ModelPtr flow_model(const Parameters& p, const ModelContext& context, const processes::InterpolantPtr& path,
                    const couplings::CouplingPtr& coupling, double margin, bool with_score) {
  const auto objective = std::make_shared<FlowMatching>(
      context.law(p.text("target"))->dimension(), path, coupled_pairs(p, context, coupling),
      TrainingDraws(context.seed, p.name()), margin, with_score, standardised_ends(p, context));
  return std::make_shared<NetworkModel>(training_settings(p, context), objective, context.communicator);
}

ModelPtr constant_noise_model(const Parameters& p, const ModelContext& context, const std::string& path) {
  return flow_model(p, context, interpolant(path, {{"sigma", p.real("sigma")}}),
                    couplings::make_coupling(p.child("coupling")), 0, false);
}

Parameter sigma(double fallback, const std::string& doc) {
  return defaulted("sigma", {Type::real}, fallback, doc).nonnegative();
}

/// Entropic coupling whose regularisation belongs to the bridge of this noise: epsilon = 2 sigma^2.
couplings::CouplingPtr bridge_coupling(const Parameters& p) {
  if (p.has("coupling")) return couplings::make_coupling(p.child("coupling"));
  const double sigma = p.real("sigma");
  return couplings::make_coupling(Parameters::make("couplings", "sinkhorn", {{"epsilon", 2 * sigma * sigma}}));
}

const Registered<ModelFactory> conditional_flow_matching{
    {"models", "conditional_flow_matching",
     "Velocity of straight lines between independent pairs: x_t = (1-t) x_0 + t x_1 + sigma z, min E |v - (x_1 - "
     "x_0)|^2",
     "Tong et al., 2024 (I-CFM)",
     flow_parameters({sigma(0.1, "standard deviation of the tubes around the lines")}, "independent")},
    [](const Parameters& p, const ModelContext& context) { return constant_noise_model(p, context, "linear"); }};

const Registered<ModelFactory> ot_cfm{
    {"models", "ot_cfm", "The same with pairs of the optimal transport plan of each batch",
     "Tong et al., 2024; Pooladian et al., 2023",
     flow_parameters({sigma(0.1, "standard deviation of the tubes around the lines")}, "exact")},
    [](const Parameters& p, const ModelContext& context) { return constant_noise_model(p, context, "linear"); }};

const Registered<ModelFactory> vp_cfm{
    {"models", "vp_cfm", "The same on trigonometric paths, x_t = cos(pi t/2) x_0 + sin(pi t/2) x_1 + sigma z",
     "Albergo and Vanden-Eijnden, 2023; Tong et al., 2024",
     flow_parameters({sigma(0.1, "standard deviation of the tubes around the paths")}, "independent")},
    [](const Parameters& p, const ModelContext& context) { return constant_noise_model(p, context, "trigonometric"); }};

std::vector<Parameter> bridge_parameters() {
  std::vector<Parameter> own{
      defaulted("sigma", {Type::real}, 1.0, "noise of the Brownian bridges, gamma = sigma sqrt(t (1-t))").positive(),
      defaulted("margin", {Type::real}, 1e-3, "training times stay so far from 0 and 1, where the target is infinite")
          .between(1e-9, 0.49)};
  std::vector<Parameter> all = flow_parameters(std::move(own), nullptr);
  for (Parameter& parameter : all) {
    if (parameter.name != "coupling") continue;
    parameter.doc += "; default: sinkhorn with epsilon = 2 sigma^2, whose bridge is Schroedinger's";
  }
  return all;
}

const Registered<ModelFactory> sb_cfm{
    {"models", "sb_cfm",
     "Velocity of the Schroedinger bridge: Brownian bridges of entropic pairs, x_t = (1-t) x_0 + t x_1 + sigma "
     "sqrt(t(1-t)) z",
     "Tong et al., 2024 (SB-CFM)", bridge_parameters()},
    [](const Parameters& p, const ModelContext& context) {
      return flow_model(p, context, interpolant("brownian_bridge", {{"sigma", p.real("sigma")}}), bridge_coupling(p),
                        p.real("margin"), false);
    }};

const Registered<ModelFactory> sf2m{
    {"models", "sf2m", "Velocity and score of the Schroedinger bridge from the same samples, two networks",
     "Tong et al., 2024 ([SF]2M)", bridge_parameters()},
    [](const Parameters& p, const ModelContext& context) {
      return flow_model(p, context, interpolant("brownian_bridge", {{"sigma", p.real("sigma")}}), bridge_coupling(p),
                        p.real("margin"), true);
    }};

const Registered<ModelFactory> stochastic_interpolant{
    {"models", "stochastic_interpolant",
     "Velocity, and score if wanted, of any interpolant x_t = alpha x_0 + beta x_1 + gamma z",
     "Albergo, Boffi and Vanden-Eijnden, 2023",
     flow_parameters(
         {required("interpolant", {Type::kind}, "the path").of("interpolants"),
          defaulted("learn", {Type::choice}, "velocity", "fields to be learned")
              .one_of({"velocity", "velocity_and_score"}),
          defaulted("margin", {Type::real}, 1e-3, "training times stay so far from 0 and 1").between(0, 0.49)},
         "independent")},
    [](const Parameters& p, const ModelContext& context) {
      return flow_model(p, context, processes::make_interpolant(p.child("interpolant")),
                        couplings::make_coupling(p.child("coupling")), p.real("margin"),
                        p.text("learn") == "velocity_and_score");
    }};

/// Without a source: x_0 has no part in the path, the noise is the source.
std::vector<Parameter> from_noise(std::vector<Parameter> own) {
  std::vector<Parameter> all = flow_parameters(std::move(own), "independent");
  std::erase_if(all, [](const Parameter& parameter) { return parameter.name == "source"; });
  return all;
}

const Registered<ModelFactory> flow_matching{
    {"models", "flow_matching", "Velocity from a standard normal law to data: x_t = t x_1 + (1 - (1 - sigma) t) z",
     "Lipman et al., 2023",
     from_noise({defaulted("sigma", {Type::real}, 1e-2, "standard deviation that is left at t = 1").between(0, 1)})},
    [](const Parameters& p, const ModelContext& context) {
      return flow_model(p, context, interpolant("gaussian", {{"sigma", p.real("sigma")}}),
                        couplings::make_coupling(p.child("coupling")), 0, false);
    }};

}  // namespace

}  // namespace fortet::training
