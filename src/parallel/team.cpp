#include "fortet/parallel/team.hpp"

#include <omp.h>

#include <thread>
#include <utility>

#include "fortet/base/error.hpp"

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace fortet::parallel {
namespace {

constexpr int bits = 20;
constexpr std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
std::uint64_t first_of(std::uint64_t items) { return items >> bits & mask; }
std::uint64_t end_of(std::uint64_t items) { return items & mask; }

/// Looks that often, some 100 us, before it lets others have the core.
constexpr int most_looks = 4000;
void pause() {
#ifdef __x86_64__
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

}  // namespace

void Team::gather(const Spare& spare, const std::function<void(Team&)>& lead) {
  Team team(spare);
  std::exception_ptr failure;
#pragma omp parallel
  {
    if (omp_get_thread_num() == 0) {
      try {
        lead(team);
      } catch (...) {
        failure = std::current_exception();
      }
      team.end();
    } else {
      team.work();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

void Team::for_each(int count, const std::function<void(int)>& body) {
  if (count < 0 || static_cast<std::uint64_t>(count) > mask) throw UsageError("Team: too many items");
  body_ = &body;
  running_.store(count, std::memory_order_relaxed);
  open(static_cast<std::uint64_t>(count));
  while (run_one(true, 1)) {
  }
  for (int looks = 0; running_.load(std::memory_order_acquire) > 0; ++looks) {
    if (looks < most_looks) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

/// Begins a step of so many items.
void Team::open(std::uint64_t count) {
  const std::uint64_t step = (items_.load(std::memory_order_relaxed) >> (2 * bits)) + 1;
  items_.store(step << (2 * bits) | count, std::memory_order_release);
  items_.notify_all();
}

/// Takes the first item that nobody has taken, or the last, unless fewer than `fewest` are left; runs it.
bool Team::run_one(bool first, std::uint64_t fewest) {
  std::uint64_t items = items_.load(std::memory_order_acquire), rest;
  do {
    if (end_of(items) - first_of(items) < fewest) return false;
    rest = first ? items + (std::uint64_t{1} << bits) : items - 1;
  } while (!items_.compare_exchange_weak(items, rest, std::memory_order_acq_rel));
  try {
    (*body_)(static_cast<int>(first ? first_of(items) : end_of(rest)));
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
  }
  running_.fetch_sub(1, std::memory_order_acq_rel);
  return true;
}

/// What a thread does that does not lead. The last item is better left to the leader while there is other work: it
/// would have to wait for it.
void Team::work() {
  for (int looks = 0;;) {
    const std::uint64_t seen = items_.load(std::memory_order_acquire);  // before ended_: the end changes it later
    if (ended_.load(std::memory_order_acquire)) return;
    if (spare_(true) || run_one(false, 2) || spare_(false) || run_one(false, 1)) {
      looks = 0;
    } else if (++looks < most_looks) {
      pause();
    } else {
      items_.wait(seen, std::memory_order_acquire);
      looks = 0;
    }
  }
}

void Team::end() {
  ended_.store(true, std::memory_order_release);
  open(0);
}

}  // namespace fortet::parallel
