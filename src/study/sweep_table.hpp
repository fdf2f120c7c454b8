#pragma once
// The final table of a sweep: each check of each setting with mean and standard deviation over seeds, and observed
// orders of convergence.
#include "fortet/comparisons/measure.hpp"
#include "fortet/study/deck.hpp"

namespace fortet::study {

class SweepTable {
 public:
  void add(const Case& one, const std::vector<comparisons::Result>& results);
  void add(const Case& one, const std::vector<comparisons::Measurement>& measurements);
  /// Fits value = C parameter^(-order) through the means along one key of the sweep, for each setting of the others;
  /// the value is the statistic's or that of a source of its error budget. `orders`: validated entries of the deck's
  /// section.
  void judge_orders(const std::vector<Parameters>& orders);
  bool orders_agree() const;
  std::string text() const;
  std::string csv() const;
  void exchange(io::State& state);  ///< the rows

 private:
  struct Row {
    std::vector<std::string> assignments;  // without the seed
    std::string check, statistic;
    double time;
    std::vector<double> values;
    std::map<std::string, std::vector<double>> budgets;  // errors by source
    int agreements = 0;
  };
  struct MeasureRow {
    std::vector<std::string> assignments;  // without the seed
    comparisons::Measurement first;
    std::vector<double> values, floors;
  };
  struct Order {
    std::string what, over, setting;
    double observed, expected, within;
    std::size_t points;
    bool agrees() const { return points >= 2 && std::abs(observed - expected) <= within; }
  };
  std::vector<Row> rows_;
  std::vector<MeasureRow> measure_rows_;
  std::vector<Order> orders_;
};

}  // namespace fortet::study
