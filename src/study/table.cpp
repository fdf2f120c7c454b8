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

}  // namespace fortet::study
