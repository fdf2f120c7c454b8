#pragma once
/// Decks: YAML read against the schemas of the kinds. Nothing is computed here; every fault is found in one pass.
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fortet/base/error.hpp"
#include "fortet/base/parameters.hpp"

namespace fortet::study {

/// Where a value stands: line and column count from 1; line 0 means the command line.
struct Position {
  int line = 0, column = 0;
};

/// Faults of one deck, collected over the whole pass.
class Faults {
 public:
  explicit Faults(std::string file) : file_(std::move(file)) {}
  void add(Position position, std::string message);
  bool empty() const { return faults_.empty(); }
  std::size_t size() const { return faults_.size(); }
  /// One line each, in the order of the file: "file:line:column: message".
  std::string text() const;

 private:
  struct Fault {
    Position position;
    std::string message;
  };
  std::string file_;
  std::vector<Fault> faults_;
};

/// A YAML document as plain data, with the place of every value. Paths read "laws.data.means[1][0]".
struct Document {
  std::string file;
  std::string text;
  Json values = Json::object();
  std::map<std::string, Position> positions;

  /// The place of the value at `path`, or of the nearest enclosing one.
  Position position(std::string path) const;
};

/// Reads YAML 1.2 text (core schema: null, booleans, numbers, strings). Syntax faults and duplicate keys go to
/// `faults`.
Document read_yaml(const std::string& file, const std::string& text, Faults& faults);

/// Sets one value from "key.path=value" of the command line; the value is YAML. A * in the path stands for every key at
/// its place. A path to an unknown object is a fault.
void apply_override(Document& document, const std::string& assignment, Faults& faults);

/// One object named by another: the path of the value that names it, and its target "section.name".
struct Reference {
  std::string path, target;
};

/// A deck after validation against the schemas: defaults filled in, types and ranges checked, references known to
/// exist.
struct Deck {
  Document document;
  std::string title, output;
  std::uint64_t seed = 0;
  /// section -> name -> parameters, in the order of the file
  std::map<std::string, std::vector<Parameters>> sections;
  std::vector<Parameters> checks, orders;
  std::vector<Reference> references;  ///< all, of all objects and checks
  Json resolved;                      ///< the whole deck with defaults

  const Parameters* find(const std::string& section, const std::string& name) const;
  /// Targets that the object at `path` ("laws.data", "checks[0]") names directly.
  std::vector<std::string> targets_of(const std::string& path) const;
};

/// Objects in an order in which each comes after all that it names; a circle is a fault.
std::vector<std::string> build_order(const Deck& deck, Faults& faults);

/// "section.name" taken apart.
struct Target {
  explicit Target(const std::string& text)
      : section(text.substr(0, text.find('.'))), name(text.substr(text.find('.') + 1)) {}
  std::string section, name;
};

/// Names of the sections that hold named objects, in the order in which they may be built.
const std::vector<std::string>& object_sections();

/// Checks a document against the schemas and resolves it.
Deck resolve(const Document& document, Faults& faults);

/// One case of a sweep: the assignments that make it, and a folder name.
struct Case {
  std::string name;
  std::vector<std::string> assignments;
};
/// Cartesian product of the sweep's lists; one unnamed case without a sweep.
std::vector<Case> cases_of(const Document& document, Faults& faults);

/// JSON Schema (draft 7) of a whole deck, for editors.
Json json_schema();
/// Description of everything ("", all categories), of a category or of "category.kind", for people.
std::string describe(const std::string& what, bool markdown);

}  // namespace fortet::study
