#pragma once
// The final table of a sweep: each check of each setting with mean and standard deviation over seeds, and observed
// orders of convergence.
#include "fortet/study/study.hpp"

namespace fortet::study {

class SweepTable {
 public:
  /// What a case has come to; what an earlier run left of it is replaced.
  void add(const Case& one, const Study::Outcome& outcome);
  /// A case that could not be computed at all.
  void add_failure(const Case& one, const Error& error);
  /// Fits value = C parameter^(-order) through the means along one key of the sweep, for each setting of the others;
  /// the value is the statistic's or that of a source of its error budget. `orders`: validated entries of the deck's
  /// section.
  void judge_orders(const std::vector<Parameters>& orders);
  bool agrees() const;  ///< all checks of all cases, and the orders
  /// Of the first case that failed; done if none did.
  ExitCode failure() const;
  std::string text() const;
  std::string csv() const;
  void exchange(io::State& state);  ///< all but failures, which are computed again

 private:
  /// One statistic of one case.
  struct Value {
    std::string check, statistic;
    double time = 0, value = 0;
    std::map<std::string, double> budget;  // errors by source
    bool agree = true;
  };
  struct Entry {
    std::vector<std::string> assignments;
    std::vector<Value> values;
    std::vector<comparisons::Measurement> measurements;
    std::vector<Study::Failure> failures;
  };
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
  std::vector<Row> rows() const;
  std::vector<MeasureRow> measure_rows() const;
  std::map<std::string, Entry> cases_;  ///< by name, thus in their order
  std::vector<Order> orders_;
};

}  // namespace fortet::study
