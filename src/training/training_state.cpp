#include "training_state.hpp"

namespace fortet::training {

namespace {
template <class Real>
void exchange_weights(io::State& state, const std::string& name, const std::vector<Learner<Real>>& learners,
                      std::vector<std::vector<Real>>& weights) {
  bool kept = !weights.empty();
  state.flag(name, kept);
  weights.resize(kept ? learners.size() : 0);
  for (std::size_t h = 0; h < weights.size(); ++h) {
    weights[h].resize(std::as_const(learners[h].network).parameters().size());
    state.span(learners[h].head.name + "." + name, std::span(weights[h]));
  }
}
}  // namespace

template <class Real>
void exchange(io::State& state, std::vector<Learner<Real>>& learners, TrainingState<Real>& training) {
  state.integer("round", training.round);
  state.integer("step", training.step);
  state.integer("logged", training.logged);
  state.list("losses", training.losses);
  state.real("best_validation", training.best_validation);
  state.integer("best_step", training.best_step);
  state.text("notes", training.notes);
  for (Learner<Real>& learner : learners) {
    const std::string& name = learner.head.name;
    state.span(name + ".weights", learner.network.parameters());
    state.span(name + ".published", learner.published->parameters());
    for (const auto& [moment, values] : learner.optimizer->state()) state.span(name + "." + moment, values);
    state.integer(name + ".optimizer_steps", learner.optimizer->steps());
  }
  exchange_weights(state, "best", learners, training.best);
  exchange_weights(state, "start", learners, training.start);
}

template <class Real>
void exchange_trained(io::State& state, std::vector<Learner<Real>>& learners) {
  for (Learner<Real>& learner : learners) {
    state.span(learner.head.name + ".weights", learner.published->parameters());
    state.span(learner.head.name + ".frequencies", learner.published->frequencies());
    learner.field->set_trained();
  }
}

template void exchange(io::State&, std::vector<Learner<float>>&, TrainingState<float>&);
template void exchange(io::State&, std::vector<Learner<double>>&, TrainingState<double>&);
template void exchange_trained(io::State&, std::vector<Learner<float>>&);
template void exchange_trained(io::State&, std::vector<Learner<double>>&);

}  // namespace fortet::training
