// Sliced Wasserstein distance of order 2 of the binned laws.
#include "fortet/comparisons/statistic.hpp"
#include "fortet/couplings/transport.hpp"
#include "marginals.hpp"

namespace fortet::comparisons {
namespace {

class SlicedWasserstein : public Statistic {
 public:
  SlicedWasserstein(const StatisticContext& context, long projections) : bins_(context.bins) {
    const int d = bins_.dimension();
    const std::size_t n = static_cast<std::size_t>(bins_.count());
    const std::vector<double> points = centres(bins_);
    PointArray directions(projections, d);
    parallel::Stream(context.seed, parallel::Purpose::projection).normals(0, 0, directions);
    for (long l = 0; l < (d == 1 ? 1 : projections); ++l) {
      double length = 0;
      for (int k = 0; k < d; ++k) length += directions(l, k) * directions(l, k);
      std::vector<double> projected(n, 0.0);
      for (std::size_t i = 0; i < n; ++i) {
        for (int k = 0; k < d; ++k) projected[i] += points[i * d + k] * directions(l, k) / std::sqrt(length);
      }
      Slice slice;
      slice.order.resize(n);
      std::iota(slice.order.begin(), slice.order.end(), std::size_t{0});
      std::stable_sort(slice.order.begin(), slice.order.end(),
                       [&](std::size_t a, std::size_t b) { return projected[a] < projected[b]; });
      for (const std::size_t i : slice.order) slice.points.push_back(projected[i]);
      slices_.push_back(std::move(slice));
    }
  }

  double value(std::span<const double> reference, std::span<const double> observed) const override {
    if (!has_mass(bins_, reference) || !has_mass(bins_, observed)) return diameter(bins_);
    double sum = 0;
    std::vector<double> p(slices_.front().order.size()), q(p.size());
    for (const Slice& slice : slices_) {
      for (std::size_t i = 0; i < p.size(); ++i) {
        p[i] = reference[slice.order[i]];
        q[i] = observed[slice.order[i]];
      }
      sum += couplings::line_cost(slice.points, p, q, 2);
    }
    return std::sqrt(sum / static_cast<double>(slices_.size()));
  }
  int replicates() const override { return 499; }
  const char* defect_unit() const override { return "distance"; }

 private:
  struct Slice {
    std::vector<std::size_t> order;  // bins in the order of their projections
    std::vector<double> points;
  };
  const Bins& bins_;
  std::vector<Slice> slices_;
};

const Registered<StatisticFactory> registered_sliced_w2{
    Schema{"statistics",
           "sliced_w2",
           "Root mean square over random directions of the Wasserstein distance of order 2 of the projected laws.",
           "Rabin, Peyre, Delon, Bernot 2011",
           {defaulted("projections", {Type::integer}, 32, "number of random directions").between(1, 10000)}},
    StatisticFactory{[](const Parameters& parameters, const StatisticContext& context) {
                       return std::make_unique<SlicedWasserstein>(context, parameters.integer("projections"));
                     },
                     576, 4096}};

}  // namespace
}  // namespace fortet::comparisons
