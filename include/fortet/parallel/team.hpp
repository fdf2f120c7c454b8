#pragma once
/// Threads that stay together through a loop of many short steps.
#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>

namespace fortet::parallel {

/// The threads of one rank while one of them, the leader, runs a loop: in each step it shares out items, on which all
/// of them work, and what it does alone in between the others spend on spare work. No step forks threads or waits at a
/// barrier.
class Team {
 public:
  /// Spare work is done in pieces by any thread but the leader: one piece, if there is one, and true if it was done.
  /// `wanted` asks for work that should come before items; otherwise it is also work that can wait. Must not throw.
  using Spare = std::function<bool(bool wanted)>;
  /// Runs `lead` on the calling thread, which must not be part of a parallel region, while the others stand by;
  /// rethrows what it throws.
  static void gather(const Spare& spare, const std::function<void(Team&)>& lead);

  /// Calls body(i) for each i of [0, count) once, on any thread, and returns when all calls have returned; then
  /// rethrows the first exception of any of them. Only for the leader; count < 2^20.
  void for_each(int count, const std::function<void(int)>& body);

 private:
  explicit Team(const Spare& spare) : spare_(spare) {}
  void work();
  void end();
  void open(std::uint64_t count);
  bool run_one(bool first, std::uint64_t fewest);

  const Spare& spare_;
  const std::function<void(int)>* body_ = nullptr;
  // Number of the step, first and end of the items that nobody has taken. The leader takes them from the front and the
  // others from the back, so that memory stays where it was in the last step.
  std::atomic<std::uint64_t> items_{0};
  std::atomic<int> running_{0};
  std::atomic<bool> ended_{false};
  std::mutex mutex_;
  std::exception_ptr failure_;
};

}  // namespace fortet::parallel
