#pragma once
/// What a field prepares once per time, so that a loop over blocks at one time prepares it once.
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace fortet::processes {

/// Values by time. Each thread remembers those of its last times, and all threads share the last ones made.
template <class Value>
class TimeCache {
 public:
  using Pointer = std::shared_ptr<const Value>;
  TimeCache() : id_(next_id()) {}
  TimeCache(const TimeCache&) = delete;
  TimeCache& operator=(const TimeCache&) = delete;

  /// make(t) gives a Pointer; exceptions pass through.
  template <class Make>
  Pointer at(double t, Make&& make) const {
    struct Recent {
      std::uint64_t id = 0;
      Entry entry;
    };
    thread_local std::array<Recent, size> recent;
    thread_local std::size_t oldest = 0;
    for (const Recent& known : recent) {
      if (known.id == id_ && known.entry.time == t) return known.entry.value;
    }
    Entry entry{t, nullptr};
    {
      const std::lock_guard lock(mutex_);
      for (const Entry& candidate : shared_) {
        if (candidate.value && candidate.time == t) entry = candidate;
      }
      if (!entry.value) {
        entry.value = make(t);
        shared_[next_shared_++ % size] = entry;
      }
    }
    recent[oldest++ % size] = {id_, entry};
    return entry.value;
  }

 private:
  static constexpr std::size_t size = 8;
  struct Entry {
    double time = 0;
    Pointer value;
  };
  static std::uint64_t next_id() {
    static std::atomic<std::uint64_t> count{0};
    return ++count;
  }

  std::uint64_t id_;  ///< an address may be reused, a number is not
  mutable std::mutex mutex_;
  mutable std::array<Entry, size> shared_;
  mutable std::size_t next_shared_ = 0;
};

}  // namespace fortet::processes
