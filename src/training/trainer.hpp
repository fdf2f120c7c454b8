#pragma once
/// The data-parallel training loop for networks of one precision.
#include "fortet/parallel/team.hpp"
#include "gradient_tree.hpp"
#include "network_model.hpp"
#include "training_state.hpp"

namespace fortet::training {

/// What a training has come to; the same on the ranks that train.
struct TrainingOutcome {
  std::vector<std::string> notes;
  bool weights_are_sane = true;  ///< false: what is published is no model
};

/// Losses on batches that are not trained on, the same for all three: of the weights that the round began with, of
/// those that are published, and of the best constant output of the network.
struct Judgement {
  double start = 0, end = 0, constant = 0;
  bool is_sane() const;
};

/// Samples of shard `s` of a batch cut into `shards` parts whose sizes differ by at most one.
inline parallel::Range shard_range(Index batch, int shards, int s) {
  const Index small = batch / shards, rest = batch % shards;
  const Index begin = s * small + std::min<Index>(s, rest);
  return {begin, begin + small + (s < rest ? 1 : 0)};
}

/// One training: the ranks that take part, their scratch memory and the loop over steps.
template <class Real>
class Trainer {
 public:
  Trainer(const TrainingSettings& settings, std::vector<Learner<Real>>& learners, TrainingState<Real>& state,
          Objective& objective, const TrainingContext& context, const parallel::Communicator& active,
          TrainingOutcome& outcome);
  ~Trainer();
  /// From the state's step to the last. Collective over the active ranks. Throws what the checkpoints throw after a
  /// step.
  void run();

 private:
  struct Scratch;  // of one thread
  void steps();
  /// Adds the loss of each local shard, and its gradient if wanted.
  void compute(std::uint32_t step, bool with_gradient, std::vector<double>& losses);
  void pass(std::uint32_t step, bool with_gradient, std::vector<double>& losses);
  double shard_loss(const Learner<Real>& learner, const Lesson& lesson, Index count, std::span<Real> gradient,
                    const std::function<void(std::size_t)>& finished, bool with_gradient, Scratch& scratch);
  double all_losses(std::vector<double>& losses) const;
  void offer_checkpoint(const std::vector<double>& losses);
  std::vector<Lesson>& fresh_lessons(Index count);  ///< of the calling thread while no other is at work
  double validate();
  double published_loss(int batches);
  double constant_loss(int batches);
  Judgement judge();
  /// Says what was learned and which weights are kept. Throws DivergedError for weights that are no model.
  void conclude(bool stopped_early);
  void publish();
  void require_same_weights() const;

  const TrainingSettings& settings_;
  std::vector<Learner<Real>>& learners_;
  TrainingState<Real>& state_;
  Objective& objective_;
  const TrainingContext& context_;
  parallel::Communicator active_;
  TrainingOutcome& outcome_;
  parallel::Team* team_ = nullptr;
  std::vector<std::unique_ptr<GradientTree<Real>>> trees_;
  std::vector<std::unique_ptr<Scratch>> scratch_;
};

extern template class Trainer<float>;
extern template class Trainer<double>;

}  // namespace fortet::training
