#include "trainer.hpp"

#include <omp.h>

#include "fortet/parallel/threads.hpp"
#include "training_points.hpp"

namespace fortet::training {

namespace {
template <class Real>
void convert(Points from, Real* to, Index stride) {
  for (int k = 0; k < from.dimension(); ++k) {
    const double* values = from.coordinate(k);
    Real* out = to + k * stride;
    for (Index i = 0; i < from.size(); ++i) out[i] = static_cast<Real>(values[i]);
  }
}
}  // namespace

/// Everything a thread needs for one shard; allocated once.
template <class Real>
struct Trainer<Real>::Scratch {
  Scratch(const std::vector<Learner<Real>>& learners, Index capacity, int dimension)
      : capacity(capacity), time(capacity) {
    for (const Learner<Real>& learner : learners) {
      workspaces.push_back(learner.network.workspace(capacity));
      lessons.emplace_back();
      for (int kind = 0; kind < 3; ++kind) points.emplace_back(capacity, dimension);
      weights.emplace_back(capacity);
      times.emplace_back(capacity);
    }
    for (auto* buffer : {&input, &output, &bar, &tangent, &output_tangent, &tangent_bar})
      buffer->resize(capacity * dimension);
  }
  /// Lessons of `count` samples, to be filled by the objective.
  std::vector<Lesson>& fresh(Index count) {
    for (std::size_t h = 0; h < lessons.size(); ++h) {
      const auto view = [&](std::size_t kind) { return points[3 * h + kind].view().slice(0, count); };
      lessons[h] = {view(0), times[h].data(), view(1), weights[h].data(), view(2)};
    }
    return lessons;
  }
  networks::Batch<Real> batch(std::vector<Real>& buffer, Index count, int features) const {
    return {buffer.data(), count, features, capacity};
  }

