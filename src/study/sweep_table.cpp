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

std::vector<std::string> without_seed(const Case& one) {
  std::vector<std::string> assignments;
  for (const std::string& assignment : one.assignments) {
    if (!assignment.starts_with("seed=")) assignments.push_back(assignment);
  }
  return assignments;
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

void SweepTable::add(const Case& one, const std::vector<comparisons::Measurement>& measurements) {
  const std::vector<std::string> assignments = without_seed(one);
  for (const comparisons::Measurement& found : measurements) {
    auto row = std::find_if(measure_rows_.begin(), measure_rows_.end(), [&](const MeasureRow& r) {
      return r.assignments == assignments && r.first.measure == found.measure && r.first.quantity == found.quantity &&
             r.first.time == found.time;
    });
    if (row == measure_rows_.end()) row = measure_rows_.insert(row, MeasureRow{assignments, found, {}, {}});
    row->values.push_back(found.value);
    if (found.floor) row->floors.push_back(*found.floor);
  }
}

void SweepTable::add(const Case& one, const std::vector<comparisons::Result>& results) {
  const std::vector<std::string> assignments = without_seed(one);
  for (const comparisons::Result& result : results) {
    auto row = std::find_if(rows_.begin(), rows_.end(), [&](const Row& r) {
      return r.assignments == assignments && r.check == result.check && r.statistic == result.statistic &&
             r.time == result.time;
    });
    if (row == rows_.end())
      row = rows_.insert(row, Row{assignments, result.check, result.statistic, result.time, {}, {}, 0});
    row->values.push_back(result.value);
    for (const auto& [source, error] : result.budget) row->budgets[source].push_back(error);
    row->agreements += result.agree;
  }
}

void SweepTable::exchange(io::State& state) {
  const auto texts = [&state](const std::string& name, std::vector<std::string>& list) {
    state.size(name, list);
    for (std::string& text : list) state.text("text", text);
  };
  state.size("checks", rows_);
  for (Row& row : rows_) {
    texts("assignments", row.assignments);
    state.text("check", row.check);
    state.text("statistic", row.statistic);
    state.real("time", row.time);
    state.list("values", row.values);
    std::vector<std::string> sources;
    for (const auto& [source, errors] : row.budgets) sources.push_back(source);
    texts("sources", sources);
    for (const std::string& source : sources) state.list("errors", row.budgets[source]);
    std::int64_t agreements = row.agreements;
    state.integer("agreements", agreements);
    row.agreements = static_cast<int>(agreements);
  }
  state.size("measures", measure_rows_);
  for (MeasureRow& row : measure_rows_) {
    texts("assignments", row.assignments);
    state.text("measure", row.first.measure);
    state.text("quantity", row.first.quantity);
    state.real("time", row.first.time);
    for (std::optional<double>* number : {&row.first.published, &row.first.published_deviation}) {
      bool known = number->has_value();
      double value = number->value_or(0);
      state.flag("known", known);
      state.real("number", value);
      *number = known ? std::optional(value) : std::nullopt;
    }
    state.list("values", row.values);
    state.list("floors", row.floors);
  }
}

void SweepTable::judge_orders(const std::vector<Parameters>& orders) {
  for (const Parameters& wanted : orders) {
    const std::string key = wanted.text("over") + "=", of = wanted.text("of");
    // One line of points per time and per setting of the other keys.
    std::map<std::string, std::pair<std::vector<double>, std::vector<double>>> lines;
    for (const Row& row : rows_) {
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

bool SweepTable::orders_agree() const {
  return std::all_of(orders_.begin(), orders_.end(), [](const Order& order) { return order.agrees(); });
}

std::string SweepTable::text() const {
  std::size_t width = 7, check_width = 5, measure_width = 7, quantity_width = 8;
  for (const MeasureRow& row : measure_rows_) {
    width = std::max(width, joined(row.assignments).size());
    measure_width = std::max(measure_width, row.first.measure.size());
    quantity_width = std::max(quantity_width, row.first.quantity.size());
  }
  for (const Row& row : rows_) {
    width = std::max(width, joined(row.assignments).size());
    check_width = std::max(check_width, row.check.size());
  }
  std::string text;
  if (!measure_rows_.empty()) {
    text = fmt::format("{:<{}}  {:<{}} {:>8} {:<{}} {:>11} {:>11} {:>5} {:>11} {:>11} {:>11}\n", "setting", width,
                       "measure", measure_width, "time", "quantity", quantity_width, "mean", "sd", "runs", "floor",
                       "published", "sd");
    const auto number = [](bool known, double value) {
      return known ? fmt::format("{:.4g}", value) : std::string("-");
    };
    for (const MeasureRow& row : measure_rows_) {
      const Summary s = summary(row.values);
      text += fmt::format("{:<{}}  {:<{}} {:>8.4g} {:<{}} {:>11.4g} {:>11.3g} {:>5} {:>11} {:>11} {:>11}\n",
                          joined(row.assignments), width, row.first.measure, measure_width, row.first.time,
                          row.first.quantity, quantity_width, s.mean, s.deviation, row.values.size(),
                          number(!row.floors.empty(), summary(row.floors).mean),
                          number(row.first.published.has_value(), row.first.published.value_or(0)),
                          number(row.first.published_deviation.has_value(), row.first.published_deviation.value_or(0)));
    }
  }
  if (rows_.empty() && orders_.empty()) return text;
  text += fmt::format("{:<{}}  {:<{}} {:>8} {:<10} {:>11} {:>11} {:>5} {:>7}\n", "setting", width, "check", check_width,
                      "time", "statistic", "mean", "sd", "runs", "agree");
  for (const Row& row : rows_) {
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
  std::string text = "setting,check,time,statistic,mean,sd,runs,agree\n";
  for (const Row& row : rows_) {
    const Summary s = summary(row.values);
    text += fmt::format("\"{}\",\"{}\",{},{},{},{},{},{}\n", joined(row.assignments), row.check, row.time,
                        row.statistic, s.mean, s.deviation, row.values.size(), row.agreements);
  }
  for (const MeasureRow& row : measure_rows_) {
    const Summary s = summary(row.values);
    text += fmt::format("\"{}\",\"{}\",{},{},{},{},{},\n", joined(row.assignments), row.first.measure, row.first.time,
                        row.first.quantity, s.mean, s.deviation, row.values.size());
  }
  return text;
}

}  // namespace fortet::study
