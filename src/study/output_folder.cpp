#include "output_folder.hpp"

#include <algorithm>
#include <cstdio>

#include "fortet/io/bytes.hpp"

namespace fortet::study {

namespace {

std::string kind_of(const std::filesystem::path& file) {
  std::error_code code;
  const auto type = std::filesystem::symlink_status(file, code).type();
  if (type == std::filesystem::file_type::symlink) return "a link";
  if (type == std::filesystem::file_type::directory) return "a folder";
  return type == std::filesystem::file_type::regular ? "not written, or changed since, by fortet" : "no plain file";
}

bool is_folder(const std::filesystem::path& path) {
  std::error_code code;
  return std::filesystem::symlink_status(path, code).type() == std::filesystem::file_type::directory;
}

bool has_text(const std::filesystem::path& file, const std::string& text) {
  std::error_code code;
  return std::filesystem::file_size(file, code) == text.size() && !code && io::read_bytes(file) == text;
}

/// "checkpoints/NAME" where it would be in the way of this run's own.
void add_foreign_checkpoints(const std::filesystem::path& folder, std::vector<std::string>& found) {
  std::error_code code;
  if (std::filesystem::symlink_status(folder, code).type() == std::filesystem::file_type::not_found) return;
  if (!is_folder(folder)) {
    found.push_back(fmt::format("checkpoints ({})", kind_of(folder)));
    return;
  }
  const CheckpointFiles files(folder);
  for (const std::filesystem::path& file : files.foreign) {
    const std::string name = file.filename().string();
    // Beside checkpoints of fortet's own, a file of another name may stay.
    const bool is_in_the_way = !files.has_identity || name == "study.json" || name.ends_with(".state");
    if (is_in_the_way) found.push_back("checkpoints/" + name);
  }
}

/// True if any text of a deck speaks of a file of this name.
bool mentions(const Json& values, const std::string& name) {
  if (values.is_string()) return values.get<std::string>().find(name) != std::string::npos;
  return values.is_structured() &&
         std::any_of(values.begin(), values.end(), [&](const Json& value) { return mentions(value, name); });
}

/// The number of "case_0012"; 0 for any other name.
std::size_t case_number(const std::string& name) {
  const std::string digits = name.starts_with("case_") ? name.substr(5) : "";
  if (digits.size() < 4 || digits.size() > 9 || digits.find_first_not_of("0123456789") != std::string::npos) return 0;
  return std::stoul(digits);
}

}  // namespace

std::vector<std::string> names_of_study(const Deck& deck) {
  std::vector<std::string> names{"deck.yaml", "resolved.yaml", "study.h5", "study.xdmf", "results.json", "run.json"};
  const auto in = [&](const char* section) -> const std::vector<Parameters>& {
    static const std::vector<Parameters> none;
    const auto found = deck.sections.find(section);
    return found == deck.sections.end() ? none : found->second;
  };
  for (const Parameters& model : in("models")) names.push_back(model.name() + ".weights.h5");
  if (!in("models").empty() || !in("bridges").empty()) names.push_back("metrics.jsonl");
  return names;
}

std::vector<std::string> names_of_sweep() { return {"sweep.csv", "sweep.state"}; }

std::vector<std::string> OutputFolder::foreign(const std::filesystem::path& folder,
                                               const std::vector<std::string>& names, const std::string& deck_text) {
  std::error_code code;
  if (!std::filesystem::is_directory(folder, code)) return {};
  const OwnFiles files(folder);
  std::vector<std::string> found;
  for (const std::string& name : names) {
    if (!files.is_there(name) || files.has(name)) continue;
    if (name == "deck.yaml" && is_plain_file(folder / name) && has_text(folder / name, deck_text)) continue;
    found.push_back(fmt::format("{} ({})", name, kind_of(folder / name)));
  }
  add_foreign_checkpoints(folder / "checkpoints", found);
  return found;
}

void refuse_foreign(const std::filesystem::path& folder, const std::vector<std::string>& foreign) {
  if (foreign.empty()) return;
  constexpr std::size_t most = 10;
  const std::vector<std::string> shown(foreign.begin(), foreign.begin() + std::min(most, foreign.size()));
  throw UsageError(fmt::format(
      "{}: holds what fortet did not write, under names that this run would write:\n  {}{}\nname another output, or "
      "move them elsewhere; nothing was computed",
      folder.string(), fmt::join(shown, "\n  "),
      foreign.size() > most ? fmt::format("\n  and {} more", foreign.size() - most) : ""));
}

OutputFolder::OutputFolder(const parallel::Communicator& communicator, std::filesystem::path folder,
                           std::vector<std::string> names, const std::string& deck_text, bool waits)
    : communicator_(communicator), path_(std::move(folder)), deck_text_(deck_text) {
  parallel::together(communicator_, [&] {
    if (!communicator_.is_root()) return;
    refuse_foreign(path_, foreign(path_, names, deck_text));
    std::error_code code;
    is_new_ = std::filesystem::create_directories(path_, code);
    if (code) throw IoError(fmt::format("{}: cannot make this folder: {}", path_.string(), code.message()));
    lock_ = std::make_unique<FolderLock>(path_, waits, [this](const std::string& text) { say(text); });
    files_.emplace(path_);
    files_->expect(names);
  });
  before_abort_.emplace([path = path_] { remove_lock(path); });
}

IoError OutputFolder::lost() const {
  return IoError(path_.string() +
                 ": another run works in this folder now, or the lock of this one was removed; this one ends");
}

void OutputFolder::require_own() const {
  if (communicator_.any(is_lost())) throw lost();
}

void OutputFolder::say(const std::string& text) const { std::fprintf(stderr, "fortet: %s\n", text.c_str()); }

void OutputFolder::clear(const Deck* deck, const std::vector<std::string>& kept, std::size_t cases) {
  parallel::together(communicator_, [&] {
    if (!communicator_.is_root()) return;
    for (const std::string& name : files_->names()) {
      const bool is_kept = std::find(kept.begin(), kept.end(), name) != kept.end() ||
                           (deck && mentions(deck->resolved, name)) ||
                           (name == "deck.yaml" && files_->is_there(name) &&
                            has_text(path_ / name, deck_text_));  // it may be the deck that was read
      if (!is_kept) files_->remove(name);
    }
    clear_report();
    std::error_code code;
    for (const auto& entry : std::filesystem::directory_iterator(path_, code)) {
      const std::string name = entry.path().filename().string();
      const bool is_unfinished =
          name.starts_with(".fortet.") && !name.starts_with(".fortet.lock") && name != ".fortet.files";
      if (is_unfinished && is_plain_file(entry.path())) std::filesystem::remove(entry.path(), code);
      const bool is_left_over = cases > 0 && case_number(name) > cases;
      if (is_left_over && is_folder(entry.path())) clear_case(entry.path());
    }
  });
}

void OutputFolder::clear_report() const {
  const std::filesystem::path folder = path_ / "report";
  if (!is_folder(folder)) return;
  OwnFiles files(folder);
  for (const std::string& name : files.names()) files.remove(name);
  files.forget();
  std::error_code code;
  std::filesystem::remove(folder, code);  // not where the user keeps something there
  if (code)
    say(fmt::format("{}: holds what fortet did not write and stays; its report is of an earlier run; going on",
                    folder.string()));
}

void OutputFolder::clear_case(const std::filesystem::path& folder) const {
  OwnFiles files(folder);
  for (const std::string& name : files.names()) files.remove(name);
  files.forget();
  std::error_code code;
  std::filesystem::remove(folder, code);
}

void OutputFolder::write(const std::string& name, const std::string& text) {
  parallel::together(communicator_, [&] {
    if (!communicator_.is_root()) return;
    // A deck that was read from where its copy belongs stays the user's.
    if (name == "deck.yaml" && !files_->has(name) && files_->is_there(name)) return;
    files_->expect(name, text);
    io::write_bytes(path_ / name, text);
  });
}

}  // namespace fortet::study
