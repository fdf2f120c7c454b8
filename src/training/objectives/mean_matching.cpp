/// Kind dsb: the Schroedinger bridge by iterative proportional fitting, each half step a regression on the paths of the
/// one before (mean matching).
#include "../simulated_pairs.hpp"
#include "two_way_bridge.hpp"

namespace fortet::training {

namespace {

/// Stored regression targets (x, t) -> drift.
class MeanMatching : public Objective {
 public:
  MeanMatching(int dimension, double sigma, std::uint64_t seed, const std::string& name)
      : dimension_(dimension),
        choices_(seed, parallel::Purpose::training, name + ".choice"),
        heads_(two_way_heads(sigma)) {}
  int dimension() const override { return dimension_; }
  const std::vector<Head>& heads() const override { return heads_; }
  bool learns(std::size_t head) const override { return head == learning_; }
  void take(Direction learning, PointArray points, std::vector<double> times, PointArray targets) {
    learning_ = learning;
    points_ = std::move(points);
    times_ = std::move(times);
    targets_ = std::move(targets);
  }

  void draw(std::uint32_t step, Index first, std::vector<Lesson>& lessons) const override {
    const Lesson& lesson = lessons[learning_];
    const Index n = lesson.input.size();
    choices_.uniforms(first, step, Points(lesson.time, n, 1));
    for (Index i = 0; i < n; ++i) {
      const Index row =
          std::min(points_.size() - 1, static_cast<Index>(lesson.time[i] * static_cast<double>(points_.size())));
      lesson.time[i] = times_[row];
      lesson.weight[i] = 1;
      for (int k = 0; k < dimension_; ++k) {
        lesson.input(i, k) = points_(row, k);
        lesson.target(i, k) = targets_(row, k);
      }
    }
  }

 private:
  int dimension_;
  parallel::Stream choices_;
  Direction learning_ = backward;
  PointArray points_, targets_;
  std::vector<double> times_;
  std::vector<Head> heads_;
};

class DiffusionBridge : public TwoWayBridge {
 public:
  DiffusionBridge(const Parameters& p, const ModelContext& context, const std::shared_ptr<MeanMatching>& objective)
      : TwoWayBridge(p, context, objective), objective_(objective) {}

  void train(const TrainingContext& context) override {
    run_rounds(context, [&](int round) {
      learn_from_paths(round, context);
      return objective_;
    });
  }

 private:
  /// Even rounds learn the backward drift from paths of the forward process (first the reference), odd rounds the
  /// reverse. With x -> x + h f(x) + sigma sqrt(h) z the mean of the step back from x' is x' + h b(x'),
  ///   b(x') = (x - x')/h + f(x) - f(x')     (De Bortoli et al. 2021, eq. 12).
  void learn_from_paths(int round, const TrainingContext& context) {
    const Direction learning = round % 2 == 0 ? backward : forward, walking = learning == backward ? forward : backward;
    const processes::ProcessPtr process = round == 0 ? reference() : learned(walking);
    const long steps = parameters().integer("pair_steps");
    const Simulation simulation{fmt::format("{}.round_{}", name(), round), "euler_maruyama", steps,
                                parameters().integer("pairs"), seed()};
    const std::vector<PointArray> path =
        simulate_paths(process, walking == forward ? source() : target(), simulation, context.communicator);
    if (round > 0) {
      const bool is_forward = walking == forward;
      report_coupling(context, round - 1, is_forward ? path.front() : path.back(),
                      is_forward ? path.back() : path.front());
    }
    const Index count = path.front().size();
    const int d = dimension();
    const double h = 1.0 / static_cast<double>(steps);
    PointArray points(count * steps, d), targets(count * steps, d), here(count, d), there(count, d);
    std::vector<double> times(count * steps);
    for (long step = 0; step < steps; ++step) {
      const double t = static_cast<double>(step) * h;  // of the walking process, before the step
      process->drift(t, path[step], here);
      process->drift(t, path[step + 1], there);
      for (Index i = 0; i < count; ++i) {
        const Index row = step * count + i;
        times[row] = walking == forward ? t + h : 1 - (t + h);
        for (int k = 0; k < d; ++k) {
          points(row, k) = path[step + 1](i, k);
          targets(row, k) = (path[step](i, k) - path[step + 1](i, k)) / h + here(i, k) - there(i, k);
        }
      }
    }
    objective_->take(learning, std::move(points), std::move(times), std::move(targets));
  }

  std::shared_ptr<MeanMatching> objective_;
};

const Registered<ModelFactory> dsb{{"models", "dsb",
                                    "Schroedinger bridge of sigma B by iterative proportional fitting: each round "
                                    "learns the drift of one direction of time "
                                    "from the paths that the other simulates, first from those of the reference",
                                    "De Bortoli, Thornton, Heng and Doucet, 2021", two_way_parameters({})},
                                   [](const Parameters& p, const ModelContext& context) -> ModelPtr {
                                     const auto objective =
                                         std::make_shared<MeanMatching>(context.law(p.text("target"))->dimension(),
                                                                        p.real("sigma"), context.seed, p.name());
                                     return std::make_shared<DiffusionBridge>(p, context, objective);
                                   }};

}  // namespace

}  // namespace fortet::training
