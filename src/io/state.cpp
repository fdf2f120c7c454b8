#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "fortet/base/schema.hpp"
#include "fortet/io/bytes.hpp"
#include "fortet/io/checkpoint.hpp"
#include "fortet/parallel/meeting.hpp"
#include "posix_file.hpp"

// Layout of a state file: head | distributed arrays | replicated items | index (JSON) | trailer.
// Distributed arrays are numbers in the order of their global rows, whoever wrote them.

namespace fortet::io {

namespace {

constexpr char head[16] = "fortet state 1\n";

struct Trailer {
  std::uint64_t items = 0;  ///< where the replicated items begin
  std::uint64_t index = 0;  ///< where the index begins
  std::uint64_t sum = 0;    ///< checksum of all that stands before the trailer
  char end[8] = {'e', 'n', 'd', ' ', 's', 't', '1', '\n'};
};
static_assert(sizeof(Trailer) == 32);

/// Position-dependent sum over the words of a file: ranks add what each of them wrote, in any order. A changed, missing
/// or moved word changes it but for a chance of 2^-64 (finalizer of SplitMix64, Steele et al. 2014).
class Checksum {
 public:
  /// `offset` and `bytes` are multiples of 4.
  void add(const void* data, std::uint64_t bytes, std::uint64_t offset) {
    const auto* from = static_cast<const char*>(data);
    for (std::uint64_t i = 0; i < bytes; i += 4) {
      std::uint32_t word;
      std::memcpy(&word, from + i, 4);
      std::uint64_t x = ((offset + i) << 30) + word + 0x9e3779b97f4a7c15;
      x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
      x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
      sum_ += x ^ (x >> 31);
    }
  }
  /// Over all ranks. Collective.
  std::uint64_t total(const parallel::Communicator& communicator) const {
    return static_cast<std::uint64_t>(communicator.sum_count(static_cast<std::int64_t>(sum_)));
  }

 private:
  std::uint64_t sum_ = 0;
};

std::uint64_t item_size(std::int64_t type) { return type <= 0 || type == 2 ? 8 : type == 1 ? 4 : 1; }

std::uint64_t aligned(std::uint64_t bytes) { return (bytes + 7) / 8 * 8; }

class Writer : public State {
 public:
  /// Writes the unfinished form of a file.
  Writer(const parallel::Communicator& communicator, const std::string& file) : communicator_(communicator) {
    const std::string unfinished = unfinished_name(file).string();
    parallel::together(communicator_, [&] {
      if (!communicator_.is_root()) return;
      remove_unfinished(file);
      file_ = std::make_unique<PosixFile>(unfinished, create_anew, file);
    });
    parallel::together(communicator_, [&] {
      if (!communicator_.is_root()) file_ = std::make_unique<PosixFile>(unfinished, O_WRONLY | O_NOFOLLOW, file);
      if (communicator_.is_root()) put(head, sizeof head, 0);
    });
  }

  bool restores() const override { return false; }

  void finish(const std::string& kind) {
    const std::uint64_t items = offset_;
    std::string index = Json{{"kind", kind}, {"items", std::move(index_)}}.dump();
    index.resize(aligned(index.size()), ' ');
    if (communicator_.is_root()) {
      put(items_.data(), items_.size(), items);
      put(index.data(), index.size(), items + items_.size());
    }
    const Trailer trailer{items, items + items_.size(), sum_.total(communicator_)};
    parallel::together(communicator_, [&] {  // also reports what failed before
      if (failure_) std::rethrow_exception(failure_);
      if (communicator_.is_root()) file_->write(&trailer, sizeof trailer, items + items_.size() + index.size());
      file_->finish();
    });
  }

 private:
  void replicated(const std::string& name, Type type, std::int64_t count,
                  const std::function<void*(std::int64_t)>& place) override {
    const std::uint64_t bytes = count * item_size(static_cast<std::int64_t>(type));
    index_.push_back({name, static_cast<std::int64_t>(type), count, items_.size()});
    if (count > 0) items_.append(static_cast<const char*>(place(count)), bytes);
    items_.resize(aligned(items_.size()), '\0');
  }

  void distributed(const std::string& name, double* values, std::int64_t count, std::int64_t rows, std::int64_t begin,
                   std::int64_t width) override {
    index_.push_back({name, -1, rows, width, offset_});
    put(values, count * sizeof(double), offset_ + begin * width * sizeof(double));
    offset_ += rows * width * sizeof(double);
  }

  /// Writes; a failure is kept until all ranks meet.
  void put(const void* data, std::uint64_t bytes, std::uint64_t offset) {
    if (failure_ || bytes == 0) return;
    try {
      file_->write(data, bytes, offset);
      sum_.add(data, bytes, offset);
    } catch (const IoError&) {
      failure_ = std::current_exception();
    }
  }

