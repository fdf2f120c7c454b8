// Wasserstein distances of the binned laws: W1 and W2.
#include "fortet/comparisons/statistic.hpp"
#include "fortet/couplings/transport.hpp"
#include "marginals.hpp"

namespace fortet::comparisons {
namespace {

class Wasserstein : public Statistic {
 public:
  Wasserstein(const Bins& bins, int order) : bins_(bins), order_(order), centres_(centres(bins)) {
    const int d = bins.dimension();
    if (d == 1) return;
    const std::size_t n = static_cast<std::size_t>(bins.count());
    cost_.resize(n * n);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        double squared = 0;
        for (int k = 0; k < d; ++k) squared += std::pow(centres_[i * d + k] - centres_[j * d + k], 2);
        cost_[i * n + j] = order_ == 1 ? std::sqrt(squared) : squared;
      }
    }
  }

  double value(std::span<const double> reference, std::span<const double> observed) const override {
    if (!has_mass(bins_, reference) || !has_mass(bins_, observed)) return diameter(bins_);
    const auto inside = [&](std::span<const double> masses) {
      return masses.first(static_cast<std::size_t>(bins_.count()));
    };
    const double cost = cost_.empty() ? couplings::line_cost(centres_, inside(reference), inside(observed), order_)
                                      : couplings::exact_cost(inside(reference), inside(observed), cost_);
    return order_ == 1 ? cost : std::sqrt(std::max(0.0, cost));
  }
  int replicates() const override { return bins_.dimension() == 1 ? 999 : 199; }
  const char* defect_unit() const override { return "distance"; }

 private:
  const Bins& bins_;
  int order_;
  std::vector<double> centres_, cost_;
};

StatisticFactory factory(int order) {
  return {[order](const Parameters&, const StatisticContext& context) {
            return std::make_unique<Wasserstein>(context.bins, order);
          },
          144, 1024};
}

const Registered<StatisticFactory> w1{Schema{"statistics",
                                             "w1",
                                             "Wasserstein distance of order 1 of the binned laws (exact: by quantiles "
                                             "in 1-D, network simplex in 2-D and 3-D), given that a point lies inside.",
                                             "Kantorovich 1942",
                                             {}},
                                      factory(1)};
const Registered<StatisticFactory> w2{Schema{"statistics",
                                             "w2",
                                             "Wasserstein distance of order 2 of the binned laws (exact: by quantiles "
                                             "in 1-D, network simplex in 2-D and 3-D), given that a point lies inside.",
                                             "Kantorovich 1942",
                                             {}},
                                      factory(2)};

}  // namespace
}  // namespace fortet::comparisons
