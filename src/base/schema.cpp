#include "fortet/base/schema.hpp"

#include <algorithm>
#include <numeric>
#include <set>

namespace fortet {

Parameter::Parameter() = default;
Parameter::Parameter(const Parameter&) = default;
Parameter::Parameter(Parameter&&) noexcept = default;
Parameter& Parameter::operator=(const Parameter&) = default;
Parameter& Parameter::operator=(Parameter&&) noexcept = default;
Parameter::~Parameter() = default;

namespace {
Parameter make(std::string name, std::vector<Type> types, std::string doc) {
  Parameter parameter;
  parameter.name = std::move(name);
  parameter.types = std::move(types);
  parameter.doc = std::move(doc);
  return parameter;
}
}  // namespace

Parameter required(std::string name, std::vector<Type> types, std::string doc) {
  Parameter parameter = make(std::move(name), std::move(types), std::move(doc));
  parameter.is_required = true;
  return parameter;
}

Parameter optional(std::string name, std::vector<Type> types, std::string doc) {
  return make(std::move(name), std::move(types), std::move(doc));
}

Parameter defaulted(std::string name, std::vector<Type> types, Json fallback, std::string doc) {
  Parameter parameter = make(std::move(name), std::move(types), std::move(doc));
  parameter.fallback = std::move(fallback);
  return parameter;
}

const Parameter* Schema::find(const std::string& name) const {
  const auto found =
      std::find_if(parameters.begin(), parameters.end(), [&](const Parameter& p) { return p.name == name; });
  return found == parameters.end() ? nullptr : &*found;
}

SchemaCatalogue& SchemaCatalogue::instance() {
  static SchemaCatalogue catalogue;
  return catalogue;
}

void SchemaCatalogue::add(Schema schema) { schemas_.push_back(std::move(schema)); }

const Schema* SchemaCatalogue::find(const std::string& category, const std::string& kind) const {
  const auto found = std::find_if(schemas_.begin(), schemas_.end(),
                                  [&](const Schema& s) { return s.category == category && s.kind == kind; });
  return found == schemas_.end() ? nullptr : &*found;
}

std::vector<std::string> SchemaCatalogue::kinds(const std::string& category) const {
  std::set<std::string> names;
  for (const Schema& schema : schemas_) {
    if (schema.category == category) names.insert(schema.kind);
  }
  return {names.begin(), names.end()};
}

std::vector<std::string> SchemaCatalogue::categories() const {
  std::set<std::string> names;
  for (const Schema& schema : schemas_) names.insert(schema.category);
  return {names.begin(), names.end()};
}

namespace {
/// Edit distance with insertions, deletions, substitutions and swaps of neighbours (Damerau 1964, optimal string
/// alignment).
std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> distance(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) distance[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) distance[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      distance[i][j] = std::min(
          {distance[i - 1][j] + 1, distance[i][j - 1] + 1, distance[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        distance[i][j] = std::min(distance[i][j], distance[i - 2][j - 2] + 1);
      }
    }
  }
  return distance[a.size()][b.size()];
}
}  // namespace

std::string nearest_name(const std::string& word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, (word.size() + 1) / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace fortet
