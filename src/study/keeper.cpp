#include "keeper.hpp"

#include <cstdio>
#include <sstream>

#include "fortet/io/bytes.hpp"
#include "fortet/parallel/meeting.hpp"
#include "fortet/study/results.hpp"

namespace fortet::study {

namespace {

/// The first places where two trees differ, "path: here and there".
void differences(const Json& saved, const Json& wanted, const std::string& path, std::vector<std::string>& found) {
  if (saved == wanted || found.size() >= 5) return;
  if (saved.is_object() && wanted.is_object()) {
    for (const auto& [key, value] : saved.items()) {
      differences(value, wanted.contains(key) ? wanted.at(key) : Json(), path + "." + key, found);
    }
    for (const auto& [key, value] : wanted.items()) {
      if (!saved.contains(key)) differences(Json(), value, path + "." + key, found);
    }
    return;
  }
  const auto shown = [](const Json& value) { return value.is_null() ? std::string("nothing") : value.dump(); };
  found.push_back(fmt::format("  {}: {} in the checkpoint, {} now", path.substr(1), shown(saved), shown(wanted)));
}

constexpr double consulting = 0.1;  // seconds between two questions whether something is due

}  // namespace

std::string identity_of(const Deck& deck) {
  Json values = deck.resolved;
  for (const char* key : {"output", "checkpoint_interval", "checkpoints_kept"}) values.erase(key);
  if (values.contains("bridges")) {  // the same bits wherever slices lie
    for (Json& bridge : values.at("bridges")) {
      for (const char* key : {"slices_on", "slices_folder"}) bridge.erase(key);
    }
  }
  return Json{{"version", versions()["fortet"]}, {"deck", values}}.dump(1) + "\n";
}

void require_same_study(const std::string& saved, const std::string& wanted, const std::string& where) {
  const Json known = Json::parse(saved, nullptr, false);
  if (known.is_discarded()) throw IoError(fmt::format("{}: the description of the study is damaged", where));
  std::vector<std::string> found;
  differences(known, Json::parse(wanted), "", found);
  if (found.empty()) return;
  throw UsageError(fmt::format("the checkpoints in {} are of another study:\n{}\nnothing was computed\n", where,
                               fmt::join(found, "\n")));
}

Keeper::Keeper(const parallel::Communicator& communicator, const Deck& deck, const std::filesystem::path& results,
               const Restart& restart, Watch& watch, Metrics& metrics)
    : communicator_(communicator),
      folder_(results / "checkpoints"),
      identity_(identity_of(deck)),
      interval_(deck.resolved.at("checkpoint_interval").get<double>()),
      kept_(deck.resolved.at("checkpoints_kept").get<long>()),
      watch_(watch),
      metrics_(metrics),
      saved_(MPI_Wtime()) {
  parallel::together(communicator_, [&] {
    if (communicator_.is_root()) choose_source(results, restart);
  });
  std::string source = source_.string();
  communicator_.broadcast(source);
  source_ = source;
  has_folder_ = source_ == folder_;
  if (communicator_.is_root()) watch_.look_into(results);
}

void Keeper::choose_source(const std::filesystem::path& results, const Restart& restart) {
  const std::filesystem::path from = restart.from.empty() ? folder_ : restart.from / "checkpoints";
  if (restart.wanted) {
    if (std::filesystem::exists(from / "study.json")) {
      require_same_study(io::read_bytes(from / "study.json"), identity_, from.string());
      source_ = from;
    } else if (!restart.from.empty()) {
      throw UsageError(fmt::format("{}: holds no checkpoints\n", from.string()));
    } else {
      say("no checkpoint yet: starting afresh");
    }
  }
  if (source_ == folder_ || !std::filesystem::exists(folder_)) return;
  const bool is_usable = std::filesystem::exists(folder_ / "study.json");  // written before the first state
  const std::filesystem::path aside = results / "checkpoints.previous";
  std::error_code code;
  std::filesystem::remove_all(is_usable ? aside : folder_, code);
  if (!code && is_usable) std::filesystem::rename(folder_, aside, code);
  if (code) {
    throw IoError(fmt::format("{}: cannot set these checkpoints aside: {}", folder_.string(), code.message()));
  }
  if (!is_usable) return;
  say(
      fmt::format("the checkpoints of an unfinished run were set aside to {}; --restart latest would have gone on from "
                  "them",
                  aside.string()));
}

void Keeper::say(const std::string& text) const {
  if (communicator_.is_root()) std::fprintf(stderr, "fortet: %s\n", text.c_str());
}

void Keeper::object(const std::string& name, const io::Exchange& result,
                    const std::function<void(io::Checkpoints&)>& compute) {
  object_ = name;
  number_ = 0;
  passes_ = 0;
  next_ = 1;
  longest_step_ = 0;
  consulted_ = MPI_Wtime();
  const bool found = !source_.empty() && read(communicator_, source_ / (name + ".state"), result);
  if (found) {
    say(name + " is taken from the checkpoint");
  } else {
    compute(*this);
  }
  if (!found || source_ != folder_) renew(name, result, {});
  if (!found) pass();
}

void Keeper::renew(const std::string& name, const io::Exchange& result, const std::vector<std::string>& parts) {
  std::erase_if(unsaved_, [&](const auto& entry) {
    return entry.first == name || std::find(parts.begin(), parts.end(), entry.first) != parts.end();
  });
  unsaved_.emplace_back(name, with_metrics(result));
}

io::Exchange Keeper::with_metrics(const io::Exchange& exchange) const {
  return [this, exchange, lines = metrics_.position()](io::State& state) mutable {
    state.integer("metrics", lines);
    exchange(state);
    if (state.restores()) metrics_.resume_at(lines);
  };
}

bool Keeper::read(const parallel::Communicator& communicator, const std::filesystem::path& file,
                  const io::Exchange& exchange) {
  std::error_code none;
  if (!communicator.any(communicator.is_root() && std::filesystem::exists(file, none))) return false;
  try {
    io::read_state(communicator, file.string(), file.stem().string(), with_metrics(exchange));
    return true;
  } catch (const io::DamagedState& error) {
    say(fmt::format("{}; it is not used", error.what()));
    return false;
  }
}

std::vector<long> Keeper::numbers(const parallel::Communicator& communicator, const std::filesystem::path& folder,
                                  const std::string& object) const {
  std::string text;
  if (communicator.is_root()) {
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
      const std::string name = entry.path().filename().string();
      const std::size_t begin = object.size() + 1;
      if (!name.starts_with(object + ".") || !name.ends_with(".state")) continue;
      const std::string digits = name.substr(begin, std::max(name.size(), begin + 6) - begin - 6);
      if (!digits.empty() && digits.find_first_not_of("0123456789") == std::string::npos) text += digits + " ";
    }
  }
  communicator.broadcast(text);
  std::vector<long> found;
  std::istringstream stream(text);
  for (long number = 0; stream >> number;) found.push_back(number);
  std::sort(found.rbegin(), found.rend());
  return found;
}

