#include "sweep_table.hpp"

namespace fortet::study {

void SweepTable::add(const Case& one, const std::vector<comparisons::Result>& results) {
  std::vector<std::string> words;
  for (const std::string& assignment : one.assignments) {
    if (!assignment.starts_with("seed=")) words.push_back(assignment);
  }
  const std::string setting = fmt::format("{}", fmt::join(words, " "));
  for (const comparisons::Result& result : results) {
    auto row = std::find_if(rows_.begin(), rows_.end(), [&](const Row& r) {
      return r.setting == setting && r.check == result.check && r.statistic == result.statistic && r.time == result.time;
    });
    if (row == rows_.end()) row = rows_.insert(row, Row{setting, result.check, result.statistic, result.time, {}, 0});
    row->values.push_back(result.value);
    row->agreements += result.agree;
  }
}

namespace {
struct Summary {
  double mean = 0, deviation = 0;
};
Summary summary(const std::vector<double>& values) {
  Summary result;
  for (const double v : values) result.mean += v / static_cast<double>(values.size());
  for (const double v : values) result.deviation += std::pow(v - result.mean, 2);
  result.deviation = values.size() > 1 ? std::sqrt(result.deviation / static_cast<double>(values.size() - 1)) : 0;
  return result;
}
}  // namespace

std::string SweepTable::text() const {
  std::string text = fmt::format("{:<36} {:<34} {:>8} {:<10} {:>11} {:>11} {:>5} {:>7}\n", "setting", "check", "time", "statistic", "mean", "sd",
                                 "runs", "agree");
  for (const Row& row : rows_) {
    const Summary s = summary(row.values);
    text += fmt::format("{:<36} {:<34} {:>8.4g} {:<10} {:>11.4g} {:>11.3g} {:>5} {:>7}\n", row.setting, row.check, row.time, row.statistic,
                        s.mean, s.deviation, row.values.size(), row.agreements);
  }
  return text;
}

std::string SweepTable::csv() const {
  std::string text = "setting,check,time,statistic,mean,sd,runs,agree\n";
  for (const Row& row : rows_) {
    const Summary s = summary(row.values);
    text += fmt::format("\"{}\",\"{}\",{},{},{},{},{},{}\n", row.setting, row.check, row.time, row.statistic, s.mean, s.deviation,
                        row.values.size(), row.agreements);
  }
  return text;
}

}  // namespace fortet::study
