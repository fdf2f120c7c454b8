#include "gradient_tree.hpp"

#include <omp.h>

#include <bit>

namespace fortet::training {

namespace {
template <class Real>
MPI_Datatype mpi_type() {
  return sizeof(Real) == sizeof(float) ? MPI_FLOAT : MPI_DOUBLE;
}
}  // namespace

template <class Real>
GradientTree<Real>::GradientTree(const parallel::Communicator& communicator, int shards, Index count, Segments segments)
    : communicator_(communicator),
      local_(shards / communicator.size()),
      rounds_(std::countr_zero(static_cast<unsigned>(communicator.size()))),
      segments_(std::move(segments)),
      shards_(local_, std::vector<Real>(count)),
      received_(rounds_ > 0 ? count : 0),
      done_(new std::atomic<int>[segments_.size()]),
      round_(segments_.size()),
      requests_(segments_.size(), {MPI_REQUEST_NULL, MPI_REQUEST_NULL}) {
  MPI_Comm_dup(communicator.handle(), &handle_);
}

template <class Real>
GradientTree<Real>::~GradientTree() {
  if (std::uncaught_exceptions() == 0) MPI_Comm_free(&handle_);  // collective: skipped while unwinding
}

template <class Real>
void GradientTree<Real>::begin() {
  for (std::size_t k = 0; k < segments_.size(); ++k) {
    done_[k] = 0;
    round_[k] = -1;
  }
}

template <class Real>
std::span<Real> GradientTree<Real>::zeroed_shard(int local) {
  std::fill(shards_[local].begin(), shards_[local].end(), Real(0));
  return shards_[local];
}

template <class Real>
void GradientTree<Real>::finished(std::size_t segment) {
  done_[segment].fetch_add(1, std::memory_order_acq_rel);
  if (rounds_ > 0 && omp_get_thread_num() == 0) advance();
}

/// Sums the local shards of a segment pairwise and begins the exchange.
template <class Real>
void GradientTree<Real>::start(std::size_t segment) {
  const Index begin = segments_[segment].begin, size = segments_[segment].size;
  for (int distance = 1; distance < local_; distance *= 2) {
    for (int k = 0; k + distance < local_; k += 2 * distance) {
      Real* __restrict to = shards_[k].data() + begin;
      const Real* __restrict from = shards_[k + distance].data() + begin;
#pragma omp simd
      for (Index i = 0; i < size; ++i) to[i] += from[i];
    }
  }
  round_[segment] = 0;
  if (rounds_ > 0) send(segment);
}

template <class Real>
void GradientTree<Real>::send(std::size_t segment) {
  const auto [begin, size] = segments_[segment];
  const int partner = communicator_.rank() ^ (1 << round_[segment]);
  const int tag = static_cast<int>(segment), count = static_cast<int>(size);
  MPI_Irecv(received_.data() + begin, count, mpi_type<Real>(), partner, tag, handle_, &requests_[segment][0]);
  MPI_Isend(shards_[0].data() + begin, count, mpi_type<Real>(), partner, tag, handle_, &requests_[segment][1]);
}

template <class Real>
void GradientTree<Real>::advance() {
  for (std::size_t k = 0; k < segments_.size(); ++k) {
    if (round_[k] < 0) {
      if (done_[k].load(std::memory_order_acquire) == local_) start(k);
      continue;
    }
    if (round_[k] >= rounds_) continue;
    int arrived = 0;
    MPI_Testall(2, requests_[k].data(), &arrived, MPI_STATUSES_IGNORE);
    if (!arrived) continue;
    const Index begin = segments_[k].begin, size = segments_[k].size;
    Real* __restrict to = shards_[0].data() + begin;
    const Real* __restrict from = received_.data() + begin;
#pragma omp simd
    for (Index i = 0; i < size; ++i) to[i] += from[i];
    if (++round_[k] < rounds_) send(k);
  }
}

template <class Real>
std::span<Real> GradientTree<Real>::finish() {
  for (std::size_t k = 0; k < segments_.size(); ++k) {
    if (round_[k] < 0) start(k);
  }
  while (std::any_of(round_.begin(), round_.end(), [&](int round) { return round < rounds_; })) advance();
  return shard(0);
}

template class GradientTree<float>;
template class GradientTree<double>;

}  // namespace fortet::training
