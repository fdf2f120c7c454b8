#pragma once
/// Schema of a kind: its parameters declared once, as plain data. Parsing, validation, `describe`, the reference pages
/// and the JSON Schema for editors all come from here (see docs/extending.md).
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace fortet {

using Json = nlohmann::ordered_json;

enum class Type {
  boolean,
  integer,
  real,
  text,
  choice,             ///< one of `choices`
  reals,              ///< list of numbers (a single number is a list of one)
  integers,           ///< list of integers (a single integer is a list of one)
  texts,              ///< list of strings (a single string is a list of one)
  matrix,             ///< list of rows of numbers, all of one length
  expression,         ///< formula in the coordinates and t, or a number
  expressions,        ///< list of formulas
  expression_matrix,  ///< list of rows of formulas
  reference,          ///< name of an object; `category` says of which section ("laws"), empty: "section.name" of any
  references,         ///< list of references
  kind,               ///< nested object {kind: ..., ...} of `category`; a bare string is a kind without parameters
  kinds,              ///< list of nested objects (a single one is a list of one)
  record,             ///< nested object with `fields`
  records,            ///< list of nested objects with `fields`
  sides,  ///< boundary conditions: one of `choices`, or a list per axis of one of them or of a pair [lower, upper]
  numbers_by_name,  ///< mapping from names to numbers
};

/// One parameter. Built by `required`, `optional`, `defaulted` and the chained setters.
struct Parameter {
  std::string name;
  std::vector<Type> types;  ///< the first that fits is taken
  std::string doc;          ///< one line
  bool is_required = false;
  Json fallback;  ///< default; null: absent
  std::string unit_text;
  double lowest = -1e308, highest = 1e308;
  bool lowest_excluded = false, highest_excluded = false;
  bool may_be_empty = false;  ///< a list without entries is a value
  std::vector<std::string> choices;
  std::string category;           ///< of references and nested kinds
  std::vector<Parameter> fields;  ///< of records

  // In one compiled place: every kind's file copies and destroys them.
  Parameter();
  Parameter(const Parameter&);
  Parameter(Parameter&&) noexcept;
  Parameter& operator=(const Parameter&);
  Parameter& operator=(Parameter&&) noexcept;
  ~Parameter();

  Parameter& unit(std::string text) {
    unit_text = std::move(text);
    return *this;
  }
  Parameter& positive() {
    lowest = 0;
    lowest_excluded = true;
    return *this;
  }
  Parameter& nonnegative() {
    lowest = 0;
    return *this;
  }
  Parameter& between(double low, double high) {
    lowest = low;
    highest = high;
    return *this;
  }
  Parameter& at_least(double low) {
    lowest = low;
    return *this;
  }
  Parameter& one_of(std::vector<std::string> values) {
    choices = std::move(values);
    return *this;
  }
  /// Integers are at most 2^31 - 1 unless this or between() says otherwise.
  Parameter& at_most(double high) {
    highest = high;
    return *this;
  }
  Parameter& of(std::string category_name) {
    category = std::move(category_name);
    return *this;
  }
  Parameter& or_empty() {
    may_be_empty = true;
    return *this;
  }
  Parameter& with(std::vector<Parameter> record_fields) {
    fields = std::move(record_fields);
    return *this;
  }
};

Parameter required(std::string name, std::vector<Type> types, std::string doc);
Parameter optional(std::string name, std::vector<Type> types, std::string doc);
Parameter defaulted(std::string name, std::vector<Type> types, Json fallback, std::string doc);

/// All that a deck may say about one kind of one category.
struct Schema {
  std::string category;   ///< "laws", "processes", "schedules", "steppers", "statistics", ...
  std::string kind;       ///< empty for sections whose objects have no kind (grids, densities, ensembles)
  std::string doc;        ///< what it is, with its equation
  std::string reference;  ///< author, year
  std::vector<Parameter> parameters;

  const Parameter* find(const std::string& name) const;
};

/// All schemas registered by the kinds, by category and kind; the list that `describe` prints.
class SchemaCatalogue {
 public:
  static SchemaCatalogue& instance();
  void add(Schema schema);
  const Schema* find(const std::string& category, const std::string& kind) const;
  std::vector<std::string> kinds(const std::string& category) const;  ///< sorted
  std::vector<std::string> categories() const;                        ///< sorted
  const std::vector<Schema>& all() const { return schemas_; }

 private:
  std::vector<Schema> schemas_;
};

/// The name among `candidates` nearest to `word` in edit distance, or "" when none is near enough to be meant.
std::string nearest_name(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace fortet
