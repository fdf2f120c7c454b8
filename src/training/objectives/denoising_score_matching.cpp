/// Kinds denoising_score_matching and ddpm: networks that undo the noise of a linear process.
#include "../data_scale.hpp"
#include "noised_data.hpp"

namespace fortet::training {

namespace {
/// How the score comes from what the network predicts.
struct Prediction {
  enum class Of { noise, data, score, velocity } of = Of::noise;
  double data_deviation = 0;  ///< of the scaling by Karras et al.; 0: none

  Decoding operator()(double t, const NoiseLevel& level) const {
    const double variance = level.sigma * level.sigma, half = level.noise * level.noise / 2;
    if (data_deviation > 0) {
      const double ratio = level.sigma / level.alpha, sum = ratio * ratio + data_deviation * data_deviation;
      const double skip = data_deviation * data_deviation / sum, out = ratio * data_deviation / std::sqrt(sum);
      return {1 / (std::sqrt(sum) * level.alpha), std::log(ratio) / 4, (skip - 1) / variance,
              level.alpha * out / variance};
    }
    switch (of) {
      case Of::noise:
        return {1, t, 0, -1 / level.sigma};
      case Of::data:
        return {1, t, -1 / variance, level.alpha / variance};
      case Of::velocity:
        return {1, t, -level.attraction / half, -1 / half};
      default:
        return {1, t, 0, 1};
    }
  }
};

/// Of X_t and of what is predicted, from the scale of the data: all of order one for the network.
struct NoisedStandards {
  std::shared_ptr<const processes::LinearNoising> process;
  DataScale data;
  Prediction::Of of;

  Standard operator()(double t, int k) const {
    const NoiseLevel level = NoiseLevel::at(*process, t);
    const double mean = process->mean()[k], offset = data.mean[k] - mean, spread = level.alpha * data.deviation[k];
    const double deviation = std::sqrt(spread * spread + level.sigma * level.sigma);
    Standard standard{mean + level.alpha * offset, deviation > 0 ? deviation : 1, 0, 1};
    if (of == Prediction::Of::score) standard.scale = 1 / standard.deviation;
    if (of == Prediction::Of::data) {
      standard.offset = offset;
      standard.scale = data.deviation[k] > 0 ? data.deviation[k] : 1;
    }
    return standard;
  }
};

/// All predictions are affine in each other given (x, t); the loss is w(t) |noise found - noise|^2 whatever the network
/// predicts, so that the prediction chooses what the network's output means and `weighting` what is minimised.
class DenoisingScoreMatching : public Objective {
 public:
  /// w(t) of the loss in units of the noise.
  using Weight = std::function<double(double t, const NoiseLevel&, const Decoding&)>;
  /// Time of a sample from a uniform number.
  using TimeOf = std::function<double(double uniform)>;

  DenoisingScoreMatching(NoisedData data, Prediction prediction, Weight weight, TimeOf time_of,
                         const std::optional<DataScale>& scale)
      : data_(std::move(data)), prediction_(prediction), weight_(std::move(weight)), time_of_(std::move(time_of)) {
    if (scale) standards_ = NoisedStandards{data_.shared_process(), *scale, prediction.of};
    const auto decoding = [process = data_.shared_process(), prediction](double t) {
      return prediction(t, NoiseLevel::at(*process, t));
    };
    constexpr std::array<const char*, 4> names{"noise", "data", "score", "velocity"};
    heads_.push_back({"score", Loss::regression, decoding, data_.process().mean(),
                      names[static_cast<std::size_t>(prediction.of)], data_.path(), data_.process().horizon(), true});
    if (standards_) heads_.back().standard = *standards_;
  }
  int dimension() const override { return data_.dimension(); }
  const std::vector<Head>& heads() const override { return heads_; }

