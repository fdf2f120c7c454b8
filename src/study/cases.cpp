// Sweeps: the cases of a deck.
#include "fortet/study/deck.hpp"

namespace fortet::study {

namespace {
constexpr std::size_t most_cases = 100000;  ///< names have four digits, and each case is built before the first is run
}

std::vector<Case> cases_of(const Document& document, Faults& faults) {
  std::vector<Case> cases{Case{}};
  if (!document.values.contains("sweep")) return cases;
  const Json& sweep = document.values.at("sweep");
  if (!sweep.is_object() || sweep.empty()) {
    faults.add(document.position("sweep"), "sweep must map key paths to lists of values");
    return cases;
  }
  for (const auto& [key, values] : sweep.items()) {
    if (!values.is_array() || values.empty()) {
      faults.add(document.position("sweep." + key),
                 fmt::format("sweep.{} must be a list with at least one value", key));
      continue;
    }
    if (cases.size() * values.size() > most_cases) {
      faults.add(document.position("sweep." + key),
                 fmt::format("with sweep.{} the sweep has {} cases; at most {} are taken", key,
                             static_cast<double>(cases.size()) * static_cast<double>(values.size()), most_cases));
      return {Case{}};
    }
    std::vector<Case> extended;
    for (const Case& base : cases) {
      for (const Json& value : values) {
        Case next = base;
        next.assignments.push_back((key == "seeds" ? "seed" : key) + "=" + value.dump());
        extended.push_back(std::move(next));
      }
    }
    cases = std::move(extended);
  }
  for (std::size_t i = 0; i < cases.size(); ++i) cases[i].name = fmt::format("case_{:04d}", i + 1);
  return cases;
}

}  // namespace fortet::study
