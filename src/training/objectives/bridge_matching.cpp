/// Kinds dsbm_imf, dsbm_imf_plus and dsbm_ipf: Schroedinger bridges of a Brownian reference by matching bridges of
/// couplings that are simulated anew in every round.
#include "../simulated_pairs.hpp"
#include "flow.hpp"
#include "two_way_bridge.hpp"

namespace fortet::training {

namespace {

/// Drifts of both directions of time on Brownian bridges x_t = (1-t) x_0 + t x_1 + sigma sqrt(t(1-t)) z of pairs:
///   forward   x_1 - x_0 - sigma sqrt(t/(1-t)) z,   backward   -(x_1 - x_0) - sigma sqrt((1-t)/t) z   (in 1 - t).
class BridgeMatching : public Objective {
 public:
  BridgeMatching(int dimension, double sigma, double margin, TrainingDraws draws)
      : dimension_(dimension), sigma_(sigma), margin_(margin), draws_(std::move(draws)) {}
  int dimension() const override { return dimension_; }
  const std::vector<Head>& heads() const override { return heads_; }
  bool learns(std::size_t head) const override { return learns_[head]; }
  void prepare(std::uint32_t step, const parallel::Communicator& communicator) override {
    pairs_->prepare(step, communicator);
  }
  bool work_ahead(bool wanted) override { return pairs_->work_ahead(wanted); }
  void take(std::shared_ptr<Pairs> pairs, bool learn_forward, bool learn_backward) {
    pairs_ = std::move(pairs);
    learns_ = {learn_forward, learn_backward};
  }

  void draw(std::uint32_t step, Index first, std::vector<Lesson>& lessons) const override {
    for (const Direction direction : {forward, backward}) {
      if (!learns_[direction]) continue;
      const Lesson& lesson = lessons[direction];
      const Index n = lesson.input.size();
      pairs_->draw(step, first, lesson.input, lesson.target);
      draws_.uniforms(step, first, n, lesson.time);
      draws_.normals(step, first, lesson.probe);
      for (Index i = 0; i < n; ++i) {
        const double t = margin_ + (1 - 2 * margin_) * lesson.time[i], spread = sigma_ * std::sqrt(t * (1 - t));
        const double pull = sigma_ * std::sqrt(direction == forward ? t / (1 - t) : (1 - t) / t);
        lesson.time[i] = t;
        lesson.weight[i] = 1;
        for (int k = 0; k < dimension_; ++k) {
          const double x0 = lesson.input(i, k), x1 = lesson.target(i, k), z = lesson.probe(i, k);
          lesson.input(i, k) = (1 - t) * x0 + t * x1 + spread * z;
          lesson.target(i, k) = (direction == forward ? x1 - x0 : x0 - x1) - pull * z;
        }
      }
    }
  }

 private:
  int dimension_;
  double sigma_, margin_;
  TrainingDraws draws_;
  std::shared_ptr<Pairs> pairs_;
  std::array<bool, 2> learns_{true, true};
  std::vector<Head> heads_ = two_way_heads(sigma_);
};

class DiffusionBridgeMatching : public TwoWayBridge {
 public:
  enum class First { independent, optimal, reference };  ///< the coupling of the first round

  DiffusionBridgeMatching(const Parameters& p, const ModelContext& context,
                          const std::shared_ptr<BridgeMatching>& objective, First first)
      : TwoWayBridge(p, context, objective), objective_(objective), is_imf_(first != First::reference) {
    if (first == First::reference) return;
    pairs_ = coupled_pairs(p, context,
                           couplings::make_coupling(Parameters::make(
                               "couplings", first == First::optimal ? "exact" : "independent", Json::object())));
  }
  void train(const TrainingContext& context) override {
    run_rounds(context, [&](int round) {
      // Odd rounds learn forward drifts from pairs simulated backward, even rounds the reverse; the first of a matching
      // learns both from its given coupling, that of a proportional fitting the backward drift from the reference's.
      const bool learns_forward = round % 2 == 1 || (round == 0 && is_imf_), learns_backward = round % 2 == 0;
      objective_->take(pairs(round, context), learns_forward, learns_backward);
      return objective_;
    });
  }

 private:
  std::shared_ptr<Pairs> pairs(int round, const TrainingContext& context) const {
    if (round == 0 && is_imf_) return pairs_;
    const parallel::Communicator& communicator = context.communicator;
    const Simulation simulation{fmt::format("{}.round_{}", name(), round), "euler_maruyama",
                                parameters().integer("pair_steps"), parameters().integer("pairs"), seed()};
    std::pair<PointArray, PointArray> ends;
    if (round == 0) {
      ends = simulate_pairs(reference(), source(), simulation, communicator);
    } else if (round % 2 == 1) {
      ends = simulate_pairs(learned(backward), target(), simulation, communicator);
      std::swap(ends.first, ends.second);
    } else {
      ends = simulate_pairs(learned(forward), source(), simulation, communicator);
    }
    if (round > 0) report_coupling(context, round - 1, ends.first, ends.second);
    return std::make_shared<StoredPairs>(std::move(ends.first), std::move(ends.second), seed(), simulation.name,
                                         parameters().integer("batch"));
  }

  std::shared_ptr<BridgeMatching> objective_;
  bool is_imf_;
  std::shared_ptr<Pairs> pairs_;  ///< of the first round of a matching
};

std::vector<Parameter> schema_parameters() {
  return two_way_parameters(
      {defaulted("margin", {Type::real}, 1e-3, "training times stay so far from 0 and 1, where a target is infinite")
           .between(1e-9, 0.49)});
}

ModelFactory factory(DiffusionBridgeMatching::First first) {
  return [first](const Parameters& p, const ModelContext& context) -> ModelPtr {
    const auto objective = std::make_shared<BridgeMatching>(context.law(p.text("target"))->dimension(), p.real("sigma"),
                                                            p.real("margin"), TrainingDraws(context.seed, p.name()));
    return std::make_shared<DiffusionBridgeMatching>(p, context, objective, first);
  };
}

const char* const reference_text = "Shi, De Bortoli, Campbell and Doucet, 2023";

const Registered<ModelFactory> dsbm_imf{{"models", "dsbm_imf",
                                         "Schroedinger bridge of sigma B by iterative Markovian fitting: forward and "
                                         "backward drifts learned in turn on bridges "
                                         "of pairs that the other direction simulates, first of independent pairs",
                                         reference_text, schema_parameters()},
                                        factory(DiffusionBridgeMatching::First::independent)};
const Registered<ModelFactory> dsbm_imf_plus{
    {"models", "dsbm_imf_plus", "The same, first with pairs of the optimal plan of each batch", reference_text,
     schema_parameters()},
    factory(DiffusionBridgeMatching::First::optimal)};
const Registered<ModelFactory> dsbm_ipf{
    {"models", "dsbm_ipf", "The same, first with pairs of the reference started at the source", reference_text,
     schema_parameters()},
    factory(DiffusionBridgeMatching::First::reference)};

}  // namespace

}  // namespace fortet::training
