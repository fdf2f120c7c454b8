#pragma once
/// The parameters of one object after validation against its Schema: every default is filled in, every type is right,
/// lists of one stand for scalars where the schema says so. Kinds read them with the typed getters.
#include <map>

#include "fortet/base/error.hpp"
#include "fortet/base/schema.hpp"

namespace fortet {

class Parameters {
 public:
  Parameters() : values_(Json::object()) {}
  /// `values` as the deck gives them, `name` of the object in the deck (for messages and random streams).
  Parameters(std::string name, std::string kind, Json values)
      : name_(std::move(name)), kind_(std::move(kind)), values_(std::move(values)) {}

  const std::string& name() const { return name_; }
  const std::string& kind() const { return kind_; }
  bool has(const std::string& key) const { return values_.contains(key) && !values_.at(key).is_null(); }

  bool boolean(const std::string& key) const { return values_.at(key).get<bool>(); }
  long integer(const std::string& key) const { return values_.at(key).get<long>(); }
  double real(const std::string& key) const { return values_.at(key).get<double>(); }
  std::string text(const std::string& key) const;  ///< also choice and reference; a number as an expression too
  std::vector<double> reals(const std::string& key) const;
  std::vector<long> integers(const std::string& key) const;
  std::vector<std::string> texts(const std::string& key) const;  ///< also expressions and references
  std::vector<std::vector<double>> matrix(const std::string& key) const;
  std::vector<std::vector<std::string>> text_matrix(const std::string& key) const;
  std::map<std::string, double> numbers_by_name(const std::string& key) const;
  /// Nested kind or record. Its name() is "<name>.<key>".
  Parameters child(const std::string& key) const;
  std::vector<Parameters> children(const std::string& key) const;
  bool is_number(const std::string& key) const { return values_.at(key).is_number(); }
  bool is_list(const std::string& key) const { return values_.at(key).is_array(); }
  bool is_list_of_lists(const std::string& key) const;
  bool is_text(const std::string& key) const { return values_.at(key).is_string(); }
  bool is_object(const std::string& key) const { return values_.at(key).is_object(); }
  const Json& json() const { return values_; }

  /// Parameters of a kind made in code (tests, library users): defaults of the registered schema are filled in, and a
  /// missing required or unknown key throws ParameterError. The deck reader does more (all faults, with positions).
  static Parameters make(const std::string& category, const std::string& kind, Json values, std::string name = "");

 private:
  std::string name_, kind_;
  Json values_;
};

/// Collects the faults of several values, so that a user sees all of them at once.
class ParameterFaults {
 public:
  /// Runs `body` and keeps the ParameterError that it throws.
  template <class Body>
  void attempt(Body body) {
    try {
      body();
    } catch (const ParameterErrors& errors) {
      found_.insert(found_.end(), errors.all.begin(), errors.all.end());
    } catch (const ParameterError& error) {
      found_.push_back(error);
    }
  }
  /// Throws what was kept, if anything was.
  void raise() const {
    if (found_.size() == 1) throw found_.front();
    if (!found_.empty()) throw ParameterErrors(found_);
  }

 private:
  std::vector<ParameterError> found_;
};

}  // namespace fortet
