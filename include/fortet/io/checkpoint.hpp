#pragma once
/// Checkpoints: the state of a running object in one file that a later run, on any number of ranks, continues from.
///
/// An object names its state once, in one function that serves both ways:
///     void Solver::exchange(io::State& state) {
///       state.integer("step", step_);
///       state.rows("masses", values_, grid_.cell_count(), first_, 1);
///     }
/// and offers itself to be saved between two steps: `checkpoints->pass(communicator, [&](io::State& s) { exchange(s);
/// })`.
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "fortet/parallel/communicator.hpp"

namespace fortet::io {

/// A tree of named arrays, written or read in the order in which they are named. All calls are collective. A state is
/// read whole and in the order of writing: IoError where the file holds another name, type or size.
class State {
 public:
  virtual ~State() = default;
  /// True where the calls below fill their arguments.
  virtual bool restores() const = 0;

  // The same on every rank. Lists get the size they were saved with.
  void integer(const std::string& name, std::int64_t& value);
  void real(const std::string& name, double& value);
  void flag(const std::string& name, bool& value);
  void text(const std::string& name, std::string& value);
  void list(const std::string& name, std::vector<double>& values);
  void list(const std::string& name, std::vector<float>& values);
  void list(const std::string& name, std::vector<std::int64_t>& values);
  /// The size of a list whose entries are named one by one.
  template <class Entry>
  void size(const std::string& name, std::vector<Entry>& entries) {
    auto count = static_cast<std::int64_t>(entries.size());
    integer(name, count);
    if (count < 0) throw IoError("a list '" + name + "' of negative size");
    entries.resize(count);
  }
  /// A list of fixed size; throws IoError on restoring another size.
  void span(const std::string& name, std::span<double> values);
  void span(const std::string& name, std::span<float> values);
  /// This rank's rows [begin, begin + values.size() / width) of `rows` rows of `width` numbers: restored into any
  /// partition. `values` must have its size before restoring. Ranks may hold none.
  void rows(const std::string& name, std::span<double> values, std::int64_t rows, std::int64_t begin,
            std::int64_t width);

 protected:
  enum class Type : std::int64_t { real64, real32, integer64, character };
  /// `place` makes room for so many items and returns where they stand.
  virtual void replicated(const std::string& name, Type type, std::int64_t count,
                          const std::function<void*(std::int64_t count)>& place) = 0;
  virtual void distributed(const std::string& name, double* values, std::int64_t count, std::int64_t rows,
                           std::int64_t begin, std::int64_t width) = 0;
};

/// A map of numbers.
void exchange(State& state, const std::string& name, std::map<std::string, double>& numbers);

/// A state file in which not every byte is as it was written: another one, or none, may serve instead.
struct DamagedState : IoError {
  using IoError::IoError;
};

/// Names the state of one object.
using Exchange = std::function<void(State&)>;

/// What a running object knows of the study's checkpoints. Collective over the communicator that the object runs on,
/// whose root is the root of the study.
class Checkpoints {
 public:
  virtual ~Checkpoints() = default;
  /// Fills the state from an earlier run and returns true, or returns false if there is none. To be asked once, before
  /// the loop. What is in the file has been verified against its checksum.
  virtual bool restore(const parallel::Communicator& communicator, const Exchange& exchange) = 0;
  /// A safe point between two steps: cheap unless something is due (most calls cost a comparison). Saves when the time
  /// has come; throws Error with ExitCode::stopped after saving when the run is to end.
  virtual void pass(const parallel::Communicator& communicator, const Exchange& exchange) = 0;
  /// Saves at once: before an object gives up.
  virtual void save(const parallel::Communicator& communicator, const Exchange& exchange) = 0;
};

/// Writes a state file: to a temporary name, flushed to disk and renamed when complete. `kind` says what it is of.
/// Throws IoError on every rank; the file of that name, if any, is then as before. Collective.
void write_state(const parallel::Communicator& communicator, const std::string& file, const std::string& kind,
                 const Exchange& exchange);

/// Reads a state file after verifying every byte of it: throws DamagedState on every rank before `exchange` is called,
/// and IoError for a file that is of another kind or holds another state. Collective.
void read_state(const parallel::Communicator& communicator, const std::string& file, const std::string& kind,
                const Exchange& exchange);

}  // namespace fortet::io
