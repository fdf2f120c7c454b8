// YAML text -> plain data with positions.
#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstdlib>
#include <regex>
#include <set>

#include "fortet/study/deck.hpp"
#include "yaml_fault.hpp"

namespace fortet::study {

void Faults::add(Position position, std::string message) {
  for (const Fault& known : faults_) {
    if (known.message == message && known.position.line == position.line && known.position.column == position.column)
      return;
  }
  faults_.push_back({position, cut(message)});
}

std::string Faults::text() const {
  std::vector<Fault> sorted = faults_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Fault& a, const Fault& b) {
    return std::pair(a.position.line, a.position.column) < std::pair(b.position.line, b.position.column);
  });
  std::string result;
  for (const Fault& fault : sorted) {
    if (fault.position.line > 0) {
      result += fmt::format("{}:{}:{}: {}\n", file_, fault.position.line, fault.position.column, fault.message);
    } else {
      result += fmt::format("command line: {}\n", fault.message);
    }
  }
  return result;
}

Position Document::position(std::string path) const {
  while (true) {
    const auto found = positions.find(path);
    if (found != positions.end()) return found->second;
    const std::size_t cut = path.find_last_of(".[");
    if (cut == std::string::npos) break;
    path.resize(cut);
  }
  return {1, 1};
}

namespace {

constexpr int deepest_nesting = 64;
/// Values of a deck, those counted again that an alias repeats: nine levels of nine aliases are 387 million.
constexpr long most_values = 500000;

/// A plain (unquoted) scalar by YAML's core schema.
Json plain_scalar(const std::string& text) {
  static const std::regex integer("[-+]?[0-9]+"), real("[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?");
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  if (text.size() < 400) {  // the regular expressions recurse; no number is longer
    if (std::regex_match(text, integer)) {
      errno = 0;
      const long value = std::strtol(text.c_str(), nullptr, 10);
      if (errno == 0) return value;
    }
    if (std::regex_match(text, real)) return std::strtod(text.c_str(), nullptr);
  }
  if (text == ".inf" || text == "+.inf" || text == ".Inf") return HUGE_VAL;
  if (text == "-.inf" || text == "-.Inf") return -HUGE_VAL;
  if (text == ".nan" || text == ".NaN") return std::nan("");
  return text;
}

class Reader {
 public:
  Reader(Document& document, Faults& faults) : document_(document), faults_(faults) {}

  Json read(const YAML::Node& node, const std::string& path, int depth) {
    const Position position{node.Mark().line + 1, node.Mark().column + 1};
    if (++values_ > most_values) {
      if (values_ == most_values + 1) {
        faults_.add(position, fmt::format("the deck has more than {} values once its aliases (*name) are written out; "
                                          "give data as a file",
                                          most_values));
      }
      return nullptr;
    }
    document_.positions.emplace(path, position);
    if (depth > deepest_nesting) {
      faults_.add(position, fmt::format("nested more than {} levels deep", deepest_nesting));
      return nullptr;
    }
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        return node.Tag() == "!" ? Json(node.Scalar()) : plain_scalar(node.Scalar());
      case YAML::NodeType::Sequence: {
        Json list = Json::array();
        for (std::size_t i = 0; i < node.size() && values_ <= most_values; ++i)
          list.push_back(read(node[i], fmt::format("{}[{}]", path, i), depth + 1));
        return list;
      }
      case YAML::NodeType::Map: {
        Json map = Json::object();
        for (const auto& entry : node) {
          if (values_ > most_values) break;
          const Position key_position{entry.first.Mark().line + 1, entry.first.Mark().column + 1};
          if (!entry.first.IsScalar()) {
            faults_.add(key_position, "a key must be a plain word");
            continue;
          }
          const std::string key = entry.first.Scalar();
          const std::string below = path.empty() ? key : path + "." + key;
          if (map.contains(key)) {
            faults_.add(key_position, fmt::format("duplicate key '{}'{}", key, path.empty() ? "" : " in " + path));
            continue;
          }
          map[key] = read(entry.second, below, depth + 1);
          document_.positions[below] = key_position;
        }
        return map;
      }
      default:
        return nullptr;
    }
  }

 private:
  Document& document_;
  Faults& faults_;
  long values_ = 0;
};

/// Splits "a.b[2].c" into keys and indices (an index is "[2]").
std::vector<std::string> path_words(const std::string& path) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : path) {
    if (c == '.' || c == '[') {
      if (!word.empty()) words.push_back(word);
      word.assign(c == '[' ? 1 : 0, '[');
    } else {
      word += c;
    }
  }
  if (!word.empty()) words.push_back(word);
  return words;
}

/// Place of the first byte that is not part of UTF-8 text, npos if all are (Unicode 15, table 3-7). Zeros are not: YAML
/// has none, and its reader would take them for those of UTF-16 or UTF-32.
std::size_t first_byte_not_text(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  for (std::size_t i = 0; i < text.size();) {
    const int lead = byte(i), next = byte(i + 1);
    const int length = lead == 0     ? 0
                       : lead < 0x80 ? 1
                       : lead < 0xC2 ? 0
                       : lead < 0xE0 ? 2
                       : lead < 0xF0 ? 3
                       : lead < 0xF5 ? 4
                                     : 0;
    const bool is_out = length == 0 || (lead == 0xE0 && next < 0xA0) || (lead == 0xED && next > 0x9F) ||
                        (lead == 0xF0 && next < 0x90) || (lead == 0xF4 && next > 0x8F);
    if (is_out) return i;
    for (int k = 1; k < length; ++k) {
      if (byte(i + k) < 0x80 || byte(i + k) > 0xBF) return i;
    }
    i += length;
  }
  return std::string_view::npos;
}

