// Pearson's chi-square over cells, in equivalence form.
#include "chi_square.hpp"

namespace fortet::comparisons {
namespace {

class Cells : public Statistic {
 public:
  explicit Cells(const StatisticContext& context) : merged_(context.reference, context.sampling), sampling_(context.sampling) {}

  double value(std::span<const double> reference, std::span<const double> observed) const override {
    return distance(merged_.merge(reference), merged_.merge(observed));
  }

  std::optional<Null> null(double value, std::span<const double> reference, std::span<const double> bias) const override {
    if (sampling_.inverse_size == 0) return std::nullopt;
    const std::vector<double> p = merged_.merge(reference), delta = merged_.merge(bias);
    std::vector<double> shifted = p;
    for (std::size_t g = 0; g < p.size(); ++g) shifted[g] += delta[g];
    // The total of unit weights is fixed, which takes one degree of freedom.
    const double degrees = static_cast<double>(p.size()) - (sampling_.variance_ratio.empty() ? 1 : 0);
    return chi_square_null(value, std::max(1.0, degrees), distance(p, shifted), sampling_.inverse_size);
  }

  const char* defect_unit() const override { return "relative, alternating between cells"; }

 private:
  double distance(const std::vector<double>& p, const std::vector<double>& q) const {
    const double scale = sampling_.inverse_size > 0 ? sampling_.inverse_size : 1;
    double sum = 0;
    for (std::size_t g = 0; g < p.size(); ++g) {
      const double ratio = merged_.variance_ratio().empty() ? 1 : merged_.variance_ratio()[g];
      if (p[g] > 0) sum += (q[g] - p[g]) * (q[g] - p[g]) / (scale * p[g] * ratio);
    }
    return sum;
  }

  MergedBins merged_;
  const Sampling& sampling_;
};

const Registered<StatisticFactory> registered{
    Schema{"statistics", "cells",
           "Pearson's chi-square of the cell masses, bins merged to expected counts of at least 10; equivalence form: judged against the "
           "noncentral chi-square of the estimated discretisation error.",
           "Pearson 1900; Wellek 2010", {}},
    StatisticFactory{[](const Parameters&, const StatisticContext& context) { return std::make_unique<Cells>(context); }, 4096, 65536}};

}  // namespace
}  // namespace fortet::comparisons
