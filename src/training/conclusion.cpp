// Trainer: what a training has come to.
#include "trainer.hpp"
#include "training_points.hpp"

namespace fortet::training {

namespace {
/// A loss that has grown by this factor is no matter of a few unlucky steps.
constexpr double divergence_factor = 10;
/// So many samples tell a learned field from a constant: both are measured on the same ones.
constexpr Index judged_samples = 4096;
}  // namespace

bool Judgement::is_sane() const {
  return std::isfinite(end) && end <= divergence_factor * std::max(std::abs(start), constant);
}

/// Loss of the best constant output, sum over heads and coordinates of the weighted variance of the targets. Losses
/// without targets vanish for the output zero, their best constant.
template <class Real>
double Trainer<Real>::constant_loss(int batches) {
  const int d = objective_.dimension(), local = trees_.front()->local_shards(), first = trees_.front()->first_shard();
  const std::size_t of_head = 1 + 2 * static_cast<std::size_t>(d), size = learners_.size() * of_head;
  std::vector<double> sums(local * size, 0.0);  // [shard][head]: of w, and per coordinate of w f and w f^2
  for (int batch = 0; batch < batches; ++batch) {
    const std::uint32_t step = validation_step + static_cast<std::uint32_t>(batch);
    objective_.prepare(step, active_);
    for (int shard = 0; shard < local; ++shard) {
      const parallel::Range range = shard_range(settings_.batch, settings_.shards, first + shard);
      std::vector<Lesson>& lessons = fresh_lessons(range.size());
      objective_.draw(step, range.begin, lessons);
      for (std::size_t h = 0; h < lessons.size(); ++h) {
        if (!objective_.learns(h) || learners_[h].head.loss != Loss::regression) continue;
        double* const sum = sums.data() + shard * size + h * of_head;
        for (Index i = 0; i < range.size(); ++i) {
          const double w = lessons[h].weight[i];
          sum[0] += w;
          for (int k = 0; k < d; ++k) {
            const double f = lessons[h].target(i, k);
            sum[1 + 2 * k] += w * f;
            sum[2 + 2 * k] += w * f * f;
          }
        }
      }
    }
  }
  const std::vector<double> all = active_.gather_all(sums);
  double loss = 0;
  for (std::size_t h = 0; h < learners_.size(); ++h) {
    const auto total = [&](std::size_t column) {
      double sum = 0;
      for (std::size_t begin = h * of_head; begin < all.size(); begin += size) sum += all[begin + column];
      return sum;
    };
    const double weight = total(0);
    if (!(weight > 0)) continue;
    for (int k = 0; k < d; ++k) loss += std::max(0.0, total(2 + 2 * k) - total(1 + 2 * k) * total(1 + 2 * k) / weight);
  }
  return loss / static_cast<double>(settings_.batch * batches);
}

template <class Real>
Judgement Trainer<Real>::judge() {
  const int batches =
      static_cast<int>(std::clamp<Index>((judged_samples + settings_.batch - 1) / settings_.batch, 1, 16));
  const auto swap_with_start = [&] {
    for (std::size_t h = 0; h < learners_.size(); ++h) {
      const std::span<Real> weights = learners_[h].published->parameters();
      std::swap_ranges(weights.begin(), weights.end(), state_.start[h].begin());
    }
  };
  Judgement judgement;
  judgement.end = published_loss(batches);
  swap_with_start();
  judgement.start = published_loss(batches);
  swap_with_start();
  try {
    judgement.constant = constant_loss(batches);
  } catch (const std::exception& error) {                                    // also a want of memory
    if (active_.size() > 1) parallel::fail_local(active_, error_of(error));  // the others wait for its sums
    throw;
  }
  if (std::any_of(learners_.begin(), learners_.end(), [](const auto& l) { return l.head.loss != Loss::regression; })) {
    // These losses have no scale of their own; that of a normal law's score is half the dimension.
    judgement.start = std::max(std::abs(judgement.start), objective_.dimension() / 2.0);
  }
  return judgement;
}

template <class Real>
void Trainer<Real>::conclude(bool stopped_early) {
  const std::string round = state_.round > 0 ? fmt::format("round {}: ", state_.round + 1) : "";
  const std::string standardise =
      settings_.parameters.has("standardise") && !settings_.parameters.boolean("standardise") ? ", or standardise: true"
                                                                                              : "";
  const Judgement judgement = judge();
  if (!judgement.is_sane()) {
    outcome_.weights_are_sane = false;
    throw DivergedError(
        fmt::format("models.{}: {}the training diverged: the loss ended at {:.4g}, it was {:.4g} before the first step "
                    "and is {:.4g} for a constant output; the weights are not kept. Try a smaller optimizer.rate (now "
                    "{:g}){}",
                    settings_.name, round, judgement.end, judgement.start, judgement.constant,
                    settings_.parameters.child("optimizer").real("rate"), standardise));
  }
  if (judgement.end >= judgement.constant) {
    outcome_.notes.push_back(fmt::format(
        "{}the loss ended at {:.4g}, a constant output has {:.4g}: nothing was learned that a constant does "
        "not know. Try more steps, another optimizer.rate (now {:g}){}",
        round, judgement.end, judgement.constant, settings_.parameters.child("optimizer").real("rate"), standardise));
  }
  if (state_.best.empty()) return;
  const std::string kept = fmt::format("the weights of step {} are kept, where the validation loss was lowest: {:.4g}",
                                       state_.best_step + 1, state_.best_validation);
  if (stopped_early) {
    outcome_.notes.push_back(
        fmt::format("{}stopped early, after step {} of {}; {}", round, state_.step, settings_.steps, kept));
  } else if (state_.best_step + 1 < state_.step) {
    outcome_.notes.push_back(round + kept);
  }
}

template double Trainer<float>::constant_loss(int);
template double Trainer<double>::constant_loss(int);
template Judgement Trainer<float>::judge();
template Judgement Trainer<double>::judge();
template void Trainer<float>::conclude(bool);
template void Trainer<double>::conclude(bool);

}  // namespace fortet::training