std::vector<std::string> keys_of(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

}  // namespace

Document read_yaml(const std::string& file, const std::string& text, Faults& faults) {
  Document document;
  document.file = file;
  document.text = text;
  if (const std::size_t at = first_byte_not_text(text); at != std::string::npos) {
    const auto line_start = text.rfind('\n', at) + 1;  // 0 on the first line
    const int line = static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
    faults.add({line + 1, static_cast<int>(at - line_start) + 1},
               fmt::format("byte {:02x} is not UTF-8 text", static_cast<unsigned char>(text[at])));
    return document;
  }
  try {
    const YAML::Node root = YAML::Load(text);
    if (const Position quote = open_quote(text); quote.line > 0) {  // which the reader closes at the end of the file
      faults.add(quote, "the quote that begins here is never closed");
      return document;
    }
    if (!root.IsMap()) {
      faults.add({1, 1}, "a deck is a mapping with the sections study, laws, processes, ...");
      return document;
    }
    document.values = Reader(document, faults).read(root, "", 0);
  } catch (const YAML::Exception& error) {
    const auto [position, message] = yaml_fault(text, {error.mark.line + 1, error.mark.column + 1}, error.msg);
    faults.add(position, message);
  }
  return document;
}

namespace {
/// key.path=value, at each place where the path leads; a word * leads to all entries of an object.
class Override {
 public:
  Override(Document& document, const std::string& assignment, Faults& faults)
      : document_(document), assignment_(assignment), faults_(faults) {}
  void apply() {
    if (first_byte_not_text(assignment_) != std::string::npos) {
      return fault("an assignment key.path=value is not UTF-8 text");
    }
    const std::size_t equals = assignment_.find('=');
    path_ = assignment_.substr(0, equals);
    words_ = path_words(path_);
    if (equals == std::string::npos || words_.empty()) {
      return fault(fmt::format("'{}' is not of the form key.path=value", assignment_));
    }
    value_ = assignment_.substr(equals + 1);
    follow(document_.values, 0, "");
  }

 private:
  void fault(const std::string& message) { faults_.add(Position{}, message); }

  void follow(Json& place, std::size_t next, const std::string& walked) {
    if (next == words_.size()) return set(place, walked);
    const std::string& word = words_[next];
    const auto below = [&](const std::string& key) { return walked + (walked.empty() ? "" : ".") + key; };
    if (word == "*" && place.is_object()) {
      if (place.empty()) fault(fmt::format("{}: {} is empty", path_, walked));
      for (const std::string& each : keys_of(place)) follow(place[each], next + 1, below(each));
      return;
    }
    const std::string key = word[0] == '[' ? word.substr(1, word.size() - 2) : word;
    if (place.is_array()) {
      char* end = nullptr;
      const unsigned long index = std::strtoul(key.c_str(), &end, 10);
      if (key.empty() || *end != '\0' || index >= place.size()) {
        return fault(fmt::format("{}: '{}' is not an entry of the list {} (0 to {})", path_, key, walked,
                                 static_cast<long>(place.size()) - 1));
      }
      return follow(place[index], next + 1, walked + "[" + key + "]");
    }
    if (!place.is_object()) return fault(fmt::format("{}: {} has no keys below it", path_, walked));
    // Sections and objects must exist; a parameter may be new (the schema judges it).
    if (!place.contains(key) && next + 1 < words_.size()) {
      const std::string nearest = nearest_name(key, keys_of(place));
      return fault(fmt::format("{}: there is no '{}' in {}{}", path_, key, walked.empty() ? "the deck" : walked,
                               nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest)));
    }
    follow(place[key], next + 1, below(key));
  }

  void set(Json& place, const std::string& walked) {
    Faults value_faults("command line");
    try {
      // Values of an override stand nowhere in the file: their positions are those of the command line.
      Document value;
      place = Reader(value, value_faults).read(YAML::Load(value_), "", 0);
    } catch (const YAML::Exception& error) {
      return fault(fmt::format("{}: {}", assignment_, yaml_fault(value_, {1, 1}, error.msg).second));
    }
    if (!value_faults.empty()) fault(assignment_ + ": " + value_faults.text());
    std::erase_if(document_.positions, [&](const auto& entry) {
      const std::string& known = entry.first;
      return known.starts_with(walked) &&
             (known.size() == walked.size() || known[walked.size()] == '.' || known[walked.size()] == '[');
    });
    document_.positions[walked] = Position{};
  }

  Document& document_;
  const std::string& assignment_;
  Faults& faults_;
  std::string path_;                ///< before the =
  std::vector<std::string> words_;  ///< of the path
  std::string value_;               ///< behind the =
};
}  // namespace

void apply_override(Document& document, const std::string& assignment, Faults& faults) {
  Override(document, assignment, faults).apply();
}

}  // namespace fortet::study
