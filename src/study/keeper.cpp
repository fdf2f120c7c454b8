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
  const auto shown = [](const Json& value) { return value.is_null() ? std::string("nothing") : cut(value.dump()); };
  found.push_back(fmt::format("  {}: {} in the checkpoint, {} now", path.substr(1), shown(saved), shown(wanted)));
}

constexpr double consulting = 0.1;  // seconds between two questions whether something is due

}  // namespace

std::string identity_of(const Deck& deck, const std::vector<std::string>& petsc_options) {
  Json values = deck.resolved;
  for (const char* key : {"output", "checkpoint_interval", "checkpoints_kept"}) values.erase(key);
  if (values.contains("bridges")) {  // the same bits wherever slices lie
    for (Json& bridge : values.at("bridges")) {
      for (const char* key : {"slices_on", "slices_folder"}) bridge.erase(key);
    }
  }
  Json identity{{"version", versions()["fortet"]}, {"deck", values}};
  // Others, such as -log_view, change no result.
  if (std::any_of(petsc_options.begin(), petsc_options.end(),
                  [](const std::string& word) { return word.starts_with("-density_"); })) {
    identity["petsc_options"] = petsc_options;
  }
  return identity.dump(1) + "\n";
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

Keeper::Keeper(const parallel::Communicator& communicator, const Deck& deck,
               const std::vector<std::string>& petsc_options, const OutputFolder& results, const Restart& restart,
               Watch& watch, Metrics& metrics)
    : communicator_(communicator),
      results_(results),
      folder_(results.checkpoints()),
      identity_(identity_of(deck, petsc_options)),
      interval_(deck.resolved.at("checkpoint_interval").get<double>()),
      kept_(deck.resolved.at("checkpoints_kept").get<long>()),
      watch_(watch),
      metrics_(metrics),
      saved_(MPI_Wtime()) {
  parallel::together(communicator_, [&] {
    if (communicator_.is_root()) choose_source(restart);
  });
  std::string source = source_.string();
  communicator_.broadcast(source);
  source_ = source;
  has_folder_ = source_ == folder_;
  if (communicator_.is_root()) watch_.look_into(results.path(), results.is_new());
}

void Keeper::choose_source(const Restart& restart) {
  const std::filesystem::path from = restart.from.empty() ? folder_ : restart.from / "checkpoints";
  if (restart.wanted) {
    std::error_code none;
    if (std::filesystem::exists(from / "study.json", none)) {
      require_same_study(io::read_bytes(from / "study.json"), identity_, from.string());
      source_ = from;
    } else if (!restart.from.empty()) {
      throw UsageError(fmt::format("{}: holds no checkpoints\n", cut(from.string())));
    } else {
      say("no checkpoint yet: starting afresh");
    }
  }
  if (source_ != folder_) set_aside();
}

/// The checkpoints of an unfinished run, file by file: what else lies in their folder stays.
void Keeper::set_aside() const {
  const CheckpointFiles files(folder_);
  if (files.own.empty()) return;
  const std::filesystem::path aside = results_.path() / "checkpoints.previous";
  const auto fail = [&](const std::string& reason) {
    throw IoError(fmt::format("{}: cannot set these checkpoints aside: {}", folder_.string(), reason));
  };
  std::error_code code;
  if (!files.has_identity) {  // it is written before the first state: nothing can be gone on from
    try {
      files.remove();
    } catch (const IoError& error) {
      fail(error.what());
    }
    return;
  }
  try {
    CheckpointFiles(aside).remove();
  } catch (const IoError& error) {
    fail(error.what());
  }
  std::filesystem::create_directory(aside, code);
  if (code || !std::filesystem::is_directory(std::filesystem::symlink_status(aside, code))) {
    fail(code ? code.message() : aside.string() + " is not a folder");
  }
  for (const std::filesystem::path& file : files.own) {
    const std::filesystem::path to = aside / file.filename();
    if (std::filesystem::symlink_status(to, code).type() != std::filesystem::file_type::not_found)
      fail(to.string() + " was not written by fortet");
    std::filesystem::rename(file, to, code);
    if (code) fail(code.message());
  }
  if (files.foreign.empty()) std::filesystem::remove(folder_, code);
  say(
      fmt::format("the checkpoints of an unfinished run were set aside to {}; --restart latest would have gone on from "
                  "them",
                  aside.string()));
}

void Keeper::say(const std::string& text) const {
  if (communicator_.is_root()) std::fprintf(stderr, "fortet: %s\n", text.c_str());
}

bool Keeper::object(const std::string& name, const io::Exchange& result,
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
  return found;
}

void Keeper::forget(const std::string& name) {
  std::erase_if(unsaved_, [&](const auto& entry) { return entry.first.starts_with(name + "."); });
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
  double decision[4] = {static_cast<double>(stop),
                        static_cast<double>(is_root && interval > 0 && now - saved_ > interval), is_root ? next : 1.0,
                        static_cast<double>(is_root && results_.is_lost())};
  MPI_Allreduce(MPI_IN_PLACE, decision, 4, MPI_DOUBLE, MPI_MAX, communicator.handle());
  passes_ = 0;
  next_ = static_cast<long>(decision[2]);
  consulted_ = now;
  return {decision[1] > 0, decision[0] > 0, decision[3] > 0};
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
  if (verdict.lost) {
    watch_.end();
    throw results_.lost();
  }
  if (verdict.stop) {
    watch_.end();
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
      io::write_bytes(folder_ / "study.json", identity_);
    });
    has_folder_ = true;
  }
  // Only all ranks together can save these: see save_finished.
  while (!unsaved_.empty() && communicator.size() == communicator_.size()) {
    const auto& [name, exchange] = unsaved_.front();
    io::write_state(communicator, (folder_ / (name + ".state")).string(), name, exchange);
    const std::vector<long> old = numbers(communicator, folder_, name);
    for (const long number : old) remove_state(name, number);
    unsaved_.erase(unsaved_.begin());
  }
  if (running) {
    const long number = number_ + 1;
    const std::string name = fmt::format("{}.{}", object_, number);
    io::write_state(communicator, (folder_ / (name + ".state")).string(), name, with_metrics(*running));
    number_ = number;
    if (number > kept_) remove_state(object_, number - kept_);
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
    if (const std::string remark = watch_.remove_stop_file(); !remark.empty()) say(remark);
  }
  throw Error(ExitCode::stopped, fmt::format("stopped by {}; everything so far is in {}; go on with --restart latest",
                                             reason, folder_.string()));
}

void Keeper::remove_state(const std::string& object, long number) const {
  const std::filesystem::path file = folder_ / fmt::format("{}.{}.state", object, number);
  std::error_code none;  // one that stays does no harm
  if (communicator_.is_root() && is_own_state(file)) std::filesystem::remove(file, none);
}

void Keeper::discard() {
  if (!communicator_.is_root() || !has_folder_) return;
  try {
    const CheckpointFiles files(folder_);
    files.remove();
    if (files.foreign.empty()) return;
    std::vector<std::string> names;
    for (const std::filesystem::path& file : files.foreign) names.push_back(file.filename().string());
    say(cut(fmt::format("{}: stays, since it holds what is not, or no longer, a checkpoint: {}; going on",
                        folder_.string(), fmt::join(names, ", "))));
  } catch (const IoError& error) {
    say(fmt::format("{}; going on", error.what()));
  }
}

}  // namespace fortet::study