bool Keeper::restore(const parallel::Communicator& communicator, const io::Exchange& exchange) {
  if (source_.empty()) return false;
  const std::vector<long> found = numbers(communicator, source_, object_);
  if (!found.empty() && source_ == folder_) number_ = found.front();
  for (const long number : found) {
    const std::filesystem::path file = source_ / fmt::format("{}.{}.state", object_, number);
    if (!read(communicator, file, exchange)) continue;
    say(fmt::format("{} goes on from {}", object_, file.string()));
    return true;
  }
  return false;
}

Keeper::Verdict Keeper::consult(const parallel::Communicator& communicator) {
  const double now = MPI_Wtime(), since = now - consulted_;
  const auto passed = static_cast<double>(passes_);
  longest_step_ = std::max(longest_step_, since / passed);
  // Before a checkpoint was ever timed, one is made early enough for its time to be known at the end.
  const double interval = watch_.walltime() > 0 && longest_save_ == 0
                              ? std::min(interval_ > 0 ? interval_ : watch_.walltime(), watch_.walltime() / 10)
                              : interval_;
  const bool is_root = communicator.is_root();
  const bool stop = !watch_.reason(2 * longest_step_ + longest_save_ + 2 * consulting).empty();
  const double next = std::clamp(passed * consulting / std::max(since, 1e-9), 1.0, 4 * passed);
  double decision[3] = {static_cast<double>(stop),
                        static_cast<double>(is_root && interval > 0 && now - saved_ > interval), is_root ? next : 1.0};
  MPI_Allreduce(MPI_IN_PLACE, decision, 3, MPI_DOUBLE, MPI_MAX, communicator.handle());
  passes_ = 0;
  next_ = static_cast<long>(decision[2]);
  consulted_ = now;
  return {decision[1] > 0, decision[0] > 0};
}

