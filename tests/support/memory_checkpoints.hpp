#pragma once
// Checkpoints in memory: what was saved on one communicator can be restored on another of the same process.
#include <cstring>
#include <map>
#include <optional>

#include "fortet/io/checkpoint.hpp"

namespace fortet::test {

/// Named items in the order of saving, whole on every rank.
struct SavedState {
  struct Item {
    std::string name;
    std::int64_t type, count, width;  ///< type -1: rows
    std::string bytes;
  };
  std::vector<Item> items;
};

class MemoryState final : public io::State {
 public:
  MemoryState(const parallel::Communicator& communicator, SavedState& saved, bool restores)
      : communicator_(communicator), saved_(saved), restores_(restores) {}
  bool restores() const override { return restores_; }
  bool is_read_whole() const { return next_ == saved_.items.size(); }

 private:
  const SavedState::Item& next(const std::string& name, std::int64_t type) {
    if (next_ == saved_.items.size()) throw IoError("no " + name);
    const SavedState::Item& item = saved_.items[next_++];
    if (item.name != name || item.type != type) throw IoError(item.name + " instead of " + name);
    return item;
  }
  void replicated(const std::string& name, Type type, std::int64_t count,
                  const std::function<void*(std::int64_t)>& place) override {
    const auto number = static_cast<std::int64_t>(type);
    const std::int64_t size = type == Type::character ? 1 : type == Type::real32 ? 4 : 8;
    if (!restores_) {
      SavedState::Item item{name, number, count, 1, std::string(count * size, '\0')};
      if (count > 0) std::memcpy(item.bytes.data(), place(count), count * size);
      saved_.items.push_back(std::move(item));
      return;
    }
    const SavedState::Item& item = next(name, number);
    void* to = place(item.count);
    if (item.count == 0) return;
    if (!to) throw IoError(name + " has another size");
    std::memcpy(to, item.bytes.data(), item.bytes.size());
  }
  void distributed(const std::string& name, double* values, std::int64_t count, std::int64_t rows, std::int64_t begin,
                   std::int64_t width) override {
    if (!restores_) {
      const std::vector<double> all = communicator_.gather_all(std::span(values, count));
      if (static_cast<std::int64_t>(all.size()) != rows * width) throw IoError(name + ": rows are missing");
      std::string bytes(all.size() * sizeof(double), '\0');
      std::memcpy(bytes.data(), all.data(), bytes.size());
      saved_.items.push_back({name, -1, rows, width, std::move(bytes)});
      return;
    }
    const SavedState::Item& item = next(name, -1);
    if (item.count != rows || item.width != width) throw IoError(name + " has other rows");
    std::memcpy(values, item.bytes.data() + begin * width * sizeof(double), count * sizeof(double));
  }

  const parallel::Communicator& communicator_;
  SavedState& saved_;
  bool restores_;
  std::size_t next_ = 0;
};

inline SavedState save_state(const parallel::Communicator& communicator, const io::Exchange& exchange) {
  SavedState saved;
  MemoryState state(communicator, saved, false);
  exchange(state);
  return saved;
}

inline void restore_state(const parallel::Communicator& communicator, SavedState saved, const io::Exchange& exchange) {
  MemoryState state(communicator, saved, true);
  exchange(state);
  if (!state.is_read_whole()) throw IoError("more was saved than is restored");
}

/// Ends the run at the pass of number `last` (0: never), after saving.
class MemoryCheckpoints final : public io::Checkpoints {
 public:
  explicit MemoryCheckpoints(long last = 0, std::optional<SavedState> from = {})
      : last_(last), saved_(std::move(from)) {}
  bool restore(const parallel::Communicator& communicator, const io::Exchange& exchange) override {
    if (!saved_) return false;
    restore_state(communicator, *saved_, exchange);
    return true;
  }
  void pass(const parallel::Communicator& communicator, const io::Exchange& exchange) override {
    if (++passes_ != last_) return;
    save(communicator, exchange);
    throw Error(ExitCode::stopped, "stopped");
  }
  void save(const parallel::Communicator& communicator, const io::Exchange& exchange) override {
    saved_ = save_state(communicator, exchange);
    ++saves_;
  }
  long passes() const { return passes_; }
  long saves() const { return saves_; }
  const std::optional<SavedState>& saved() const { return saved_; }

 private:
  long last_, passes_ = 0, saves_ = 0;
  std::optional<SavedState> saved_;
};

}  // namespace fortet::test
