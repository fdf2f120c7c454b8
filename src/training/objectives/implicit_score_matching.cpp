/// Kinds implicit_score_matching and sliced_score_matching: scores without a known noise.
#include "noised_data.hpp"

namespace fortet::training {

namespace {
/// Of the law of the data itself, or of its marginals under a noising process. The loss is weighted by sigma^2(t) with
/// a process, so that all times count alike.
class ImplicitScoreMatching : public Objective {
 public:
  ImplicitScoreMatching(NoisedData data, Loss loss) : noised_(std::move(data)), draws_(noised_->draws()) {
    add_head(loss, noised_->process().mean());
  }
  ImplicitScoreMatching(TrainingPoints points, TrainingDraws draws, Loss loss)
      : points_(std::move(points)), draws_(std::move(draws)) {
    add_head(loss, {});
  }
  int dimension() const override { return noised_ ? noised_->dimension() : points_->dimension(); }
  const std::vector<Head>& heads() const override { return heads_; }

  void draw(std::uint32_t step, Index first, std::vector<Lesson>& lessons) const override {
    const Lesson& lesson = lessons.front();
    const Index n = lesson.input.size();
    if (heads_.front().loss == Loss::sliced) draws_.signs(step, first, lesson.probe);
    if (!noised_) {
      points_->draw(step, first, lesson.input);
      std::fill_n(lesson.time, n, 0.0);
      std::fill_n(lesson.weight, n, 1.0);
      return;
    }
    draws_.uniforms(step, first, n, lesson.time);
    for (Index i = 0; i < n; ++i) lesson.time[i] = noised_->time(lesson.time[i]);
    noised_->points(step, first, lesson.input, lesson.target);
    for (Index i = 0; i < n; ++i) {
      const NoiseLevel level = NoiseLevel::at(noised_->process(), lesson.time[i]);
      lesson.weight[i] = level.sigma * level.sigma;
      for (int k = 0; k < dimension(); ++k) {
        lesson.input(i, k) = level.alpha * lesson.input(i, k) + level.sigma * lesson.target(i, k);
      }
    }
  }

 private:
  void add_head(Loss loss, Eigen::VectorXd centre) {
    const bool timed = noised_.has_value();
    heads_.push_back({"score", loss,
                      [timed](double t) {
                        return Decoding{1, timed ? t : 0, 0, 1};
                      },
                      std::move(centre), "score", timed ? noised_->path() : [](double) { return PathPoint{}; },
                      timed ? noised_->process().horizon() : 1, true});
  }

  std::optional<NoisedData> noised_;
  std::optional<TrainingPoints> points_;
  TrainingDraws draws_;
  std::vector<Head> heads_;
};

std::vector<Parameter> parameters() {
  return with_training_parameters({required("data", {Type::reference}, "law of the data").of("laws"),
                                   optional("process", {Type::reference},
                                            "noising process whose marginal scores are learned; absent: the data's own")
                                       .of("processes"),
                                   defaulted("smallest_time", {Type::real}, 1e-2,
                                             "training times are uniform from here to the horizon of the process")
                                       .positive()
                                       .unit("time")});
}

ModelPtr make(const Parameters& p, const ModelContext& context, Loss loss) {
  const laws::LawPtr data = context.law(p.text("data"));
  std::shared_ptr<const processes::LinearNoising> process;
  std::shared_ptr<ImplicitScoreMatching> objective;
  if (p.has("process")) {
    process = linear_noising(context.process(p.text("process")), p.text("process"), data->dimension());
    objective = std::make_shared<ImplicitScoreMatching>(NoisedData(p, context, process, p.real("smallest_time")), loss);
  } else {
    objective = std::make_shared<ImplicitScoreMatching>(training_points(p, context, data, "data"),
                                                        TrainingDraws(context.seed, p.name()), loss);
  }
  return std::make_shared<NetworkModel>(training_settings(p, context), objective, context.communicator, process);
}

const Registered<ModelFactory> implicit_score_matching{
    {"models", "implicit_score_matching",
     "Score without knowing the noise: min E w (|s|^2/2 + div s), the divergence exact", "Hyvarinen, 2005",
     parameters()},
    [](const Parameters& p, const ModelContext& context) { return make(p, context, Loss::implicit); }};

const Registered<ModelFactory> sliced_score_matching{
    {"models", "sliced_score_matching",
     "The same with the divergence estimated along one random direction per sample: min E w (|s|^2/2 + v . grad(v . "
     "s))",
     "Song, Garg, Shi and Ermon, 2019", parameters()},
    [](const Parameters& p, const ModelContext& context) { return make(p, context, Loss::sliced); }};
}  // namespace

}  // namespace fortet::training
