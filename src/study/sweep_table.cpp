#include "sweep_table.hpp"

namespace fortet::study {

namespace {

[[maybe_unused]] const bool registered_sweep_table = [] {
  SchemaCatalogue::instance().add(
      Schema{"orders",
             "",
             "Observed order of convergence along one key of a sweep: value = C key^(-order), fitted through the "
             "cases; a study whose order is off ends with "
             "exit code 5.",
             "",
             {required("check", {Type::text}, "name of the check whose value converges"),
              required("statistic", {Type::text}, "its statistic"),
              defaulted("of", {Type::choice}, "value",
                        "what converges: the value of the statistic, or an error that the budget of the check "
                        "estimates, in the L1 norm of the cell masses")
                  .one_of({"value", "space", "time", "particle_step"}),
              required("over", {Type::text},
                       "key path of the sweep, for example grids.line.cells (of a list, the first entry counts)"),
              required("order", {Type::real}, "expected order"),
              defaulted("within", {Type::real}, 0.2, "largest distance from it").positive()}});
  return true;
}();

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

std::string joined(const std::vector<std::string>& assignments) {
  return fmt::format("{}", fmt::join(assignments, " "));
}

std::vector<std::string> without_seed(const std::vector<std::string>& all) {
  std::vector<std::string> assignments;
  for (const std::string& assignment : all) {
    if (!assignment.starts_with("seed=")) assignments.push_back(assignment);
  }
  return assignments;
}

/// A field of a CSV file.
std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c == '\n' ? ' ' : c);
  return result + "\"";
}

/// The first number in the value of an assignment "key=value".
double number_of(const std::string& assignment) {
  Json value = Json::parse(assignment.substr(assignment.find('=') + 1));
  while (value.is_array() && !value.empty()) value = Json(value.front());
  return value.is_number() ? value.get<double>() : std::nan("");
}

/// Slope of y over x by least squares.
double slope(const std::vector<double>& x, const std::vector<double>& y) {
  const double mean_x = summary(x).mean, mean_y = summary(y).mean;
  double covariance = 0, variance = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    covariance += (x[i] - mean_x) * (y[i] - mean_y);
    variance += (x[i] - mean_x) * (x[i] - mean_x);
  }
  return covariance / variance;
}

}  // namespace

void SweepTable::add(const Case& one, const Study::Outcome& outcome) {
  Entry& entry = cases_[one.name] = {one.assignments, {}, outcome.measurements, outcome.failures};
  for (const comparisons::Result& result : outcome.checks) {
    Value value{result.check, result.statistic, result.time, result.value, {}, result.agree};
    for (const auto& [source, error] : result.budget) value.budget[source] = error;
    entry.values.push_back(std::move(value));
  }
}

void SweepTable::add_failure(const Case& one, const Error& error) {
  cases_[one.name] = {one.assignments, {}, {}, {{"", error.what(), error.exit_code()}}};
}

ExitCode SweepTable::failure() const {
  for (const auto& [name, entry] : cases_) {
    if (!entry.failures.empty()) return entry.failures.front().code;
  }
  return ExitCode::done;
}

std::vector<SweepTable::MeasureRow> SweepTable::measure_rows() const {
  std::vector<MeasureRow> rows;
  for (const auto& [name, entry] : cases_) {
    const std::vector<std::string> assignments = without_seed(entry.assignments);
    for (const comparisons::Measurement& found : entry.measurements) {
      auto row = std::find_if(rows.begin(), rows.end(), [&](const MeasureRow& r) {
        return r.assignments == assignments && r.first.measure == found.measure && r.first.quantity == found.quantity &&
               r.first.time == found.time;
      });
      if (row == rows.end()) row = rows.insert(row, MeasureRow{assignments, found, {}, {}});
      row->values.push_back(found.value);
      if (found.floor) row->floors.push_back(*found.floor);
    }
  }
  return rows;
}