  void draw(std::uint32_t step, Index first, std::vector<Lesson>& lessons) const override {
    const Lesson& lesson = lessons.front();
    const Index n = lesson.input.size();
    const int d = dimension();
    data_.draws().uniforms(step, first, n, lesson.time);
    for (Index i = 0; i < n; ++i) lesson.time[i] = time_of_(lesson.time[i]);
    data_.points(step, first, lesson.input, lesson.target);
    for (Index i = 0; i < n; ++i) {
      const double t = lesson.time[i];
      const NoiseLevel level = NoiseLevel::at(data_.process(), t);
      const Decoding decoding = prediction_(t, level);
      const double scale = level.sigma * decoding.gain;
      lesson.weight[i] = weight_(t, level, decoding) * scale * scale;
      lesson.time[i] = decoding.time;
      double squares = 0;  // mean over the coordinates: what errors in standard units weigh in those of the deck
      for (int k = 0; k < d; ++k) {
        const double z = lesson.target(i, k), y = level.alpha * lesson.input(i, k) + level.sigma * z;
        lesson.target(i, k) = (-z / level.sigma - decoding.skip * y) / decoding.gain;
        lesson.input(i, k) = decoding.input * y;
        if (!standards_) continue;
        const Standard of = (*standards_)(t, k);
        lesson.input(i, k) = decoding.input * (y + data_.process().mean()[k] - of.centre) / of.deviation;
        lesson.target(i, k) = (lesson.target(i, k) - of.offset) / of.scale;
        squares += of.scale * of.scale / d;
      }
      if (standards_) lesson.weight[i] *= squares;
    }
  }

