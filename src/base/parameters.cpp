#include "fortet/base/parameters.hpp"

#include "fortet/base/error.hpp"

namespace fortet {

namespace {
template <class T>
std::vector<T> list_of(const Json& value) {
  if (value.is_array()) return value.get<std::vector<T>>();
  return {value.get<T>()};
}

std::string formula(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

std::string kind_of(const Json& value) {
  return value.is_object() && value.contains("kind") ? value.at("kind").get<std::string>() : "";
}

Parameters nested(const std::string& name, const Json& value) {
  if (value.is_string()) return {name, value.get<std::string>(), Json::object()};
  return {name, kind_of(value), value};
}
}  // namespace

std::string Parameters::text(const std::string& key) const { return formula(values_.at(key)); }
std::vector<double> Parameters::reals(const std::string& key) const { return list_of<double>(values_.at(key)); }
std::vector<long> Parameters::integers(const std::string& key) const { return list_of<long>(values_.at(key)); }

std::vector<std::string> Parameters::texts(const std::string& key) const {
  const Json& value = values_.at(key);
  if (!value.is_array()) return {formula(value)};
  std::vector<std::string> result;
  for (const Json& entry : value) result.push_back(formula(entry));
  return result;
}

bool Parameters::is_list_of_lists(const std::string& key) const {
  const Json& value = values_.at(key);
  return value.is_array() && !value.empty() && value.front().is_array();
}

std::vector<std::vector<double>> Parameters::matrix(const std::string& key) const {
  return values_.at(key).get<std::vector<std::vector<double>>>();
}

std::vector<std::vector<std::string>> Parameters::text_matrix(const std::string& key) const {
  std::vector<std::vector<std::string>> rows;
  for (const Json& row : values_.at(key)) {
    rows.emplace_back();
    for (const Json& entry : row) rows.back().push_back(formula(entry));
  }
  return rows;
}

std::map<std::string, double> Parameters::numbers_by_name(const std::string& key) const {
  std::map<std::string, double> result;
  if (has(key)) {
    for (const auto& [name, value] : values_.at(key).items()) result[name] = value.get<double>();
  }
  return result;
}

Parameters Parameters::child(const std::string& key) const { return nested(name_ + "." + key, values_.at(key)); }

std::vector<Parameters> Parameters::children(const std::string& key) const {
  std::vector<Parameters> result;
  const Json& value = values_.at(key);
  if (!value.is_array()) return {nested(name_ + "." + key, value)};
  for (std::size_t i = 0; i < value.size(); ++i) {
    result.push_back(nested(name_ + "." + key + "[" + std::to_string(i) + "]", value[i]));
  }
  return result;
}

namespace {
void fill_defaults(const std::vector<Parameter>& parameters, Json& values) {
  for (const auto& [key, value] : values.items()) {
    if (key == "kind") continue;
    std::vector<std::string> names;
    for (const Parameter& parameter : parameters) names.push_back(parameter.name);
    if (std::find(names.begin(), names.end(), key) == names.end()) {
      throw ParameterError(key, "unknown parameter '" + key + "'");
    }
  }
  for (const Parameter& parameter : parameters) {
    if (!values.contains(parameter.name)) {
      if (parameter.is_required) throw ParameterError(parameter.name, "missing parameter '" + parameter.name + "'");
      if (!parameter.fallback.is_null()) values[parameter.name] = parameter.fallback;
    }
    if (!values.contains(parameter.name)) continue;
    Json& value = values[parameter.name];
    const auto fill_nested = [&](Json& nested_value) {
      if (nested_value.is_string() && !parameter.category.empty()) nested_value = Json{{"kind", nested_value}};
      if (!nested_value.is_object()) return;
      if (!parameter.fields.empty()) {
        fill_defaults(parameter.fields, nested_value);
      } else if (const Schema* schema = SchemaCatalogue::instance().find(parameter.category, kind_of(nested_value))) {
        fill_defaults(schema->parameters, nested_value);
      }
    };
    for (Type type : parameter.types) {
      // The first type that fits is taken: a string is a name where names are expected, not a kind without parameters.
      if (type == Type::reference && value.is_string()) break;
      if (type == Type::references &&
          (value.is_string() ||
           (value.is_array() && std::all_of(value.begin(), value.end(), [](const Json& v) { return v.is_string(); }))))
        break;
      if (type == Type::kind || type == Type::record) {
        fill_nested(value);
      } else if ((type == Type::kinds || type == Type::records) && value.is_array()) {
        for (Json& entry : value) fill_nested(entry);
      } else if (type == Type::kinds || type == Type::records) {
        fill_nested(value);
      }
    }
  }
}
}  // namespace

Parameters Parameters::make(const std::string& category, const std::string& kind, Json values, std::string name) {
  const Schema* schema = SchemaCatalogue::instance().find(category, kind);
  if (!schema) throw UsageError("unknown kind '" + kind + "' of " + category);
  fill_defaults(schema->parameters, values);
  return {std::move(name), kind, std::move(values)};
}

}  // namespace fortet
