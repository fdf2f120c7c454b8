// L1 distance of the cell masses.
#include "fortet/comparisons/statistic.hpp"

namespace fortet::comparisons {
namespace {

class AbsoluteDifference : public Statistic {
 public:
  double value(std::span<const double> reference, std::span<const double> observed) const override {
    double sum = 0;
    for (std::size_t b = 0; b < reference.size(); ++b) sum += std::abs(observed[b] - reference[b]);
    return sum;
  }
  const char* defect_unit() const override { return "L1"; }
};

const Registered<StatisticFactory> registered_l1{
    Schema{"statistics",
           "l1",
           "Sum of the absolute differences of the cell masses, twice the total variation distance of the binned laws.",
           "",
           {}},
    StatisticFactory{[](const Parameters&, const StatisticContext&) { return std::make_unique<AbsoluteDifference>(); },
                     1024, 65536}};

}  // namespace
}  // namespace fortet::comparisons
