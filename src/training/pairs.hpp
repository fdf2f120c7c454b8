#pragma once
/// Pairs (x_0, x_1) that a batch of a flow or bridge objective is made of.
#include <memory>

#include "planned_batches.hpp"

namespace fortet::training {

class Pairs {
 public:
  virtual ~Pairs() = default;
  /// Collective over the ranks that train, once before the draws of a step.
  virtual void prepare(std::uint32_t step, const parallel::Communicator& communicator) {
    (void)step;
    (void)communicator;
  }
  /// Does a piece of the work for later steps; see Objective::work_ahead.
  virtual bool work_ahead(bool wanted) {
    (void)wanted;
    return false;
  }
  /// Pairs first .. of the batch of this step. Safe from many threads at once.
  virtual void draw(std::uint32_t step, Index first, Points x0, Points x1) const = 0;
};

/// Independent points of two laws, paired by a coupling of the minibatch.
class CoupledPairs : public Pairs {
 public:
  /// `global`: the coupling sees the whole batch; otherwise what is asked for at once (a shard).
  CoupledPairs(TrainingPoints source, TrainingPoints target, couplings::CouplingPtr coupling, bool global, Index batch,
               std::uint64_t seed, const std::string& name);
  void prepare(std::uint32_t step, const parallel::Communicator& communicator) override;
  bool work_ahead(bool wanted) override;
  void draw(std::uint32_t step, Index first, Points x0, Points x1) const override;

 private:
  PlannedBatches& planned(std::uint32_t step) const {
    return step < validation_step ? *planned_ : *planned_validation_;
  }

  TrainingPoints source_, target_;
  couplings::CouplingPtr coupling_;
  std::uint64_t seed_;
  std::string name_;
  parallel::Stream stream_;
  std::unique_ptr<PlannedBatches> planned_, planned_validation_;  // of whole batches
};

/// Pairs that were simulated: row i of one set belongs to row i of the other. Validation takes the same pairs.
class StoredPairs : public Pairs {
 public:
  StoredPairs(PointArray x0, PointArray x1, std::uint64_t seed, const std::string& name, Index batch);
  void draw(std::uint32_t step, Index first, Points x0, Points x1) const override;

 private:
  PointArray x0_, x1_;
  parallel::Stream stream_;
  Index batch_;
};

}  // namespace fortet::training