  const parallel::Communicator& communicator_;
  std::unique_ptr<PosixFile> file_;
  std::exception_ptr failure_;
  Checksum sum_;
  Json index_ = Json::array();
  std::string items_;
  std::uint64_t offset_ = sizeof head;
};

class Reader : public State {
 public:
  Reader(const parallel::Communicator& communicator, const std::string& name, const std::string& kind)
      : communicator_(communicator), name_(name) {
    Trailer trailer;
    std::uint64_t size = 0;
    inspect([&] {
      file_ = std::make_unique<PosixFile>(name_, O_RDONLY);
      size = file_->size();
      if (size % 8 != 0 || size < sizeof head + sizeof trailer) damaged("its length is wrong");
      char start[sizeof head];
      file_->read(start, sizeof head, 0);
      file_->read(&trailer, sizeof trailer, size - sizeof trailer);
      if (std::memcmp(start, head, sizeof head) != 0) damaged("it does not begin like a state file of this version");
      if (std::memcmp(trailer.end, Trailer{}.end, sizeof trailer.end) != 0) damaged("its end is missing");
      if (trailer.items < sizeof head || trailer.items > trailer.index || trailer.index > size - sizeof trailer ||
          trailer.items % 8 != 0 || trailer.index % 8 != 0) {
        damaged("its trailer is inconsistent");
      }
    });
    verify(size - sizeof trailer, trailer.sum);
    std::string index(size - sizeof trailer - trailer.index, '\0');
    items_.resize(trailer.index - trailer.items);
    inspect([&] {
      if (!communicator_.is_root()) return;
      file_->read(index.data(), index.size(), trailer.index);
      file_->read(items_.data(), items_.size(), trailer.items);
    });
    communicator_.broadcast(index);
    communicator_.broadcast(items_);
    data_end_ = trailer.items;
    parse(index, kind);
  }

  bool restores() const override { return true; }

  void finish() const {
    if (next_ != index_.size()) {
      throw IoError(fmt::format("{}: holds '{}', which is not expected", name_, index_[next_][0].get<std::string>()));
    }
  }

 private:
  [[noreturn]] void damaged(const std::string& what) const {
    throw DamagedState(fmt::format("{}: is damaged: {}", name_, what));
  }

  /// What fails here on one rank is a damage on all.
  void inspect(const std::function<void()>& body) const {
    try {
      parallel::together(communicator_, body);
    } catch (const Error& error) {
      parallel::meet_or_end(communicator_, error);
      throw DamagedState(error.what());
    }
  }

  /// Every rank sums its share of the words.
  void verify(std::uint64_t bytes, std::uint64_t expected) {
    Checksum sum;
    inspect([&] {
      const parallel::Range own = communicator_.share(static_cast<std::int64_t>(bytes / 8));
      std::vector<char> buffer(std::min<std::int64_t>(own.size() * 8, 1 << 22));
      for (std::int64_t at = own.begin * 8; at < own.end * 8; at += static_cast<std::int64_t>(buffer.size())) {
        const std::uint64_t part = std::min<std::int64_t>(static_cast<std::int64_t>(buffer.size()), own.end * 8 - at);
        file_->read(buffer.data(), part, at);
        sum.add(buffer.data(), part, at);
      }
    });
    if (sum.total(communicator_) != expected) damaged("its checksum does not fit");
  }

  void parse(const std::string& text, const std::string& kind) {
    Json index;
    try {
      index = Json::parse(text);
      if (const auto found = index.at("kind").get<std::string>(); found != kind) {
        throw IoError(fmt::format("{}: is the state of {}, not of {}", name_, found, kind));
      }
      index_ = index.at("items").get<std::vector<Json>>();
      for (const Json& item : index_) require_inside(item);
    } catch (const Json::exception&) {
      damaged("its index cannot be read");
    }
  }

  void require_inside(const Json& item) const {
    (void)item.at(0).get<std::string>();
    // Another number, or one beyond the type, would convert to anything.
    const bool are_integers =
        std::all_of(item.begin() + 1, item.end(), [](const Json& n) { return n.is_number_integer(); });
    if (!are_integers) damaged("its index cannot be read");
    const auto type = item.at(1).get<std::int64_t>(), count = item.at(2).get<std::int64_t>();
    const bool is_distributed = type < 0;
    const auto width = is_distributed ? item.at(3).get<std::int64_t>() : 1;
    const auto offset = item.at(is_distributed ? 4 : 3).get<std::uint64_t>();
    const std::uint64_t end = is_distributed ? data_end_ : items_.size();
    const auto most = static_cast<std::int64_t>(end / item_size(type));
    const bool fits =
        type <= 3 && count >= 0 && width > 0 && offset <= end &&
        (count == 0 || (width <= most && count <= most / width && count * width * item_size(type) <= end - offset));
    if (!fits) damaged("its index points outside of it");
  }

  const Json& next(const std::string& name, std::int64_t type) {
    if (next_ == index_.size()) throw IoError(fmt::format("{}: holds no '{}'", name_, name));
    const Json& item = index_[next_++];
    const std::string found = item[0].get<std::string>();
    if (found != name || item[1].get<std::int64_t>() != type) {
      throw IoError(fmt::format("{}: holds '{}' where '{}' was expected", name_, found, name));
    }
    return item;
  }