  Index capacity;
  std::vector<std::unique_ptr<typename networks::Network<Real>::Workspace,
                              void (*)(typename networks::Network<Real>::Workspace*)>>
      workspaces;
  std::vector<Lesson> lessons;
  std::vector<PointArray> points;
  std::vector<std::vector<double>> weights, times;
  std::vector<Real> time, input, output, bar, tangent, output_tangent, tangent_bar;
};

template <class Real>
Trainer<Real>::Trainer(const TrainingSettings& settings, std::vector<Learner<Real>>& learners,
                       TrainingState<Real>& state, Objective& objective, const TrainingContext& context,
                       const parallel::Communicator& active, TrainingOutcome& outcome)
    : settings_(settings),
      learners_(learners),
      state_(state),
      objective_(objective),
      context_(context),
      active_(active),
      outcome_(outcome) {
  for (const Learner<Real>& learner : learners_) {
    trees_.push_back(std::make_unique<GradientTree<Real>>(active_, settings_.shards,
                                                          static_cast<Index>(learner.network.parameters().size()),
                                                          learner.network.segments()));
  }
  const Index capacity = shard_range(settings_.batch, settings_.shards, 0).size();
  for (int t = 0; t < parallel::thread_count(); ++t) {
    scratch_.push_back(std::make_unique<Scratch>(learners_, capacity, objective_.dimension()));
  }
}

template <class Real>
Trainer<Real>::~Trainer() = default;

template <class Real>
std::vector<Lesson>& Trainer<Real>::fresh_lessons(Index count) {
  return scratch_.front()->fresh(count);
}

/// Sum over samples of the loss of one head, over the batch size; adds its gradient.
template <class Real>
double Trainer<Real>::shard_loss(const Learner<Real>& learner, const Lesson& lesson, Index n, std::span<Real> gradient,
                                 const std::function<void(std::size_t)>& finished, bool with_gradient,
                                 Scratch& scratch) {
  const networks::Network<Real>& network = with_gradient ? learner.network : *learner.published;
  const std::size_t head = static_cast<std::size_t>(&learner - learners_.data());
  auto& workspace = *scratch.workspaces[head];
  const int d = objective_.dimension();
  const double share = 1.0 / static_cast<double>(settings_.batch);
  convert(lesson.input, scratch.input.data(), scratch.capacity);
  for (Index i = 0; i < n; ++i) scratch.time[i] = static_cast<Real>(lesson.time[i]);
  const auto input = scratch.batch(scratch.input, n, d), output = scratch.batch(scratch.output, n, d),
             bar = scratch.batch(scratch.bar, n, d);
  const networks::Batch<Real> none;
  double loss = 0;
  if (learner.head.loss == Loss::regression) {
    network.forward(input, scratch.time.data(), output, workspace);
    for (int k = 0; k < d; ++k) {
      const Real* found = output.feature(k);
      const double* target = lesson.target.coordinate(k);
      Real* to = bar.feature(k);
      double sum = 0;
      for (Index i = 0; i < n; ++i) {
        const double residual = static_cast<double>(found[i]) - target[i], weighted = lesson.weight[i] * residual;
        sum += weighted * residual;
        to[i] = static_cast<Real>(2 * share * weighted);
      }
      loss += sum;
    }
    if (with_gradient) network.reverse(bar, gradient, none, workspace, finished);
    return loss * share;
  }
  const auto tangent = scratch.batch(scratch.tangent, n, d),
             output_tangent = scratch.batch(scratch.output_tangent, n, d),
             tangent_bar = scratch.batch(scratch.tangent_bar, n, d);
  const bool sliced = learner.head.loss == Loss::sliced;
  const int directions = sliced ? 1 : d;
  for (int direction = 0; direction < directions; ++direction) {
    if (sliced) {
      convert(lesson.probe, tangent.data, scratch.capacity);
    } else {
      for (int k = 0; k < d; ++k) std::fill_n(tangent.feature(k), n, static_cast<Real>(k == direction));
    }
    network.forward_tangent(input, scratch.time.data(), tangent, output, output_tangent, workspace);
    for (int k = 0; k < d; ++k) {
      const Real *value = output.feature(k), *slope = output_tangent.feature(k), *along = tangent.feature(k);
      for (Index i = 0; i < n; ++i) {
        const double w = lesson.weight[i] * share, s = static_cast<double>(value[i]);
        loss +=
            w * static_cast<double>(slope[i]) * static_cast<double>(along[i]) + (direction == 0 ? w * s * s / 2 : 0);
        bar.feature(k)[i] = static_cast<Real>(direction == 0 ? w * s : 0);
        tangent_bar.feature(k)[i] = static_cast<Real>(w) * along[i];
      }
    }
    if (with_gradient) network.reverse_tangent(bar, tangent_bar, gradient, none, workspace);
  }
  if (with_gradient) {
    for (std::size_t k = 0; k < network.segments().size(); ++k) finished(k);
  }
  return loss;
}

template <class Real>
void Trainer<Real>::pass(std::uint32_t step, bool with_gradient, std::vector<double>& losses) {
  try {
    compute(step, with_gradient, losses);
  } catch (const std::exception& error) {                                    // also a want of memory
    if (active_.size() > 1) parallel::fail_local(active_, error_of(error));  // the others wait for its gradient
    throw;
  }
}

template <class Real>
void Trainer<Real>::compute(std::uint32_t step, bool with_gradient, std::vector<double>& losses) {
  objective_.prepare(step, active_);
  const int local = trees_.front()->local_shards(), first = trees_.front()->first_shard();
  team_->for_each(local, [&](int shard) {
    Scratch& scratch = *scratch_[omp_get_thread_num()];
    const parallel::Range range = shard_range(settings_.batch, settings_.shards, first + shard);
    const std::vector<Lesson>& lessons = scratch.fresh(range.size());
    objective_.draw(step, range.begin, scratch.lessons);
    for (std::size_t h = 0; h < learners_.size(); ++h) {
      if (!objective_.learns(h)) continue;
      GradientTree<Real>& tree = *trees_[h];
      losses[shard] += shard_loss(
          learners_[h], lessons[h], range.size(), with_gradient ? tree.zeroed_shard(shard) : tree.shard(shard),
          [&tree](std::size_t segment) { tree.finished(segment); }, with_gradient, scratch);
    }
  });
}

/// Sum over all shards of all ranks in the order of the shards; zeroes the local ones.
template <class Real>
double Trainer<Real>::all_losses(std::vector<double>& losses) const {
  double sum = 0;
  for (const double loss : active_.gather_all(losses)) sum += loss;
  std::fill(losses.begin(), losses.end(), 0.0);
  return sum;
}

template <class Real>
void Trainer<Real>::publish() {
  if (settings_.average > 0) return;  // then the average is published at every step
  for (std::size_t h = 0; h < learners_.size(); ++h) {
    if (!objective_.learns(h)) continue;  // what an earlier round published stays
    const std::span<const Real> weights = std::as_const(learners_[h].network).parameters();
    std::copy(weights.begin(), weights.end(), learners_[h].published->parameters().begin());
  }
}

template <class Real>
double Trainer<Real>::validate() {
  publish();
  return published_loss(settings_.validation_batches);
}

template <class Real>
double Trainer<Real>::published_loss(int batches) {
  std::vector<double> losses(trees_.front()->local_shards(), 0.0);
  for (int k = 0; k < batches; ++k) pass(validation_step + static_cast<std::uint32_t>(k), false, losses);
  return all_losses(losses) / batches;
}

/// Replicas must agree bit for bit; a rank whose memory or arithmetic has failed shows here.
template <class Real>
void Trainer<Real>::require_same_weights() const {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a over words
  for (const Learner<Real>& learner : learners_) {
    const auto* words = reinterpret_cast<const std::uint32_t*>(learner.network.parameters().data());
    const std::size_t count = learner.network.parameters().size_bytes() / sizeof(std::uint32_t);
    for (std::size_t i = 0; i < count; ++i) hash = (hash ^ words[i]) * 0x100000001b3;
  }
  const auto half = static_cast<double>(hash >> 12);  // exact in a double
  if (active_.max(half) != active_.min(half)) {
    throw Error(
        ExitCode::internal,
        fmt::format("models.{}: the weights differ between ranks; a rank has computed wrongly", settings_.name));
  }
}

/// A safe point between two steps.
template <class Real>
void Trainer<Real>::offer_checkpoint(const std::vector<double>& losses) {
  if (!context_.checkpoints) return;
  context_.checkpoints->pass(active_, [&](io::State& state) {
    state_.losses = active_.gather_all(losses);
    exchange(state, learners_, state_);
  });
}

template <class Real>
void Trainer<Real>::run() {
  parallel::Team::gather([this](bool wanted) { return objective_.work_ahead(wanted); },
                         [this](parallel::Team& team) {
                           team_ = &team;
                           steps();
                         });
}

template <class Real>
void Trainer<Real>::steps() {
  const auto rate_of = networks::make_rate_schedule(settings_.parameters.child("rate_schedule"));
  const double base_rate = settings_.parameters.child("optimizer").real("rate");
  const std::int64_t log_every = std::max<std::int64_t>(1, settings_.steps / 200);
  const auto gives_up = [&] {
    return settings_.patience > 0 &&
           state_.step - 1 - state_.best_step >= settings_.patience * settings_.validate_every;
  };
  std::vector<double> losses(trees_.front()->local_shards(), 0.0);
  if (!state_.losses.empty()) {
    const auto own = std::span(state_.losses).subspan(trees_.front()->first_shard(), losses.size());
    std::copy(own.begin(), own.end(), losses.begin());
  }
  const double start = MPI_Wtime();
  const std::int64_t first = state_.step;
  while (state_.step < settings_.steps && !gives_up()) {
    const std::int64_t step = state_.step;
    for (auto& tree : trees_) tree->begin();
    // Every round draws its own numbers.
    pass(static_cast<std::uint32_t>(state_.round * settings_.steps + step), true, losses);
    const double rate = base_rate * rate_of(step, settings_.steps);
    double norm = 0;
    for (std::size_t h = 0; h < learners_.size(); ++h) {
      if (!objective_.learns(h)) continue;
      Learner<Real>& learner = learners_[h];
      const std::span<Real> gradient = trees_[h]->finish();
      const double limit = settings_.clip > 0 ? settings_.clip : std::numeric_limits<double>::infinity();
      const double norm_of_head = networks::clip(gradient, limit);
      if (!std::isfinite(norm_of_head)) {
        publish();
        outcome_.weights_are_sane = judge().is_sane();
        throw DivergedError(fmt::format(
            "models.{}: the gradient is not finite at step {} of {}{}. Try a smaller optimizer.rate (now {:g}), or "
            "clip",
            settings_.name, step + 1, settings_.steps,
            !outcome_.weights_are_sane      ? "; the weights before it are no better than none, they are not kept"
            : context_.weights_file.empty() ? ""
                                            : "; the weights before it are in " + context_.weights_file.string(),
            rate));
      }
      norm = std::max(norm, norm_of_head);
      learner.optimizer->step(learner.network.parameters(), gradient, rate);
      if (settings_.average > 0) {
        // Until 1/(1 - decay) steps are done the plain mean of the weights is the better average.
        const double decay =
            std::min(settings_.average, static_cast<double>(step + 1) / static_cast<double>(step + 10));
        networks::exponential_average(learner.published->parameters(), std::as_const(learner.network).parameters(),
                                      decay);
      }
    }
    state_.step = step + 1;
    const bool last = state_.step == settings_.steps;
    Json line;
    if ((step + 1) % log_every == 0 || last) {
      const double loss = all_losses(losses) / static_cast<double>(step + 1 - state_.logged);
      const double speed = static_cast<double>(step + 1 - first) / (MPI_Wtime() - start);
      state_.logged = step + 1;
      line = {{"object", "models." + settings_.name},
              {"round", state_.round},
              {"step", step + 1},
              {"loss", loss},
              {"gradient_norm", norm},
              {"rate", rate},
              {"steps_per_second", speed}};
      if (context_.progress) {
        context_.progress(static_cast<double>(step + 1) / static_cast<double>(settings_.steps),
                          fmt::format("loss {:.4g}, {:.0f} steps/s", loss, speed));
      }
    }
    if (settings_.validate_every > 0 && ((step + 1) % settings_.validate_every == 0 || last)) {
      const double validation = validate();
      line["object"] = "models." + settings_.name;
      line["round"] = state_.round;
      line["step"] = step + 1;
      line["validation"] = validation;
      if (settings_.patience > 0 && validation < state_.best_validation) {
        state_.best_validation = validation;
        state_.best_step = step;
        state_.best = published_weights(learners_);
      }
    }
    if (!line.is_null() && active_.is_root() && context_.metrics) context_.metrics(line);
    if ((step + 1) % 1000 == 0 || last) require_same_weights();
    offer_checkpoint(losses);
  }
  publish();
  for (std::size_t h = 0; h < state_.best.size(); ++h) {
    std::copy(state_.best[h].begin(), state_.best[h].end(), learners_[h].published->parameters().begin());
  }
  if (state_.step > 0) conclude(state_.step < settings_.steps);
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace fortet::training