std::vector<SweepTable::Row> SweepTable::rows() const {
  std::vector<Row> rows;
  for (const auto& [name, entry] : cases_) {
    const std::vector<std::string> assignments = without_seed(entry.assignments);
    for (const Value& found : entry.values) {
      auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) {
        return r.assignments == assignments && r.check == found.check && r.statistic == found.statistic &&
               r.time == found.time;
      });
      if (row == rows.end())
        row = rows.insert(row, Row{assignments, found.check, found.statistic, found.time, {}, {}, 0});
      row->values.push_back(found.value);
      for (const auto& [source, error] : found.budget) row->budgets[source].push_back(error);
      row->agreements += found.agree;
    }
  }
  return rows;
}

namespace {
void exchange_optional(io::State& state, std::optional<double>& number) {
  bool known = number.has_value();
  double value = number.value_or(0);
  state.flag("known", known);
  state.real("number", value);
  number = known ? std::optional(value) : std::nullopt;
}
}  // namespace

void SweepTable::exchange(io::State& state) {
  std::vector<std::pair<std::string, Entry>> entries;
  for (const auto& entry : cases_) {
    if (entry.second.failures.empty()) entries.push_back(entry);
  }
  state.size("cases", entries);
  for (auto& [name, entry] : entries) {
    state.text("name", name);
    state.size("assignments", entry.assignments);
    for (std::string& text : entry.assignments) state.text("text", text);
    state.size("values", entry.values);
    for (Value& value : entry.values) {
      state.text("check", value.check);
      state.text("statistic", value.statistic);
      state.real("time", value.time);
      state.real("value", value.value);
      io::exchange(state, "budget", value.budget);
      state.flag("agree", value.agree);
    }
    state.size("measures", entry.measurements);
    for (comparisons::Measurement& one : entry.measurements) {
      state.text("measure", one.measure);
      state.text("quantity", one.quantity);
      state.real("time", one.time);
      state.real("value", one.value);
      for (std::optional<double>* number : {&one.floor, &one.published, &one.published_deviation})
        exchange_optional(state, *number);
    }
  }
  if (state.restores()) cases_ = {entries.begin(), entries.end()};
}

void SweepTable::judge_orders(const std::vector<Parameters>& orders) {
  for (const Parameters& wanted : orders) {
    const std::string key = wanted.text("over") + "=", of = wanted.text("of");
    // One line of points per time and per setting of the other keys.
    std::map<std::string, std::pair<std::vector<double>, std::vector<double>>> lines;
    for (const Row& row : rows()) {
      if (row.check != wanted.text("check") || row.statistic != wanted.text("statistic")) continue;
      std::vector<std::string> others;
      double parameter = std::nan("");
      for (const std::string& assignment : row.assignments) {
        if (assignment.starts_with(key)) {
          parameter = number_of(assignment);
        } else {
          others.push_back(assignment);
        }
      }
      auto& [x, y] = lines[fmt::format("t = {:g} {}", row.time, joined(others))];
      x.push_back(std::log(parameter));
      const auto source = row.budgets.find(of);
      y.push_back(of == "value"                 ? std::log(summary(row.values).mean)
                  : source == row.budgets.end() ? std::nan("")
                                                : std::log(summary(source->second).mean));
    }
    if (lines.empty()) lines["no such check or statistic"];
    for (const auto& [setting, line] : lines) {
      const double observed = line.first.size() >= 2 ? -slope(line.first, line.second) : std::nan("");
      orders_.push_back({fmt::format("{} of {}", of == "value" ? wanted.text("statistic") : of, wanted.text("check")),
                         wanted.text("over"), setting, observed, wanted.real("order"), wanted.real("within"),
                         line.first.size()});
    }
  }
}

bool SweepTable::agrees() const {
  const auto entry_agrees = [](const auto& entry) {
    return std::all_of(entry.second.values.begin(), entry.second.values.end(), [](const Value& v) { return v.agree; });
  };
  return std::all_of(cases_.begin(), cases_.end(), entry_agrees) &&
         std::all_of(orders_.begin(), orders_.end(), [](const Order& order) { return order.agrees(); });
}

