#pragma once
/// Plans of whole minibatches, computed ahead of the steps that take them.
#include <atomic>
#include <exception>
#include <memory>

#include "fortet/couplings/coupling.hpp"
#include "fortet/parallel/communicator.hpp"
#include "training_points.hpp"

namespace fortet::training {

/// Batches of consecutive steps, each with its plan, in groups of two per rank: every rank draws the points of all
/// batches, which are cheap, plans two of them, and sends its plans to the others when the first step of the group
/// comes. Any thread can plan a group of a later step meanwhile.
class PlannedBatches {
 public:
  /// Plans up to `ahead` groups beyond the current one first of all, and up to twice as many when nothing else is to be
  /// done.
  PlannedBatches(const TrainingPoints& source, const TrainingPoints& target, const couplings::Coupling& coupling,
                 const parallel::Stream& stream, Index batch, int ahead);

  struct Batch {
    PointArray x0, x1;
    couplings::Pairing pairing;
  };
  /// The batch of a step is there afterwards, those of earlier steps may be gone. Collective; rethrows what planning
  /// has thrown.
  void prepare(std::uint32_t step, const parallel::Communicator& communicator);
  const Batch& batch(std::uint32_t step) const;

  /// Plans one group of later steps; false when there are enough of them. From any thread, also beside prepare().
  bool plan_ahead(bool wanted);

 private:
  struct Group {
    std::vector<Batch> batches;
    std::exception_ptr failure;
    std::atomic<std::int64_t> planned{-1};  // number of the group whose plans are there
  };
  void begin(std::uint32_t step, const parallel::Communicator& communicator);
  bool plan_up_to(std::int64_t last);
  void plan(std::int64_t number);
  void share(Group& group, const parallel::Communicator& communicator);
  Group& group(std::int64_t number) const { return groups_[number % (2 * ahead_ + 1)]; }
  std::int64_t number(std::uint32_t step) const { return (std::int64_t{step} - first_step_) / steps_per_group(); }
  std::int64_t steps_per_group() const { return std::int64_t{2} * ranks_; }

  const TrainingPoints& source_;
  const TrainingPoints& target_;
  const couplings::Coupling& coupling_;
  const parallel::Stream& stream_;
  Index batch_;
  int ahead_, ranks_ = 1, rank_ = 0;
  std::unique_ptr<Group[]> groups_;
  std::int64_t first_step_ = 0;
  // The group whose steps are being done, the first that nobody has begun, and how many are being planned.
  std::atomic<std::int64_t> current_{-1}, next_;
  std::atomic<int> busy_{0};
  std::vector<std::int32_t> own_, all_;  // plans as sent
};

}  // namespace fortet::training
