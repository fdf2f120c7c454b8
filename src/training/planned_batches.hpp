#pragma once
/// Coupled minibatches, made ahead of the steps that take them.
#include <atomic>
#include <exception>
#include <memory>

#include "fortet/couplings/coupling.hpp"
#include "fortet/parallel/communicator.hpp"
#include "training_points.hpp"

namespace fortet::training {

/// Pairs of whole batches of consecutive steps, in groups of two batches per rank: each rank draws and couples its two,
/// and all ranks receive all of them when the first step of the group comes. Any thread can couple those of a later
/// group meanwhile.
class PlannedBatches {
 public:
  /// Up to `ahead` groups beyond the current one are wanted first of all, and up to twice as many when nothing else is
  /// to be done.
  PlannedBatches(const TrainingPoints& source, const TrainingPoints& target, const couplings::Coupling& coupling,
                 const parallel::Stream& stream, Index batch, int ahead);

  /// The pairs of a step are there afterwards, those of other groups are not. Collective; rethrows what the coupling
  /// has thrown.
  void prepare(std::uint32_t step, const parallel::Communicator& communicator);
  /// Pairs first .. of the batch of this step.
  void draw(std::uint32_t step, Index first, Points x0, Points x1) const;

  /// Couples the batches of one later group; false when there are enough of them. From any thread, also beside
  /// prepare().
  bool plan_ahead(bool wanted);

 private:
  /// What one rank makes of a group.
  struct Group {
    std::array<PointArray, 2> x0, x1;
    std::array<couplings::Pairing, 2> pairings;
    PointArray pairs;  // of both batches, one after the other: x_0 and beside it x_1
    std::exception_ptr failure;
    std::atomic<std::int64_t> planned{-1};  // number of the group that is there
  };
  void begin(std::uint32_t step, const parallel::Communicator& communicator);
  bool plan_up_to(std::int64_t last);
  void plan(std::int64_t number);
  Group& group(std::int64_t number) const { return groups_[number % kept_]; }
  std::int64_t number(std::uint32_t step) const { return (std::int64_t{step} - first_step_) / steps_per_group(); }
  std::int64_t steps_per_group() const { return std::int64_t{2} * ranks_; }
  int dimension() const { return source_.dimension(); }
  Index values_per_rank() const { return 2 * batch_ * 2 * dimension(); }

  const TrainingPoints& source_;
  const TrainingPoints& target_;
  const couplings::Coupling& coupling_;
  const parallel::Stream& stream_;
  Index batch_;
  int ahead_, kept_, ranks_ = 1, rank_ = 0;
  std::unique_ptr<Group[]> groups_;
  std::vector<double> pairs_;  // of all ranks for the current group
  std::int64_t first_step_ = 0;
  // The group whose steps are being done, the first that nobody has begun, and how many are being made.
  std::atomic<std::int64_t> current_{-1}, next_;
  std::atomic<int> busy_{0};
};

}  // namespace fortet::training