std::string SweepTable::text() const {
  const std::vector<Row> rows = this->rows();
  const std::vector<MeasureRow> measure_rows = this->measure_rows();
  std::size_t width = 7, check_width = 5, measure_width = 7, quantity_width = 8;
  for (const MeasureRow& row : measure_rows) {
    width = std::max(width, joined(row.assignments).size());
    measure_width = std::max(measure_width, row.first.measure.size());
    quantity_width = std::max(quantity_width, row.first.quantity.size());
  }
  for (const Row& row : rows) {
    width = std::max(width, joined(row.assignments).size());
    check_width = std::max(check_width, row.check.size());
  }
  std::string text;
  if (!measure_rows.empty()) {
    text = fmt::format("{:<{}}  {:<{}} {:>8} {:<{}} {:>11} {:>11} {:>5} {:>11} {:>11} {:>11}\n", "setting", width,
                       "measure", measure_width, "time", "quantity", quantity_width, "mean", "sd", "runs", "floor",
                       "published", "sd");
    const auto number = [](bool known, double value) {
      return known ? fmt::format("{:.4g}", value) : std::string("-");
    };
    for (const MeasureRow& row : measure_rows) {
      const Summary s = summary(row.values);
      text += fmt::format("{:<{}}  {:<{}} {:>8.4g} {:<{}} {:>11.4g} {:>11.3g} {:>5} {:>11} {:>11} {:>11}\n",
                          joined(row.assignments), width, row.first.measure, measure_width, row.first.time,
                          row.first.quantity, quantity_width, s.mean, s.deviation, row.values.size(),
                          number(!row.floors.empty(), summary(row.floors).mean),
                          number(row.first.published.has_value(), row.first.published.value_or(0)),
                          number(row.first.published_deviation.has_value(), row.first.published_deviation.value_or(0)));
    }
  }
  for (const auto& [name, entry] : cases_) {
    for (const Study::Failure& failure : entry.failures) {
      text += fmt::format("{} ({}) failed: {}{}\n", joined(entry.assignments), name,
                          failure.object.empty() ? "" : failure.object + ": ", cut(failure.message));
    }
  }
  if (rows.empty() && orders_.empty()) return text;
  text += fmt::format("{:<{}}  {:<{}} {:>8} {:<10} {:>11} {:>11} {:>5} {:>7}\n", "setting", width, "check", check_width,
                      "time", "statistic", "mean", "sd", "runs", "agree");
  for (const Row& row : rows) {
    const Summary s = summary(row.values);
    text += fmt::format("{:<{}}  {:<{}} {:>8.4g} {:<10} {:>11.4g} {:>11.3g} {:>5} {:>7}\n", joined(row.assignments),
                        width, row.check, check_width, row.time, row.statistic, s.mean, s.deviation, row.values.size(),
                        row.agreements);
  }
  for (const Order& order : orders_) {
    text +=
        fmt::format("order of {} over {} ({}): {:.3f}, expected {:g} +- {:g}: {}\n", order.what, order.over,
                    order.setting, order.observed, order.expected, order.within, order.agrees() ? "agree" : "DISAGREE");
  }
  return text;
}

std::string SweepTable::csv() const {
  const std::vector<Row> rows = this->rows();
  const std::vector<MeasureRow> measure_rows = this->measure_rows();
  std::string text = "setting,check,time,statistic,mean,sd,runs,agree\n";
  for (const Row& row : rows) {
    const Summary s = summary(row.values);
    text += fmt::format("{},{},{},{},{},{},{},{}\n", quoted(joined(row.assignments)), quoted(row.check), row.time,
                        row.statistic, s.mean, s.deviation, row.values.size(), row.agreements);
  }
  for (const MeasureRow& row : measure_rows) {
    const Summary s = summary(row.values);
    text += fmt::format("{},{},{},{},{},{},{},\n", quoted(joined(row.assignments)), quoted(row.first.measure),
                        row.first.time, row.first.quantity, s.mean, s.deviation, row.values.size());
  }
  for (const auto& [name, entry] : cases_) {
    for (const Study::Failure& failure : entry.failures) {
      text += fmt::format("{},{},,{},,,,\n", quoted(joined(entry.assignments)),
                          quoted(failure.object.empty() ? name : failure.object),
                          quoted("failed: " + cut(failure.message)));
    }
  }
  return text;
}

}  // namespace fortet::study
