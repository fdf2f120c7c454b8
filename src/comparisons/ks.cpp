// Kolmogorov-Smirnov distance of the marginals.
#include "fortet/comparisons/statistic.hpp"
#include "marginals.hpp"

namespace fortet::comparisons {
namespace {

class KolmogorovSmirnov : public Statistic {
 public:
  explicit KolmogorovSmirnov(const Bins& bins) : bins_(bins) {}

  double value(std::span<const double> reference, std::span<const double> observed) const override {
    double largest = 0;
    for (int k = 0; k < bins_.dimension(); ++k) {
      const std::vector<double> p = marginal(bins_, k, reference), q = marginal(bins_, k, observed);
      double difference = 0;
      for (std::size_t i = 0; i < p.size(); ++i) {
        difference += q[i] - p[i];
        largest = std::max(largest, std::abs(difference));
      }
    }
    return largest;
  }
  const char* defect_unit() const override { return "difference of a distribution function"; }

 private:
  const Bins& bins_;
};

const Registered<StatisticFactory> registered_ks{
    Schema{"statistics",
           "ks",
           "Largest difference of the distribution functions of a coordinate, at the edges of the cells, over all "
           "coordinates.",
           "Kolmogorov 1933, Smirnov 1948",
           {}},
    StatisticFactory{[](const Parameters&, const StatisticContext& context) {
                       return std::make_unique<KolmogorovSmirnov>(context.bins);
                     },
                     1024, 65536}};

}  // namespace
}  // namespace fortet::comparisons
