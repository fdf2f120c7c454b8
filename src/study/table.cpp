// The table of checks.
#include "fortet/study/results.hpp"

namespace fortet::study {

std::string table(const std::vector<comparisons::Result>& results, double false_alarm_rate) {
  if (results.empty()) return "no checks\n";
  std::size_t width = 5;
  for (const comparisons::Result& result : results) width = std::max(width, result.check.size());
  std::string text = fmt::format("{:<{}}  {:>8}  {:<10} {:>11} {:>11} {:>9} {:>11}  {:<14} {}\n", "check", width,
                                 "time", "statistic", "value", "expected", "p", "visible", "largest error", "verdict");
  for (const comparisons::Result& result : results) {
    const std::string judged_by =
        result.adjusted_p ? fmt::format("{:.3g}", *result.adjusted_p) : fmt::format("<{:.2g}", *result.tolerance);
    text += fmt::format("{:<{}}  {:>8.4g}  {:<10} {:>11.4g} {:>11.4g} {:>9} {:>11.3g}  {:<14} {}\n", result.check,
                        width, result.time, result.statistic, result.value, result.expected, judged_by,
                        result.smallest_visible_defect, result.dominating.empty() ? "-" : result.dominating,
                        result.agree ? "agree" : "DISAGREE");
    if (!result.note.empty())
      text += fmt::format("{:<{}}    ({})\n", "", width, result.note.substr(0, result.note.size() - 2));
  }
  text += fmt::format(
      "p: two-sided, adjusted over all checks (Holm); a study whose routes agree is rejected with probability {:g}.\n"
      "visible: smallest defect seen with power 0.9, in the unit named in results.json.\n",
      false_alarm_rate);
  return text;
}

std::string table(const std::vector<comparisons::Measurement>& measurements) {
  std::size_t width = 7, quantity_width = 8;
  for (const comparisons::Measurement& one : measurements) {
    width = std::max(width, one.measure.size());
    quantity_width = std::max(quantity_width, one.quantity.size());
  }
  const auto with_deviation = [](const std::optional<double>& mean, const std::optional<double>& deviation) {
    if (!mean) return std::string("-");
    return deviation ? fmt::format("{:.4g} +- {:.2g}", *mean, *deviation) : fmt::format("{:.4g}", *mean);
  };
  std::string text = fmt::format("{:<{}}  {:>8}  {:<{}} {:>11}  {:<20} {}\n", "measure", width, "time", "quantity",
                                 quantity_width, "value", "floor", "published");
  for (const comparisons::Measurement& one : measurements) {
    text += fmt::format("{:<{}}  {:>8.4g}  {:<{}} {:>11.4g}  {:<20} {}\n", one.measure, width, one.time, one.quantity,
                        quantity_width, one.value, with_deviation(one.floor, one.floor_deviation),
                        with_deviation(one.published, one.published_deviation));
    if (!one.note.empty()) text += fmt::format("{:<{}}    ({})\n", "", width, one.note);
  }
  return text;
}

}  // namespace fortet::study