void Keeper::pass(const parallel::Communicator& communicator, const io::Exchange& exchange) {
  if (++passes_ >= next_) act(communicator, &exchange);
}

void Keeper::pass() {
  passes_ = std::max(passes_, 1L);
  act(communicator_, nullptr);
}

void Keeper::save(const parallel::Communicator& communicator, const io::Exchange& exchange) {
  try_to_write(communicator, &exchange);
}

void Keeper::save_finished() { try_to_write(communicator_, nullptr); }

void Keeper::act(const parallel::Communicator& communicator, const io::Exchange* running) {
  const Verdict verdict = consult(communicator);
  if (verdict.stop) {
    write(communicator, running);
    stop(communicator);
  }
  if (verdict.save) try_to_write(communicator, running);
}

void Keeper::try_to_write(const parallel::Communicator& communicator, const io::Exchange* running) {
  try {
    write(communicator, running);
  } catch (const Error& error) {
    if (error.exit_code() != ExitCode::io) throw;
    parallel::meet_or_end(communicator, error);
    say(fmt::format("no checkpoint was made: {}; going on", error.what()));
  }
}

void Keeper::write(const parallel::Communicator& communicator, const io::Exchange* running) {
  const double begin = MPI_Wtime();
  if (!has_folder_) {
    parallel::together(communicator, [&] {
      if (!communicator.is_root()) return;
      std::error_code code;
      std::filesystem::create_directories(folder_, code);
      if (code) throw IoError(fmt::format("{}: cannot make this folder: {}", folder_.string(), code.message()));
    });
    write_text(folder_ / "study.json", identity_, communicator);
    has_folder_ = true;
  }
  // Only all ranks together can save these: see save_finished.
  while (!unsaved_.empty() && communicator.size() == communicator_.size()) {
    const auto& [name, exchange] = unsaved_.front();
    io::write_state(communicator, (folder_ / (name + ".state")).string(), name, exchange);
    const std::vector<long> old = numbers(communicator, folder_, name);
    if (communicator.is_root()) {
      std::error_code none;
      for (const long number : old) std::filesystem::remove(folder_ / fmt::format("{}.{}.state", name, number), none);
    }
    unsaved_.erase(unsaved_.begin());
  }
  if (running) {
    const long number = number_ + 1;
    const std::string name = fmt::format("{}.{}", object_, number);
    io::write_state(communicator, (folder_ / (name + ".state")).string(), name, with_metrics(*running));
    number_ = number;
    if (communicator.is_root()) {
      std::error_code none;
      if (number > kept_) {
        std::filesystem::remove(folder_ / fmt::format("{}.{}.state", object_, number - kept_), none);
      }
    }
  }
  saved_ = MPI_Wtime();
  longest_save_ = std::max(longest_save_, communicator.max(saved_ - begin));
}

void Keeper::stop(const parallel::Communicator& communicator) {
  std::string reason = watch_.reason(2 * longest_step_ + longest_save_ + 2 * consulting);
  const int last = communicator.size() - 1;
  const int first = static_cast<int>(communicator.min(reason.empty() ? last : communicator.rank()));
  communicator.broadcast(reason, first);
  if (communicator.is_root() && reason.starts_with("the file")) {
    std::error_code ignored;
    std::filesystem::remove(folder_.parent_path() / "stop", ignored);
  }
  throw Error(ExitCode::stopped, fmt::format("stopped by {}; everything so far is in {}; go on with --restart latest",
                                             reason, folder_.string()));
}

void Keeper::discard() {
  if (!communicator_.is_root() || !has_folder_) return;
  std::error_code code;
  std::filesystem::remove_all(folder_, code);
  if (code) say(fmt::format("{}: these checkpoints cannot be removed: {}; going on", folder_.string(), code.message()));
}

}  // namespace fortet::study
