// `fortet describe`: the schemas for people, as plain text or as the pages of docs/reference.md.
#include "fortet/study/deck.hpp"
#include "value_types.hpp"

namespace fortet::study {

namespace {

std::string types_text(const Parameter& parameter) {
  std::vector<std::string> names;
  for (const Type type : parameter.types) names.push_back(type_name(type, parameter));
  return fmt::format("{}", fmt::join(names, " or "));
}

std::string default_text(const Parameter& parameter) {
  if (parameter.is_required) return "required";
  if (parameter.fallback.is_null()) return "optional";
  return "default " + shown(parameter.fallback);
}

std::string details(const Parameter& parameter) {
  std::string text = types_text(parameter) + "; " + default_text(parameter);
  if (const std::string range = range_text(parameter); !range.empty()) text += "; " + range;
  if (!parameter.unit_text.empty()) text += "; unit: " + parameter.unit_text;
  return text;
}

void plain_parameters(const std::vector<Parameter>& parameters, const std::string& indent, std::string& out) {
  for (const Parameter& parameter : parameters) {
    out += fmt::format("{}{:<20} {}\n{}{:<20}   ({})\n", indent, parameter.name, parameter.doc, indent, "",
                       details(parameter));
    plain_parameters(parameter.fields, indent + "  ", out);
  }
}

void markdown_parameters(const std::vector<Parameter>& parameters, const std::string& prefix, std::string& out) {
  const auto cell = [](std::string text) {
    for (std::size_t i = 0; (i = text.find('|', i)) != std::string::npos; i += 2) text.replace(i, 1, "\\|");
    return text;
  };
  for (const Parameter& parameter : parameters) {
    out += fmt::format("| `{}{}` | {} | {} |\n", prefix, parameter.name, cell(details(parameter)), cell(parameter.doc));
    markdown_parameters(parameter.fields, prefix + parameter.name + ".", out);
  }
}

std::string title_of(const Schema& schema) { return schema.kind.empty() ? schema.category : schema.kind; }

std::string plain(const Schema& schema) {
  std::string out =
      fmt::format("{}{}{}\n  {}\n", schema.category, schema.kind.empty() ? "" : ".", schema.kind, schema.doc);
  if (!schema.reference.empty()) out += "  " + schema.reference + "\n";
  plain_parameters(schema.parameters, "    ", out);
  return out;
}

std::string markdown(const Schema& schema) {
  std::string out = fmt::format("### {}\n\n{}\n\n", title_of(schema), schema.doc);
  if (!schema.reference.empty()) out += fmt::format("Reference: {}\n\n", schema.reference);
  if (!schema.parameters.empty()) {
    out += "| key | value | meaning |\n|---|---|---|\n";
    markdown_parameters(schema.parameters, "", out);
    out += "\n";
  }
  return out;
}

}  // namespace

std::string describe(const std::string& what, bool as_markdown) {
  const SchemaCatalogue& catalogue = SchemaCatalogue::instance();
  const std::size_t dot = what.find('.');
  const std::string category = what.substr(0, dot);
  const std::vector<std::string> categories = catalogue.categories();
  if (!what.empty() && std::find(categories.begin(), categories.end(), category) == categories.end()) {
    const std::string nearest = nearest_name(category, categories);
    throw UsageError(fmt::format("unknown category '{}'{}; known: {}", category,
                                 nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest),
                                 fmt::join(categories, ", ")));
  }
  if (dot != std::string::npos) {
    const std::string kind = what.substr(dot + 1);
    const Schema* schema = catalogue.find(category, kind);
    if (!schema) {
      throw UsageError(fmt::format("unknown kind '{}' of {}; known: {}", kind, category,
                                   fmt::join(catalogue.kinds(category), ", ")));
    }
    return as_markdown ? markdown(*schema) : plain(*schema);
  }
  std::string out;
  for (const std::string& name : categories) {
    if (!what.empty() && name != category) continue;
    out += as_markdown ? fmt::format("## {}\n\n", name) : "";
    for (const std::string& kind : catalogue.kinds(name)) {
      const Schema& schema = *catalogue.find(name, kind);
      if (as_markdown) {
        out += markdown(schema);
      } else if (what.empty()) {
        out += fmt::format("{:<34} {}\n", name + (kind.empty() ? "" : "." + kind), schema.doc);
      } else {
        out += plain(schema) + "\n";
      }
    }
  }
  return out;
}

}  // namespace fortet::study
