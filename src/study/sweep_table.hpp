#pragma once
// The final table of a sweep: each check of each case, with mean and standard deviation over seeds.
#include "fortet/comparisons/check.hpp"
#include "fortet/study/deck.hpp"

namespace fortet::study {

class SweepTable {
 public:
  void add(const Case& one, const std::vector<comparisons::Result>& results);
  std::string text() const;
  std::string csv() const;

 private:
  struct Row {
    std::string setting;  // assignments but the seed
    std::string check, statistic;
    double time;
    std::vector<double> values;
    int agreements = 0;
  };
  std::vector<Row> rows_;
};

}  // namespace fortet::study
