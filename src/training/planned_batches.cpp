#include "planned_batches.hpp"

#include <algorithm>
#include <limits>
#include <thread>

namespace fortet::training {

namespace {
constexpr std::int64_t none = std::numeric_limits<std::int64_t>::max();
}

PlannedBatches::PlannedBatches(const TrainingPoints& source, const TrainingPoints& target,
                               const couplings::Coupling& coupling, const parallel::Stream& stream, Index batch,
                               int ahead)
    : source_(source),
      target_(target),
      coupling_(coupling),
      stream_(stream),
      batch_(batch),
      ahead_(ahead),
      kept_(std::max(1, 2 * ahead)),
      groups_(new Group[kept_]),
      next_(none) {
  for (int g = 0; g < kept_; ++g) {
    for (int k = 0; k < 2; ++k) {
      groups_[g].x0[k] = PointArray(batch, dimension());
      groups_[g].x1[k] = PointArray(batch, dimension());
    }
    groups_[g].pairs = PointArray(2 * batch, 2 * dimension());
  }
}

void PlannedBatches::prepare(std::uint32_t step, const parallel::Communicator& communicator) {
  const bool goes_on = current_ >= 0 && step >= first_step_ && communicator.size() == ranks_ &&
                       (number(step) == current_ || number(step) == current_ + 1);
  if (!goes_on) begin(step, communicator);
  const std::int64_t wanted = number(step);
  if (wanted == current_) return;
  const Group& there = group(wanted);
  while (there.planned.load(std::memory_order_acquire) != wanted) {
    if (!plan_up_to(wanted + ahead_)) std::this_thread::yield();  // another thread is on it
  }
  if (there.failure) std::rethrow_exception(there.failure);
  const auto count = static_cast<int>(values_per_rank());
  MPI_Allgather(there.pairs.view().coordinate(0), count, MPI_DOUBLE, pairs_.data(), count, MPI_DOUBLE,
                communicator.handle());
  current_.store(wanted, std::memory_order_release);
}

/// Groups are counted from this step on.
void PlannedBatches::begin(std::uint32_t step, const parallel::Communicator& communicator) {
  next_ = none;
  while (busy_.load(std::memory_order_acquire) > 0) std::this_thread::yield();
  ranks_ = communicator.size();
  rank_ = communicator.rank();
  first_step_ = step;
  pairs_.resize(ranks_ * values_per_rank());
  for (int g = 0; g < kept_; ++g) groups_[g].planned = -1;
  current_ = -1;
  next_.store(0, std::memory_order_release);
}

void PlannedBatches::draw(std::uint32_t step, Index first, Points x0, Points x1) const {
  const std::int64_t place = (step - first_step_) % steps_per_group();
  const ConstPoints of_rank(pairs_.data() + place / 2 * values_per_rank(), 2 * batch_, 2 * dimension());
  const ConstPoints pairs = of_rank.slice(place % 2 * batch_ + first, x0.size());
  for (int k = 0; k < dimension(); ++k) {
    std::copy_n(pairs.coordinate(k), x0.size(), x0.coordinate(k));
    std::copy_n(pairs.coordinate(dimension() + k), x1.size(), x1.coordinate(k));
  }
}

bool PlannedBatches::plan_ahead(bool wanted) {
  return plan_up_to(current_.load(std::memory_order_acquire) + (wanted ? 1 : 2) * ahead_);
}

/// Plans the next group if it is not beyond the last.
bool PlannedBatches::plan_up_to(std::int64_t last) {
  if (next_.load(std::memory_order_relaxed) > last) return false;
  busy_.fetch_add(1, std::memory_order_acq_rel);
  std::int64_t number = next_.load(std::memory_order_acquire);
  bool taken = false;
  while (number <= last && !taken) taken = next_.compare_exchange_weak(number, number + 1, std::memory_order_acq_rel);
  if (taken) plan(number);
  busy_.fetch_sub(1, std::memory_order_acq_rel);
  return taken;
}

void PlannedBatches::plan(std::int64_t number) {
  Group& planned = group(number);
  planned.failure = nullptr;
  try {
    std::array<couplings::Minibatch, 2> minibatches;
    for (int k = 0; k < 2; ++k) {
      const auto step = static_cast<std::uint32_t>(first_step_ + number * steps_per_group() + 2 * rank_ + k);
      source_.draw(step, 0, planned.x0[k]);
      target_.draw(step, 0, planned.x1[k]);
      minibatches[k] = {planned.x0[k], planned.x1[k], step, &planned.pairings[k]};
    }
    coupling_.pair_all(minibatches, stream_);
    for (int k = 0; k < 2; ++k) {
      const Points pairs = planned.pairs.view().slice(k * batch_, batch_);
      gather(planned.x0[k], planned.pairings[k].source, pairs.columns(0, dimension()));
      gather(planned.x1[k], planned.pairings[k].target, pairs.columns(dimension(), dimension()));
    }
  } catch (...) {
    planned.failure = std::current_exception();
  }
  planned.planned.store(number, std::memory_order_release);
}

}  // namespace fortet::training
