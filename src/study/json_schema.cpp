// JSON Schema (draft 7) of a deck, from the same schemas that validate it.
#include "fortet/study/deck.hpp"
#include "study_schema.hpp"

namespace fortet::study {

namespace {

Json list_of(Json entry) { return {{"type", "array"}, {"items", std::move(entry)}}; }
Json either(std::vector<Json> options) {
  if (options.size() == 1) return options.front();
  return {{"anyOf", options}};
}
Json definition(const std::string& category) { return {{"$ref", "#/definitions/" + category}}; }

Json number(const Parameter& parameter, const char* type) {
  Json result{{"type", type}};
  if (parameter.lowest > -1e308) result[parameter.lowest_excluded ? "exclusiveMinimum" : "minimum"] = parameter.lowest;
  if (parameter.highest < 1e308)
    result[parameter.highest_excluded ? "exclusiveMaximum" : "maximum"] = parameter.highest;
  return result;
}

Json record(const std::vector<Parameter>& parameters);

Json of_type(Type type, const Parameter& parameter) {
  const Json text{{"type", "string"}}, formula{{"type", {"string", "number"}}}, any_number{{"type", "number"}};
  const Json choice{{"enum", parameter.choices}};
  switch (type) {
    case Type::boolean:
      return {{"type", "boolean"}};
    case Type::integer:
      return number(parameter, "number");
    case Type::real:
      return number(parameter, "number");
    case Type::text:
    case Type::reference:
      return text;
    case Type::choice:
      return choice;
    case Type::reals:
    case Type::integers:
      return either({number(parameter, "number"), list_of(number(parameter, "number"))});
    case Type::texts:
    case Type::references:
      return either({text, list_of(text)});
    case Type::matrix:
      return list_of(list_of(any_number));
    case Type::expression:
      return formula;
    case Type::expressions:
      return either({formula, list_of(formula)});
    case Type::expression_matrix:
      return list_of(list_of(formula));
    case Type::kind:
      return definition(parameter.category);
    case Type::kinds:
      return either({definition(parameter.category), list_of(definition(parameter.category))});
    case Type::record:
      return record(parameter.fields);
    case Type::records:
      return either({record(parameter.fields), list_of(record(parameter.fields))});
    case Type::sides:
      return either({choice, list_of(either({choice, list_of(choice)}))});
    case Type::numbers_by_name:
      return {{"type", "object"}, {"additionalProperties", any_number}};
  }
  return Json::object();
}

Json property(const Parameter& parameter) {
  std::vector<Json> options;
  for (const Type type : parameter.types) options.push_back(of_type(type, parameter));
  Json result = either(std::move(options));
  // Draft 7 ignores the neighbours of a $ref, so the description goes around it.
  if (result.contains("$ref")) result = Json{{"allOf", Json::array({result})}};
  result["description"] = parameter.doc;
  if (!parameter.fallback.is_null()) result["default"] = parameter.fallback;
  return result;
}

Json record(const std::vector<Parameter>& parameters) {
  Json properties = Json::object(), needed = Json::array();
  for (const Parameter& parameter : parameters) {
    properties[parameter.name] = property(parameter);
    if (parameter.is_required) needed.push_back(parameter.name);
  }
  Json result{{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  if (!needed.empty()) result["required"] = needed;
  return result;
}

Json kinds_of(const std::string& category) {
  std::vector<Json> options;
  Json bare = Json::array();
  for (const std::string& kind : SchemaCatalogue::instance().kinds(category)) {
    const Schema& schema = *SchemaCatalogue::instance().find(category, kind);
    Json option = record(schema.parameters);
    option["description"] = schema.doc;
    if (!kind.empty()) {
      Json properties{{"kind", Json{{"const", kind}, {"description", schema.doc}}}};
      properties.update(option["properties"]);
      option["properties"] = properties;
      Json needed = option.value("required", Json::array());
      needed.insert(needed.begin(), "kind");
      option["required"] = needed;
      bare.push_back(kind);
    }
    options.push_back(std::move(option));
  }
  if (!bare.empty()) options.push_back(Json{{"enum", bare}});
  return either(std::move(options));
}

}  // namespace

Json json_schema() {
  Json definitions = Json::object();
  for (const std::string& category : SchemaCatalogue::instance().categories())
    definitions[category] = kinds_of(category);
  Json schema = record(study_schema().parameters);
  for (const std::string& section : object_sections()) {
    schema["properties"][section] = Json{{"type", {"object", "null"}}, {"additionalProperties", definition(section)}};
  }
  for (const char* section : {"checks", "orders"}) schema["properties"][section] = list_of(definition(section));
  schema["properties"]["sweep"] = Json{{"type", "object"},
                                       {"additionalProperties", Json{{"type", "array"}}},
                                       {"description", "key path -> list of values; seeds: list of seeds"}};
  Json result{{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", "fortet deck"}};
  result.update(schema);
  result["definitions"] = definitions;
  return result;
}

}  // namespace fortet::study
