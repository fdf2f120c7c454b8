#include "sweep_progress.hpp"

#include "fortet/parallel/meeting.hpp"

namespace fortet::study {

SweepProgress::SweepProgress(const parallel::Communicator& communicator, const std::filesystem::path& folder,
                             const Restart& restart, io::Exchange table)
    : communicator_(communicator), file_(folder.empty() ? folder : folder / "sweep.state"), table_(std::move(table)) {
  if (file_.empty() || !restart.wanted) return;
  const std::filesystem::path source = restart.from.empty() ? file_ : restart.from / "sweep.state";
  std::error_code none;
  if (!communicator_.any(communicator_.is_root() && std::filesystem::exists(source, none))) return;
  try {
    io::read_state(communicator_, source.string(), "sweep", [this](io::State& state) { exchange(state); });
  } catch (const IoError& error) {  // damaged, or of another version
    parallel::meet_or_end(communicator_, error);
    finished_.clear();
    if (communicator_.is_root()) std::fprintf(stderr, "fortet: %s; all cases run again\n", error.what());
  }
}

void SweepProgress::exchange(io::State& state) {
  std::vector<std::pair<std::string, std::string>> entries(finished_.begin(), finished_.end());
  state.size("cases", entries);
  for (auto& [name, identity] : entries) {
    state.text("name", name);
    state.text("identity", identity);
  }
  finished_ = {entries.begin(), entries.end()};
  table_(state);
}

bool SweepProgress::has(const std::string& name, const std::string& identity) const {
  const auto found = finished_.find(name);
  if (found == finished_.end()) return false;
  require_same_study(found->second, identity, file_.string());
  return true;
}

void SweepProgress::add(const std::string& name, const std::string& identity) {
  if (file_.empty()) return;
  finished_[name] = identity;
  io::write_state(communicator_, file_.string(), "sweep", [this](io::State& state) { exchange(state); });
}

void SweepProgress::discard() {
  std::error_code none;
  if (communicator_.is_root()) std::filesystem::remove(file_, none);
}

}  // namespace fortet::study
