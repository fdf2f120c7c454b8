#pragma once
/// Sums the gradients of the shards of a batch in one fixed binary tree, so that the sum has the same bits on any
/// number of ranks (a power of two up to the number of shards). Segments of the gradient are exchanged while the
/// backward pass still computes the others.
#include <mpi.h>

#include <atomic>
#include <memory>
#include <span>

#include "fortet/networks/network.hpp"
#include "fortet/parallel/communicator.hpp"

namespace fortet::training {

template <class Real>
class GradientTree {
 public:
  using Segments = std::vector<typename networks::Network<Real>::Segment>;
  /// `segments` partition [0, count) in the order in which they become final. `shards` and the number of ranks are
  /// powers of two, shards >= ranks. Collective.
  GradientTree(const parallel::Communicator& communicator, int shards, Index count, Segments segments);
  ~GradientTree();
  GradientTree(const GradientTree&) = delete;
  GradientTree& operator=(const GradientTree&) = delete;

  int first_shard() const { return communicator_.rank() * local_; }
  int local_shards() const { return local_; }
  /// The gradient of one local shard.
  std::span<Real> shard(int local) { return shards_[local]; }
  /// The same, zeroed by the thread that will add to it.
  std::span<Real> zeroed_shard(int local);

  void begin();  ///< of a step: no segment has been finished
  /// One local shard has finished this segment. From any thread; the master thread moves the messages on.
  void finished(std::size_t segment);
  /// Waits for all segments; the sum over all shards of all ranks.
  std::span<Real> finish();

 private:
  struct Exchange;
  void advance();
  void start(std::size_t segment);
  void send(std::size_t segment);

  parallel::Communicator communicator_;
  MPI_Comm handle_;
  int local_, rounds_;
  Segments segments_;
  std::vector<std::vector<Real>> shards_;
  std::vector<Real> received_;
  std::unique_ptr<std::atomic<int>[]> done_;
  std::vector<int> round_;  ///< per segment: -1 not started, rounds_ finished
  std::vector<std::array<MPI_Request, 2>> requests_;
};

extern template class GradientTree<float>;
extern template class GradientTree<double>;

}  // namespace fortet::training
