#pragma once
/// The data-parallel training loop for networks of one precision.
#include "fortet/networks/optimizer.hpp"
#include "gradient_tree.hpp"
#include "learned_field.hpp"
#include "network_model.hpp"

namespace fortet::training {

/// A head with its network, optimiser and average.
template <class Real>
struct Learner {
  Head head;
  networks::Network<Real> network;                     ///< at work
  std::shared_ptr<networks::Network<Real>> published;  ///< what the field evaluates: the average, if one is kept
  std::unique_ptr<networks::Optimizer<Real>> optimizer;
  std::shared_ptr<LearnedField<Real>> field;
};

/// One training: the ranks that take part, their scratch memory and the loop over steps.
template <class Real>
class Trainer {
 public:
  Trainer(const TrainingSettings& settings, std::vector<Learner<Real>>& learners, Objective& objective,
          const TrainingContext& context, const parallel::Communicator& active, int round);
  ~Trainer();
  /// Collective over the active ranks.
  void run();

 private:
  struct Scratch;  // of one thread
  /// Adds the loss of each local shard, and its gradient if wanted.
  void compute(std::uint32_t step, bool with_gradient, std::vector<double>& losses);
  void pass(std::uint32_t step, bool with_gradient, std::vector<double>& losses);
  double shard_loss(const Learner<Real>& learner, const Lesson& lesson, Index count, std::span<Real> gradient,
                    const std::function<void(std::size_t)>& finished, bool with_gradient, Scratch& scratch);
  double all_losses(std::vector<double>& losses) const;
  double validate();
  void publish();
  void require_same_weights() const;

  const TrainingSettings& settings_;
  std::vector<Learner<Real>>& learners_;
  Objective& objective_;
  const TrainingContext& context_;
  parallel::Communicator active_;
  int round_;
  std::vector<std::unique_ptr<GradientTree<Real>>> trees_;
  std::vector<std::unique_ptr<Scratch>> scratch_;
};

extern template class Trainer<float>;
extern template class Trainer<double>;

}  // namespace fortet::training
