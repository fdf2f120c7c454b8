#include "own_files.hpp"

#include <algorithm>
#include <fstream>

#include "fortet/base/error.hpp"
#include "fortet/base/schema.hpp"
#include "fortet/io/bytes.hpp"

namespace fortet::study {

namespace {

constexpr const char* list_name = ".fortet.files";
constexpr const char* list_format = "fortet files 1";

/// The first bytes of a file; nothing where it cannot be read.
std::string beginning(const std::filesystem::path& file, std::size_t most) {
  std::ifstream stream(file, std::ios::binary);
  std::string bytes(most, '\0');
  stream.read(bytes.data(), static_cast<std::streamsize>(most));
  bytes.resize(static_cast<std::size_t>(stream.gcount()));
  return bytes;
}

/// A file of a user may be of any size; fortet's own texts are far below this.
bool is_huge(const std::filesystem::path& file) {
  std::error_code code;
  return std::filesystem::file_size(file, code) > 1'000'000'000;
}

Json read_json(const std::filesystem::path& file) {
  if (is_huge(file)) return Json(nullptr);
  std::ifstream stream(file, std::ios::binary);
  return Json::parse(stream, nullptr, false);
}

/// An HDF5 file in which the mark stands: near the beginning where it was written first, behind the data of small files.
/// HDF5 is not asked itself: a damaged file may crash it.
bool is_own_hdf5(const std::filesystem::path& file, const std::string& mark) {
  if (!beginning(file, 8).starts_with("\x89HDF\r\n\x1a\n")) return false;
  std::ifstream stream(file, std::ios::binary);
  std::string bytes, piece(1 << 20, '\0');
  for (int pieces = 0; stream && pieces < 1024; ++pieces) {  // a gigabyte
    stream.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    bytes.append(piece, 0, static_cast<std::size_t>(stream.gcount()));
    if (bytes.find(mark) != std::string::npos) return true;
    bytes.erase(0, bytes.size() - std::min(bytes.size(), mark.size() - 1));
  }
  return false;
}

bool has_keys(const Json& json, std::initializer_list<const char*> keys) {
  return json.is_object() && std::all_of(keys.begin(), keys.end(), [&](const char* key) { return json.contains(key); });
}

bool has_lines(const std::string& text, std::initializer_list<const char*> beginnings) {
  return std::all_of(beginnings.begin(), beginnings.end(), [&](const char* line) {
    return text.starts_with(line) || text.find(std::string("\n") + line) != std::string::npos;
  });
}

bool holds_nothing(const std::filesystem::path& file) {
  std::error_code code;
  return std::filesystem::file_size(file, code) == 0 && !code;
}

void remove_file(const std::filesystem::path& file) {
  std::error_code code;
  std::filesystem::remove(file, code);
  if (code) throw IoError(fmt::format("{}: cannot remove it: {}", file.string(), code.message()));
}

}  // namespace

bool is_plain_file(const std::filesystem::path& file) {
  std::error_code code;
  return std::filesystem::symlink_status(file, code).type() == std::filesystem::file_type::regular;
}

OwnFiles::OwnFiles(std::filesystem::path folder) : folder_(std::move(folder)) {
  if (!is_plain_file(folder_ / list_name)) return;
  const Json list = read_json(folder_ / list_name);
  if (!has_keys(list, {"format", "files"}) || list.at("format") != list_format) return;
  try {
    texts_ = list.at("files").get<std::map<std::string, std::vector<std::string>>>();
    has_list_ = true;
  } catch (const Json::exception&) {  // a damaged list is none
    texts_.clear();
  }
}

bool OwnFiles::is_there(const std::string& name) const {
  std::error_code code;
  return std::filesystem::symlink_status(folder_ / name, code).type() != std::filesystem::file_type::not_found;
}

bool OwnFiles::has(const std::string& name) const {
  const std::filesystem::path file = folder_ / name;
  if (!is_plain_file(file)) return false;
  const auto listed = texts_.find(name);
  if (listed == texts_.end() || listed->second.empty()) return bears_mark(name);
  if (is_huge(file)) return false;
  const std::string found = io::checksum_of(io::read_bytes(file));
  return std::find(listed->second.begin(), listed->second.end(), found) != listed->second.end();
}

bool OwnFiles::bears_mark(const std::string& name) const {
  const std::filesystem::path file = folder_ / name;
  if (name == "study.h5") return holds_nothing(file) || is_own_hdf5(file, "fortet study");
  if (name.ends_with(".weights.h5")) return holds_nothing(file) || is_own_hdf5(file, "fortet network");
  if (name == "sweep.state") return is_own_state(file);
  if (name == "metrics.jsonl") {
    const std::string bytes = beginning(file, 1 << 16);
    const Json line = Json::parse(bytes.substr(0, bytes.find('\n')), nullptr, false);
    return bytes.empty() || (has_keys(line, {"object"}) && line.at("object").is_string());
  }
  if (has_list_) return false;  // fortet would have listed it
  if (name == "results.json") return has_keys(read_json(file), {"format", "study", "verdict", "checks"});
  if (name == "run.json") return has_keys(read_json(file), {"versions", "command_line", "ranks"});
  const std::string text = beginning(file, 1 << 20);
  if (name == "resolved.yaml") return has_lines(text, {"checkpoint_interval: ", "checkpoints_kept: ", "output: "});
  if (name == "study.xdmf") return text.find("<Xdmf Version=\"2.0\">") != std::string::npos;
  if (name == "sweep.csv") return text.starts_with("setting,check,time,statistic,mean,sd,runs,agree\n");
  // The deck bears no mark: it is fortet's copy where what was made from it stands beside it.
  return name == "deck.yaml" && is_plain_file(folder_ / "resolved.yaml") && bears_mark("resolved.yaml");
}

std::vector<std::string> OwnFiles::names() const {
  std::vector<std::string> found{"results.json", "run.json",    "study.h5",  "study.xdmf",   "metrics.jsonl",
                                 "sweep.csv",    "sweep.state", "deck.yaml", "resolved.yaml"};  // that order: see above
  for (const auto& [name, texts] : texts_) {
    if (std::find(found.begin(), found.end(), name) == found.end()) found.push_back(name);
  }
  return found;
}

void OwnFiles::expect(const std::string& name, const std::string& text) {
  std::vector<std::string>& known = texts_[name];
  const std::string next = io::checksum_of(text);
  if (!known.empty() && known.back() == next) return;
  known.push_back(next);
  if (known.size() > 2) known.erase(known.begin());
  write();
}

void OwnFiles::expect(const std::vector<std::string>& names) {
  if (!has_list_) {  // what an earlier version left is known by its marks now, and by the list from here on
    for (const char* name : {"results.json", "run.json", "study.xdmf", "sweep.csv", "deck.yaml", "resolved.yaml"}) {
      if (has(name)) texts_[name] = {io::checksum_of(io::read_bytes(folder_ / name))};
    }
    has_list_ = true;
  }
  for (const std::string& name : names) texts_[name];
  write();
}

void OwnFiles::write() const {
  io::write_bytes(folder_ / list_name, Json{{"format", list_format}, {"files", texts_}}.dump(1) + "\n");
}

bool OwnFiles::remove(const std::string& name) {
  if (!is_there(name) || !has(name)) return false;
  remove_file(folder_ / name);
  return true;
}

void OwnFiles::forget() {
  if (is_plain_file(folder_ / list_name)) remove_file(folder_ / list_name);
  texts_.clear();
}

bool is_own_state(const std::filesystem::path& file) {
  if (!is_plain_file(file)) return false;
  const std::string bytes = beginning(file, 16);  // a power failure leaves none, or zeros
  return bytes.starts_with("fortet state ") || bytes.find_first_not_of('\0') == std::string::npos;
}

CheckpointFiles::CheckpointFiles(const std::filesystem::path& folder) : folder_(folder) {
  std::error_code code;
  if (std::filesystem::symlink_status(folder, code).type() != std::filesystem::file_type::directory) return;
  for (auto entry = std::filesystem::directory_iterator(folder, code);
       !code && entry != std::filesystem::directory_iterator(); entry.increment(code)) {
    const std::filesystem::path file = entry->path();
    const std::string name = file.filename().string();
    const bool is_identity =
        name == "study.json" && is_plain_file(file) && has_keys(read_json(file), {"version", "deck"});
    has_identity = has_identity || is_identity;
    const bool is_unfinished =
        is_plain_file(file) && (name.starts_with(".fortet.") || name == "study.json.part");  // the latter: version 0.1
    const bool is_state = (name.ends_with(".state") || name.ends_with(".state.partial")) && is_own_state(file);
    (is_identity || is_unfinished || is_state ? own : foreign).push_back(file);
  }
  std::sort(own.begin(), own.end());
  std::sort(foreign.begin(), foreign.end());
}

void CheckpointFiles::remove() const {
  for (const std::filesystem::path& file : own) remove_file(file);
  std::error_code code;
  if (foreign.empty()) std::filesystem::remove(folder_, code);
}

}  // namespace fortet::study