  void replicated(const std::string& name, Type type, std::int64_t,
                  const std::function<void*(std::int64_t)>& place) override {
    const Json& item = next(name, static_cast<std::int64_t>(type));
    const auto count = item[2].get<std::int64_t>();
    void* to = place(count);
    if (!to && count > 0) throw IoError(fmt::format("{}: '{}' has {} numbers, which do not fit", name_, name, count));
    if (count > 0)
      std::memcpy(to, items_.data() + item[3].get<std::uint64_t>(), count * item_size(static_cast<std::int64_t>(type)));
  }

  void distributed(const std::string& name, double* values, std::int64_t count, std::int64_t rows, std::int64_t begin,
                   std::int64_t width) override {
    const Json& item = next(name, -1);
    if (item[2].get<std::int64_t>() != rows || item[3].get<std::int64_t>() != width) {
      throw IoError(fmt::format("{}: '{}' has {} rows of {} numbers, not {} of {}", name_, name,
                                item[2].get<std::int64_t>(), item[3].get<std::int64_t>(), rows, width));
    }
    parallel::together(communicator_, [&] {
      file_->read(values, count * sizeof(double), item[4].get<std::uint64_t>() + begin * width * sizeof(double));
    });
  }

  const parallel::Communicator& communicator_;
  std::string name_;
  std::unique_ptr<PosixFile> file_;
  std::string items_;
  std::vector<Json> index_;
  std::size_t next_ = 0;
  std::uint64_t data_end_ = 0;
};

}  // namespace

void State::integer(const std::string& name, std::int64_t& value) {
  replicated(name, Type::integer64, 1, [&](std::int64_t count) { return count == 1 ? &value : nullptr; });
}

void State::real(const std::string& name, double& value) { span(name, std::span<double>(&value, 1)); }

void State::flag(const std::string& name, bool& value) {
  std::int64_t number = value;
  integer(name, number);
  value = number != 0;
}

void State::text(const std::string& name, std::string& value) {
  replicated(name, Type::character, static_cast<std::int64_t>(value.size()), [&](std::int64_t count) {
    value.resize(count);
    return value.data();
  });
}

namespace {
template <class Value>
auto resized(std::vector<Value>& values) {
  return [&values](std::int64_t count) {
    values.resize(count);
    return values.data();
  };
}
template <class Value>
auto fixed(std::span<Value> values) {
  return [values](std::int64_t count) {
    return count == static_cast<std::int64_t>(values.size()) ? values.data() : nullptr;
  };
}
}  // namespace

void State::list(const std::string& name, std::vector<double>& values) {
  replicated(name, Type::real64, static_cast<std::int64_t>(values.size()), resized(values));
}
void State::list(const std::string& name, std::vector<float>& values) {
  replicated(name, Type::real32, static_cast<std::int64_t>(values.size()), resized(values));
}
void State::list(const std::string& name, std::vector<std::int64_t>& values) {
  replicated(name, Type::integer64, static_cast<std::int64_t>(values.size()), resized(values));
}
void State::span(const std::string& name, std::span<double> values) {
  replicated(name, Type::real64, static_cast<std::int64_t>(values.size()), fixed(values));
}
void State::span(const std::string& name, std::span<float> values) {
  replicated(name, Type::real32, static_cast<std::int64_t>(values.size()), fixed(values));
}

void State::rows(const std::string& name, std::span<double> values, std::int64_t rows, std::int64_t begin,
                 std::int64_t width) {
  distributed(name, values.data(), static_cast<std::int64_t>(values.size()), rows, begin, width);
}

void exchange(State& state, const std::string& name, std::map<std::string, double>& numbers) {
  auto size = static_cast<std::int64_t>(numbers.size());
  state.integer(name, size);
  auto entry = numbers.begin();
  std::map<std::string, double> found;
  for (std::int64_t i = 0; i < size; ++i) {
    std::string key = state.restores() ? "" : entry->first;
    double value = state.restores() ? 0 : entry++->second;
    state.text("key", key);
    state.real("value", value);
    found[key] = value;
  }
  numbers = std::move(found);
}

void write_state(const parallel::Communicator& communicator, const std::string& file, const std::string& kind,
                 const Exchange& exchange) {
  try {
    Writer writer(communicator, file);
    exchange(writer);
    writer.finish(kind);
  } catch (const Error&) {
    if (communicator.is_root()) remove_unfinished(file);  // it may be what fills the disk
    throw;
  }
  parallel::together(communicator, [&] {
    if (communicator.is_root()) finish_file(file);
  });
}

void read_state(const parallel::Communicator& communicator, const std::string& file, const std::string& kind,
                const Exchange& exchange) {
  Reader reader(communicator, file, kind);
  exchange(reader);
  reader.finish();
}

}  // namespace fortet::io
