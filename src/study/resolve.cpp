// Checks a document against the schemas: unknown and missing keys, types, ranges, choices, references; fills in
// defaults.
#include <set>

#include "fortet/study/deck.hpp"
#include "study_schema.hpp"
#include "value_types.hpp"

namespace fortet::study {

const std::vector<std::string>& object_sections() {
  static const std::vector<std::string> sections{"laws",    "processes", "models",    "grids",
                                                 "bridges", "densities", "ensembles", "measures"};
  return sections;
}

const Parameters* Deck::find(const std::string& section, const std::string& name) const {
  const auto found = sections.find(section);
  if (found == sections.end()) return nullptr;
  for (const Parameters& parameters : found->second) {
    if (parameters.name() == name) return &parameters;
  }
  return nullptr;
}

std::vector<std::string> Deck::targets_of(const std::string& path) const {
  std::vector<std::string> targets;
  for (const Reference& reference : references) {
    if (reference.path.starts_with(path) && reference.path.size() > path.size() &&
        (reference.path[path.size()] == '.' || reference.path[path.size()] == '[')) {
      targets.push_back(reference.target);
    }
  }
  return targets;
}

namespace {

std::string comma_separated(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, ", ")); }

std::vector<std::string> names_in(const Json& section) {
  std::vector<std::string> names;
  if (section.is_object()) {
    for (const auto& [name, value] : section.items()) names.push_back(name);
  }
  return names;
}

std::string suggestion(const std::string& word, const std::vector<std::string>& known) {
  const std::string nearest = nearest_name(word, known);
  if (!nearest.empty()) return fmt::format("; did you mean '{}'?", nearest);
  return known.empty() ? "" : fmt::format("; known: {}", comma_separated(known));
}

class Resolver {
 public:
  Resolver(const Document& document, Deck& deck, Faults& faults) : document_(document), deck_(deck), faults_(faults) {}

