#include "planned_batches.hpp"

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
      groups_(new Group[2 * ahead + 1]),
      next_(none) {}

void PlannedBatches::prepare(std::uint32_t step, const parallel::Communicator& communicator) {
  const bool goes_on = current_ >= 0 && step >= first_step_ && communicator.size() == ranks_ &&
                       (number(step) == current_ || number(step) == current_ + 1);
  if (!goes_on) begin(step, communicator);
  const std::int64_t wanted = number(step);
  if (wanted == current_) return;
  Group& there = group(wanted);
  while (there.planned.load(std::memory_order_acquire) != wanted) {
    if (!plan_up_to(wanted + ahead_)) std::this_thread::yield();  // another thread is on it
  }
  if (there.failure) std::rethrow_exception(there.failure);
  if (ranks_ > 1) share(there, communicator);
  current_.store(wanted, std::memory_order_release);
}

/// Groups are counted from this step on.
void PlannedBatches::begin(std::uint32_t step, const parallel::Communicator& communicator) {
  next_ = none;
  while (busy_.load(std::memory_order_acquire) > 0) std::this_thread::yield();
  ranks_ = communicator.size();
  rank_ = communicator.rank();
  first_step_ = step;
  for (int g = 0; g <= 2 * ahead_; ++g) {
    groups_[g].planned = -1;
    groups_[g].failure = nullptr;
    groups_[g].batches.resize(steps_per_group());
    for (Batch& batch : groups_[g].batches) {
      if (batch.x0.size() == batch_) continue;
      batch.x0 = PointArray(batch_, source_.dimension());
      batch.x1 = PointArray(batch_, target_.dimension());
    }
  }
  current_ = -1;
  next_.store(0, std::memory_order_release);
}

const PlannedBatches::Batch& PlannedBatches::batch(std::uint32_t step) const {
  return group(number(step)).batches[(step - first_step_) % steps_per_group()];
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
  try {
    const std::int64_t first = first_step_ + number * steps_per_group();
    std::array<couplings::Minibatch, 2> own;
    for (std::int64_t k = 0; k < steps_per_group(); ++k) {
      Batch& batch = planned.batches[k];
      const auto step = static_cast<std::uint32_t>(first + k);
      source_.draw(step, 0, batch.x0);
      target_.draw(step, 0, batch.x1);
      if (k / 2 == rank_) own[k % 2] = {batch.x0, batch.x1, step, &batch.pairing};
    }
    coupling_.pair_all(own, stream_);
  } catch (...) {
    planned.failure = std::current_exception();
  }
  planned.planned.store(number, std::memory_order_release);
}

/// Plans of every rank for all ranks.
void PlannedBatches::share(Group& group, const parallel::Communicator& communicator) {
  own_.clear();
  for (int k = 2 * rank_; k < 2 * rank_ + 2; ++k) {
    const couplings::Pairing& pairing = group.batches[k].pairing;
    own_.insert(own_.end(), pairing.source.begin(), pairing.source.end());
    own_.insert(own_.end(), pairing.target.begin(), pairing.target.end());
  }
  const auto count = static_cast<int>(own_.size());
  all_.resize(own_.size() * ranks_);
  MPI_Allgather(own_.data(), count, MPI_INT32_T, all_.data(), count, MPI_INT32_T, communicator.handle());
  auto next = all_.begin();
  for (Batch& batch : group.batches) {
    for (std::vector<std::int32_t>* rows : {&batch.pairing.source, &batch.pairing.target}) {
      rows->assign(next, next + batch_);
      next += batch_;
    }
  }
}

}  // namespace fortet::training
