#include "value_types.hpp"

#include <cmath>

namespace fortet::study {

bool is_list_of(const Json& value, const std::function<bool(const Json&)>& entry_fits) {
  return value.is_array() && std::all_of(value.begin(), value.end(), entry_fits);
}

namespace {

bool is_formula(const Json& value) { return value.is_string() || value.is_number(); }
bool is_integral(const Json& value) {
  if (value.is_number_integer()) return true;
  return value.is_number_float() && std::floor(value.get<double>()) == value.get<double>() &&
         std::abs(value.get<double>()) < 9e15;
}
void to_integer(Json& value) {
  if (value.is_number_float()) value = static_cast<long>(value.get<double>());
}
bool is_number(const Json& value) { return value.is_number(); }
bool is_rectangular(const Json& value, const std::function<bool(const Json&)>& entry_fits) {
  return is_list_of(value, [&](const Json& row) { return is_list_of(row, entry_fits) && !row.empty(); }) &&
         !value.empty() &&
         std::all_of(value.begin(), value.end(), [&](const Json& row) { return row.size() == value.front().size(); });
}
bool is_choice(const Parameter& parameter, const Json& value) {
  return value.is_string() && std::find(parameter.choices.begin(), parameter.choices.end(), value.get<std::string>()) !=
                                  parameter.choices.end();
}

}  // namespace

bool fits(Type type, const Parameter& parameter, Json& value) {
  switch (type) {
    case Type::boolean:
      return value.is_boolean();
    case Type::integer:
      if (!is_integral(value)) return false;
      to_integer(value);
      return true;
    case Type::real:
      return value.is_number();
    case Type::text:
      return value.is_string();
    case Type::choice:
      return is_choice(parameter, value);
    case Type::reals:
      if (value.is_number()) value = Json::array({value});
      return is_list_of(value, is_number);
    case Type::integers:
      if (value.is_number()) value = Json::array({value});
      if (!is_list_of(value, is_integral)) return false;
      for (Json& entry : value) to_integer(entry);
      return true;
    case Type::texts:
      if (value.is_string()) value = Json::array({value});
      return is_list_of(value, [](const Json& v) { return v.is_string(); });
    case Type::matrix:
      return is_rectangular(value, is_number);
    case Type::expression:
      return is_formula(value);
    case Type::expressions:
      if (is_formula(value)) value = Json::array({value});
      return is_list_of(value, is_formula);
    case Type::expression_matrix:
      return is_rectangular(value, is_formula);
    case Type::sides:
      return is_choice(parameter, value) || is_list_of(value, [&](const Json& axis) {
               return is_choice(parameter, axis) || (axis.size() == 2 && is_list_of(axis, [&](const Json& side) {
                                                       return is_choice(parameter, side);
                                                     }));
             });
    case Type::numbers_by_name:
      return value.is_object() && std::all_of(value.begin(), value.end(), is_number);
    default:
      return false;
  }
}

namespace {
/// Counts are 32-bit integers unless their schema says otherwise; the numbers of kinds of a grid fit them.
constexpr double largest_integer = 2147483647;

/// The parameter with the range that its type has by itself.
Parameter with_limits(const Parameter& parameter, Type type) {
  Parameter limited = parameter;
  if (type != Type::integer && type != Type::integers) return limited;
  if (limited.highest >= 1e308) limited.highest = largest_integer;
  if (limited.lowest <= -1e308) limited.lowest = -largest_integer;
  return limited;
}

bool inside(const Parameter& parameter, double value) {
  if (!std::isfinite(value)) return false;
  return (parameter.lowest_excluded ? value > parameter.lowest : value >= parameter.lowest) &&
         (parameter.highest_excluded ? value < parameter.highest : value <= parameter.highest);
}

std::string first_outside(const Parameter& parameter, const Json& value) {
  if (value.is_number() && !inside(parameter, value.get<double>())) {
    const std::string range = range_text(parameter);
    return fmt::format("{} is not {}", shown(value),
                       !std::isfinite(value.get<double>()) || range.empty() ? "finite" : "in the range " + range);
  }
  if (value.is_array()) {
    for (const Json& entry : value) {
      const std::string complaint = first_outside(parameter, entry);
      if (!complaint.empty()) return complaint;
    }
  }
  return "";
}
}  // namespace

std::string out_of_range(Type type, const Parameter& parameter, const Json& value) {
  switch (type) {
    case Type::integer:
    case Type::real:
    case Type::reals:
    case Type::integers:
    case Type::matrix:
      if (value.is_array() && value.empty() && !parameter.may_be_empty) return "the list is empty";
      return first_outside(with_limits(parameter, type), value);
    case Type::texts:
    case Type::expressions:
      return value.is_array() && value.empty() ? "the list is empty" : "";
    default:
      return "";
  }
}

std::string range_text(const Parameter& parameter) {
  const bool low = parameter.lowest > -1e308, high = parameter.highest < 1e308;
  if (low && high) {
    return fmt::format("{}{:g}, {:g}{}", parameter.lowest_excluded ? '(' : '[', parameter.lowest, parameter.highest,
                       parameter.highest_excluded ? ')' : ']');
  }
  if (low) return fmt::format("{} {:g}", parameter.lowest_excluded ? ">" : ">=", parameter.lowest);
  if (high) return fmt::format("{} {:g}", parameter.highest_excluded ? "<" : "<=", parameter.highest);
  return "";
}

std::string type_name(Type type, const Parameter& parameter) {
  const auto choices = [&] { return fmt::format("{}", fmt::join(parameter.choices, " | ")); };
  switch (type) {
    case Type::boolean:
      return "boolean";
    case Type::integer:
      return "integer";
    case Type::real:
      return "number";
    case Type::text:
      return "text";
    case Type::choice:
      return choices();
    case Type::reals:
      return "list of numbers";
    case Type::integers:
      return "list of integers";
    case Type::texts:
      return "list of texts";
    case Type::matrix:
      return "matrix";
    case Type::expression:
      return "expression";
    case Type::expressions:
      return "list of expressions";
    case Type::expression_matrix:
      return "matrix of expressions";
    case Type::reference:
      return parameter.category.empty() ? "section.name" : "name in " + parameter.category;
    case Type::references:
      return parameter.category.empty() ? "list of section.name" : "list of names in " + parameter.category;
    case Type::kind:
      return "kind of " + parameter.category;
    case Type::kinds:
      return "list of kinds of " + parameter.category;
    case Type::record:
      return "mapping";
    case Type::records:
      return "list of mappings";
    case Type::sides:
      return choices() + ", or a list per axis of these or of pairs [lower, upper]";
    case Type::numbers_by_name:
      return "mapping of names to numbers";
  }
  return "";
}

std::string expectation(const Parameter& parameter) {
  std::vector<std::string> parts;
  for (const Type type : parameter.types) {
    const std::string name = type_name(type, parameter);
    const bool vowel = name.find_first_of("aeio") == 0;
    parts.push_back(type == Type::choice  ? fmt::format("one of {}", name)
                    : type == Type::sides ? name
                                          : fmt::format("{} {}", vowel ? "an" : "a", name));
  }
  return fmt::format("{}", fmt::join(parts, " or "));
}

std::string shown(const Json& value) {
  std::string text = value.is_string() ? fmt::format("'{}'", value.get<std::string>()) : value.dump();
  if (value.is_number_float() && !std::isfinite(value.get<double>())) text = fmt::format("{}", value.get<double>());
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

}  // namespace fortet::study
