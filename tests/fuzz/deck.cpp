// A deck as `fortet validate` reads it, up to the building of its objects: faults and nothing else.
#include "fortet/study/deck.hpp"

#include "support.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fortet::study;
  Faults faults("deck.yaml");
  Document document = read_yaml("deck.yaml", std::string(fortet::fuzz::text_of(data, size)), faults);
  if (faults.empty()) {
    const std::vector<Case> cases = cases_of(document, faults);
    for (const std::string& assignment : cases.front().assignments) apply_override(document, assignment, faults);
    const Deck deck = resolve(document, faults);
    if (faults.empty()) build_order(deck, faults);
  }
  return faults.empty() == faults.text().empty() ? 0 : -1;
}