 private:
  NoisedData data_;
  Prediction prediction_;
  Weight weight_;
  TimeOf time_of_;
  std::optional<NoisedStandards> standards_;
  std::vector<Head> heads_;
};

std::vector<Parameter> score_parameters(std::vector<Parameter> own) {
  std::vector<Parameter> all{
      required("data", {Type::reference}, "law of the data").of("laws"),
      required("process", {Type::reference}, "noising process X_t = alpha X_0 + sigma z: vp, ve, sub_vp, ou, ddpm")
          .of("processes"),
      defaulted(
          "predict", {Type::choice}, "noise",
          "what the network's output means: the noise z, the data X_0 (about the mean of the process), the score, "
          "or the velocity of the probability flow")
          .one_of({"noise", "data", "score", "velocity"}),
      standardise_parameter()};
  all.insert(all.end(), own.begin(), own.end());
  return with_training_parameters(all);
}

Prediction prediction_of(const Parameters& p) {
  const std::string of = p.text("predict");
  Prediction prediction;
  prediction.of = of == "noise"   ? Prediction::Of::noise
                  : of == "data"  ? Prediction::Of::data
                  : of == "score" ? Prediction::Of::score
                                  : Prediction::Of::velocity;
  if (p.has("data_deviation")) {
    if (of != "data") {
      throw ParameterError("data_deviation", fmt::format("this scaling is for predict: data, found {}", of));
    }
    prediction.data_deviation = p.real("data_deviation");
  }
  return prediction;
}

ModelPtr score_model(const Parameters& p, const ModelContext& context, NoisedData data,
                     const std::shared_ptr<const processes::LinearNoising>& process,
                     DenoisingScoreMatching::Weight weight, DenoisingScoreMatching::TimeOf time_of) {
  const Prediction prediction = prediction_of(p);
  std::optional<DataScale> scale;
  if (p.boolean("standardise")) {
    if (prediction.data_deviation > 0 || prediction.of == Prediction::Of::velocity) {
      throw ParameterError(
          "standardise",
          fmt::format("expected false with {}, or predict: noise, data or score",
                      prediction.data_deviation > 0 ? "data_deviation, which scales by itself" : "predict: velocity"));
    }
    scale = data_scale(p, context, "data");
  }
  auto objective = std::make_shared<DenoisingScoreMatching>(std::move(data), prediction, std::move(weight),
                                                            std::move(time_of), scale);
  return std::make_shared<NetworkModel>(training_settings(p, context), objective, context.communicator, process);
}

const Registered<ModelFactory> denoising_score_matching{
    {"models", "denoising_score_matching",
     "Score of noised data: min E w(t) |noise(X_t, t) - z|^2, X_t = alpha X_0 + sigma z",
     "Vincent, 2011; Song et al., 2021; Karras et al., 2022",
     score_parameters(
         {defaulted("weighting", {Type::choice}, "noise",
                    "w(t): noise 1, score 1/sigma^2, likelihood g^2/sigma^2, prediction: 1 for the error of what is "
                    "predicted")
              .one_of({"noise", "score", "likelihood", "prediction"}),
          defaulted("smallest_time", {Type::real}, 1e-3, "training times are uniform from here to the horizon")
              .positive()
              .unit("time"),
          optional("data_deviation", {Type::real},
                   "standard deviation of the data, for the input and output scaling of Karras et al. (predict: data)")
              .positive()})},
    [](const Parameters& p, const ModelContext& context) -> ModelPtr {
      const auto process = linear_noising(context.process(p.text("process")), p.text("process"),
                                          context.law(p.text("data"))->dimension());
      const std::string weighting = p.text("weighting");
      DenoisingScoreMatching::Weight weight = [](double, const NoiseLevel&, const Decoding&) { return 1.0; };
      if (weighting == "score") {
        weight = [](double, const NoiseLevel& level, const Decoding&) { return 1 / (level.sigma * level.sigma); };
      } else if (weighting == "likelihood") {
        weight = [](double, const NoiseLevel& level, const Decoding&) {
          return std::pow(level.noise / level.sigma, 2);
        };
      } else if (weighting == "prediction") {
        weight = [](double, const NoiseLevel& level, const Decoding& decoding) {
          return std::pow(level.sigma * decoding.gain, -2);
        };
      }
      NoisedData data(p, context, process, p.real("smallest_time"));
      const double lowest = p.real("smallest_time"), length = process->horizon() - lowest;
      return score_model(p, context, std::move(data), process, std::move(weight),
                         [lowest, length](double uniform) { return lowest + length * uniform; });
    }};

const Registered<ModelFactory> ddpm{
    {"models", "ddpm",
     "The same on the times of a chain, k horizon/chain_steps: weights simple, 1, or elbo, beta_k^2 / (2 s_k^2 (1 - "
     "beta_k)(1 - abar_k)) with the posterior variance s_k^2 (beta_1 at k = 1)",
     "Ho, Jain and Abbeel, 2020",
     score_parameters({defaulted("weighting", {Type::choice}, "simple", "w_k").one_of({"simple", "elbo"}),
                       defaulted("chain_steps", {Type::integer}, 1000, "steps of the chain").between(1, 1000000)})},
    [](const Parameters& p, const ModelContext& context) -> ModelPtr {
      const auto process = linear_noising(context.process(p.text("process")), p.text("process"),
                                          context.law(p.text("data"))->dimension());
      const auto steps = static_cast<double>(p.integer("chain_steps"));
      const double tau = process->horizon() / steps;
      const bool elbo = p.text("weighting") == "elbo";
      const auto weight = [process, tau, elbo](double t, const NoiseLevel& level, const Decoding&) {
        if (!elbo) return 1.0;
        const double before = std::max(0.0, t - tau), keep = process->decay(before, t), beta = 1 - keep * keep;
        const double variance = level.sigma * level.sigma, variance_before = process->variance(0, before);
        const double posterior = before > tau / 2 ? beta * variance_before / variance : beta;
        return beta * beta / (2 * posterior * (1 - beta) * variance);
      };
      return score_model(p, context, NoisedData(p, context, process, 0), process, weight, [steps, tau](double uniform) {
        return tau * (1 + std::min(steps - 1, std::floor(uniform * steps)));
      });
    }};
}  // namespace

}  // namespace fortet::training