  void run() {
    const Json& root = document_.values;
    Json& resolved = deck_.resolved;
    resolved = Json::object();
    std::vector<std::string> known = object_sections();
    for (const Parameter& parameter : study_schema().parameters) known.push_back(parameter.name);
    known.insert(known.end(), {"checks", "sweep", "orders"});
    for (const auto& [key, value] : root.items()) {
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        fault(key, fmt::format("unknown section '{}'{}", key, suggestion(key, known)));
      }
    }
    Json top = Json::object();
    for (const Parameter& parameter : study_schema().parameters) {
      if (root.contains(parameter.name)) top[parameter.name] = root.at(parameter.name);
    }
    top = fields(study_schema().parameters, top, "", "the deck");
    for (const auto& [key, value] : top.items()) resolved[key] = value;
    for (const std::string& section : object_sections()) {
      if (root.contains(section)) resolved[section] = objects(section, root.at(section));
    }
    if (root.contains("checks")) resolved["checks"] = entries("checks", root.at("checks"), deck_.checks);
    if (root.contains("orders")) resolved["orders"] = entries("orders", root.at("orders"), deck_.orders);
    deck_.document = document_;
    const auto text = [&](const char* key) {  // what is of another type is a fault already
      return resolved.contains(key) && resolved[key].is_string() ? resolved[key].get<std::string>() : std::string();
    };
    deck_.title = text("study");
    deck_.output = text("output");
    if (deck_.output.find_first_not_of(" \t\n") == std::string::npos && resolved.contains("output") &&
        resolved["output"].is_string()) {
      fault("output", "output: expected the name of a folder, found an empty text");
    }
    deck_.seed =
        resolved.contains("seed") && resolved["seed"].is_number_integer() ? resolved["seed"].get<std::uint64_t>() : 0;
  }

 private:
  void fault(const std::string& path, const std::string& message) { faults_.add(document_.position(path), message); }

  Json objects(const std::string& section, const Json& values) {
    Json result = Json::object();
    if (values.is_null()) return result;
    if (!values.is_object()) {
      fault(section, fmt::format("{} must map names to objects", section));
      return result;
    }
    for (const auto& [name, value] : values.items()) {
      const std::string path = section + "." + name;
      if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") !=
          std::string::npos) {
        fault(path, fmt::format("'{}' is no name: use letters, digits and _", name));
      }
      const std::size_t before = faults_.size();
      result[name] = object(section, value, path);
      if (faults_.size() == before) {
        const std::string kind = result[name].is_object() ? result[name].value("kind", "") : "";
        deck_.sections[section].emplace_back(name, kind, result[name]);
      }
    }
    return result;
  }

  /// The list of a section whose objects have no names: checks, orders.
  Json entries(const std::string& section, const Json& values, std::vector<Parameters>& parameters) {
    Json result = Json::array();
    if (!values.is_array()) {
      fault(section, fmt::format("{} must be a list", section));
      return result;
    }
    const Schema* schema = SchemaCatalogue::instance().find(section, "");
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::string path = fmt::format("{}[{}]", section, i);
      if (!values[i].is_object()) {
        fault(path, fmt::format("{} must be a mapping", path));
        continue;
      }
      const std::size_t before = faults_.size();
      result.push_back(fields(schema->parameters, values[i], path, path));
      if (faults_.size() == before) parameters.emplace_back(path, "", result.back());
    }
    return result;
  }

  /// An object of a category: {kind: ..., parameters}, or a bare kind, or without kinds just {parameters}.
  Json object(const std::string& category, const Json& given, const std::string& path) {
    const std::vector<std::string> kinds = SchemaCatalogue::instance().kinds(category);
    const bool has_kinds = !(kinds.size() == 1 && kinds.front().empty());
    Json value = given;
    if (has_kinds && value.is_string()) value = Json{{"kind", value}};
    if (!value.is_object()) {
      fault(path, fmt::format("{} must be a mapping{}", path, has_kinds ? " {kind: ..., ...}" : ""));
      return value;
    }
    std::string kind;
    if (has_kinds) {
      if (!value.contains("kind") || !value["kind"].is_string()) {
        fault(path, fmt::format("{} needs a kind; known: {}", path, comma_separated(kinds)));
        return value;
      }
      kind = value["kind"].get<std::string>();
    }
    const Schema* schema = SchemaCatalogue::instance().find(category, kind);
    if (!schema) {
      fault(path + ".kind", fmt::format("unknown kind '{}' of {}{}", kind, category, suggestion(kind, kinds)));
      return value;
    }
    Json result = fields(schema->parameters, value, path, path, has_kinds);
    if (has_kinds) {
      Json with_kind = Json{{"kind", kind}};
      with_kind.update(result);
      return with_kind;
    }
    return result;
  }

  Json fields(const std::vector<Parameter>& parameters, const Json& values, const std::string& path,
              const std::string& what, bool has_kind = false) {
    Json result = Json::object();
    std::vector<std::string> known;
    for (const Parameter& parameter : parameters) known.push_back(parameter.name);
    const auto below = [&](const std::string& key) { return path.empty() ? key : path + "." + key; };
    for (const auto& [key, value] : values.items()) {
      if (has_kind && key == "kind") continue;
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        fault(below(key), fmt::format("unknown key '{}' in {}{}", key, what, suggestion(key, known)));
      }
    }
    for (const Parameter& parameter : parameters) {
      const std::string here = below(parameter.name);
      if (!values.contains(parameter.name) || values.at(parameter.name).is_null()) {
        if (parameter.is_required) {
          fault(path, fmt::format("{} needs '{}': {}", what, parameter.name, parameter.doc));
        } else if (!parameter.fallback.is_null()) {
          result[parameter.name] = checked(parameter, parameter.fallback, here);
        }
        continue;
      }
      result[parameter.name] = checked(parameter, values.at(parameter.name), here);
    }
    return result;
  }

  /// The value of one parameter, in the form of the first of its types that fits.
  Json checked(const Parameter& parameter, const Json& value, const std::string& path) {
    for (const Type type : parameter.types) {
      switch (type) {
        case Type::kind:
          if (value.is_object() || value.is_string()) return object(parameter.category, value, path);
          break;
        case Type::kinds: {
          if (value.is_object() || value.is_string()) return Json::array({object(parameter.category, value, path)});
          if (value.is_array() && !value.empty() && (value.front().is_object() || value.front().is_string())) {
            Json list = Json::array();
            for (std::size_t i = 0; i < value.size(); ++i) {
              list.push_back(object(parameter.category, value[i], fmt::format("{}[{}]", path, i)));
            }
            return list;
          }
          break;
        }
        case Type::record:
          if (value.is_object()) return fields(parameter.fields, value, path, path);
          break;
        case Type::records: {
          if (value.is_object()) return Json::array({fields(parameter.fields, value, path, path)});
          if (value.is_array() && !value.empty() && value.front().is_object()) {
            Json list = Json::array();
            for (std::size_t i = 0; i < value.size(); ++i) {
              const std::string here = fmt::format("{}[{}]", path, i);
              if (value[i].is_object()) {
                list.push_back(fields(parameter.fields, value[i], here, here));
              } else {
                fault(here, fmt::format("{} must be a mapping", here));
              }
            }
            return list;
          }
          break;
        }
        case Type::reference:
          if (value.is_string()) {
            refer(parameter, value.get<std::string>(), path);
            return value;
          }
          break;
        case Type::references: {
          if (value.is_string()) {
            refer(parameter, value.get<std::string>(), path);
            return Json::array({value});
          }
          if (is_list_of(value, [](const Json& v) { return v.is_string(); })) {
            for (std::size_t i = 0; i < value.size(); ++i) {
              refer(parameter, value[i].get<std::string>(), fmt::format("{}[{}]", path, i));
            }
            return value;
          }
          break;
        }
        default: {
          Json result = value;
          if (fits(type, parameter, result)) {
            const std::string complaint = out_of_range(type, parameter, result);
            if (!complaint.empty()) fault(path, fmt::format("{}: {}", path, complaint));
            return result;
          }
        }
      }
    }
    fault(path, fmt::format("{}: expected {}, found {}{}", path, expectation(parameter), shown(value),
                            value.is_string() && !parameter.choices.empty()
                                ? suggestion(value.get<std::string>(), parameter.choices)
                                : ""));
    return value;
  }

  void refer(const Parameter& parameter, const std::string& name, const std::string& path) {
    std::string section = parameter.category, object_name = name;
    if (section.empty()) {
      const std::size_t dot = name.find('.');
      if (dot == std::string::npos) {
        fault(path, fmt::format("{}: '{}' must be section.name, for example densities.noising", path, name));
        return;
      }
      section = name.substr(0, dot);
      object_name = name.substr(dot + 1);
      if (std::find(object_sections().begin(), object_sections().end(), section) == object_sections().end()) {
        fault(path, fmt::format("{}: unknown section '{}'{}", path, section, suggestion(section, object_sections())));
        return;
      }
    }
    const Json& root = document_.values;
    const std::vector<std::string> names =
        root.contains(section) ? names_in(root.at(section)) : std::vector<std::string>{};
    if (std::find(names.begin(), names.end(), object_name) == names.end()) {
      fault(path,
            fmt::format("{}: there is no '{}' in {}{}", path, object_name, section, suggestion(object_name, names)));
      return;
    }
    deck_.references.push_back({path, section + "." + object_name});
  }

  const Document& document_;
  Deck& deck_;
  Faults& faults_;
};

}  // namespace

Deck resolve(const Document& document, Faults& faults) {
  Deck deck;
  Resolver(document, deck, faults).run();
  return deck;
}

std::vector<std::string> build_order(const Deck& deck, Faults& faults) {
  std::vector<std::string> order;
  std::map<std::string, int> state;  // 1: being visited, 2: done
  const std::function<void(const std::string&, std::vector<std::string>)> visit = [&](const std::string& object,
                                                                                      std::vector<std::string> way) {
    if (state[object] == 2) return;
    way.push_back(object);
    if (state[object] == 1) {
      faults.add(deck.document.position(object), fmt::format("circular reference: {}", fmt::join(way, " -> ")));
      return;
    }
    state[object] = 1;
    for (const std::string& target : deck.targets_of(object)) visit(target, way);
    state[object] = 2;
    order.push_back(object);
  };
  for (const std::string& section : object_sections()) {
    const auto found = deck.sections.find(section);
    if (found == deck.sections.end()) continue;
    for (const Parameters& parameters : found->second) visit(section + "." + parameters.name(), {});
  }
  return order;
}

}  // namespace fortet::study
