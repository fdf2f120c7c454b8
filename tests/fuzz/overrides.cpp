// Assignments of the command line, one a line, applied to a small deck.
#include "fortet/study/deck.hpp"
#include "support.hpp"

namespace {
constexpr const char* deck = R"(study: Overrides
seed: 7
laws:
  data: {kind: gaussian_mixture, weights: [0.3, 0.7], means: [[-2, 0], [2, 1]], deviations: [0.4, 0.6]}
  noise: {kind: gaussian, dimension: 2}
processes:
  forward: {kind: vp, dimension: 2, beta: {kind: linear, from: 0.1, to: 12}, horizon: 1}
checks:
  - {compare: [laws.data, laws.noise], by: [l1]}
sweep: {seeds: [1, 2]}
)";
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fortet::study;
  static const Document original = [] {
    Faults faults("deck.yaml");
    return read_yaml("deck.yaml", deck, faults);
  }();
  Document document = original;
  Faults faults("deck.yaml");
  std::string_view rest = fortet::fuzz::text_of(data, size);
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    apply_override(document, std::string(rest.substr(0, end)), faults);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  cases_of(document, faults);
  return faults.empty() == faults.text().empty() ? 0 : -1;
}
