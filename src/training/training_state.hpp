#pragma once
/// What a later run needs to go on with a training, bit for bit.
#include <limits>

#include "fortet/io/checkpoint.hpp"
#include "fortet/networks/optimizer.hpp"
#include "learned_field.hpp"

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

/// How far the training of a round has come. The random numbers and the order of the data follow from round and step.
template <class Real>
struct TrainingState {
  using Weights = std::vector<std::vector<Real>>;  ///< per head

  std::int64_t round = 0;
  std::int64_t step = 0;       ///< steps done
  std::int64_t logged = 0;     ///< steps done at the last line of the curves
  std::vector<double> losses;  ///< summed since then, of every shard
  double best_validation = std::numeric_limits<double>::infinity();
  std::int64_t best_step = 0;
  Weights best;       ///< those of the best validation; empty: none is kept
  Weights start;      ///< published when the round began: pairs that are simulated from them are the same again
  std::string notes;  ///< lines: what the finished rounds have come to
};

template <class Real>
typename TrainingState<Real>::Weights published_weights(const std::vector<Learner<Real>>& learners) {
  typename TrainingState<Real>::Weights all;
  for (const Learner<Real>& learner : learners) {
    const std::span<const Real> weights = std::as_const(*learner.published).parameters();
    all.emplace_back(weights.begin(), weights.end());
  }
  return all;
}

/// Saves or restores the learners and how far they have come. The learners must have been made as those saved were.
template <class Real>
void exchange(io::State& state, std::vector<Learner<Real>>& learners, TrainingState<Real>& training);

/// Saves or restores what trained fields evaluate; they are trained afterwards.
template <class Real>
void exchange_trained(io::State& state, std::vector<Learner<Real>>& learners);

}  // namespace fortet::training
