#pragma once
/// MPI communicator with the few collective operations fortet uses. MPI_COMM_WORLD appears in main and the tests' main
/// only.
#include <mpi.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "fortet/base/error.hpp"
#include "fortet/parallel/exact_sum.hpp"

namespace fortet::parallel {

/// Half-open range of global indices owned by one rank.
struct Range {
  std::int64_t begin = 0, end = 0;
  std::int64_t size() const { return end - begin; }
};

/// Value type, not owning: the handle outlives it (main duplicates MPI_COMM_WORLD once).
class Communicator {
 public:
  explicit Communicator(MPI_Comm handle);
  MPI_Comm handle() const { return handle_; }
  int rank() const { return rank_; }
  int size() const { return size_; }
  bool is_root() const { return rank_ == 0; }

  /// Contiguous share of `count` items of this rank (or of `rank`): sizes differ by at most one, the first ranks hold
  /// more.
  Range share(std::int64_t count) const { return share(count, rank_); }
  Range share(std::int64_t count, int rank) const;

  // All collective.
  double sum(const ExactSum& part) const;  ///< same bits for any partition
  std::vector<double> sum(std::span<const ExactSum> parts) const;
  void sum_counts(std::span<std::int64_t> counts) const;  ///< in place, exact
  std::int64_t sum_count(std::int64_t count) const;
  double max(double value) const;
  double min(double value) const;
  bool any(bool value) const;
  void broadcast(std::string& text, int root = 0) const;
  void broadcast(std::span<double> values, int root = 0) const;
  std::vector<double> gather_all(std::span<const double> part) const;  ///< concatenation in rank order, on every rank
  void barrier() const;

 private:
  MPI_Comm handle_;
  int rank_ = 0, size_ = 1;
};

/// Runs `body` on every rank; if it threw on any rank, throws on every rank the error of the lowest such rank: a
/// ParameterError with its key, another UsageError, DivergedError, IoError, or an Error with its exit code. Collective.
/// Wraps code that may fail on one rank alone and has no collective inside.
void together(const Communicator& communicator, const std::function<void()>& body);

/// For a failure that one rank meets where the others cannot know: prints the message with the rank and ends all ranks
/// with the exit code (MPI_Abort).
[[noreturn]] void fail_local(const Communicator& communicator, const Error& error);

/// While it exists, fail_local does this last, on whatever rank fails: gives back what would outlive the program (a
/// lock on a folder).
class BeforeAbort {
 public:
  explicit BeforeAbort(std::function<void()> act);
  ~BeforeAbort();
  BeforeAbort(const BeforeAbort&) = delete;
  BeforeAbort& operator=(const BeforeAbort&) = delete;

 private:
  std::function<void()> act_;
};

}  // namespace fortet::parallel
