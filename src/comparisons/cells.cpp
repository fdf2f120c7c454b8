// Pearson's chi-square over cells, in equivalence form.
#include "chi_square.hpp"

namespace fortet::comparisons {
namespace {

class Cells : public Statistic {
 public:
  explicit Cells(const StatisticContext& context)
      : merged_(context.reference, context.sampling), sampling_(context.sampling) {
    if (sampling_.variance_ratio.empty()) return;
    const std::vector<double> p = merged_.merge(context.reference);
    explained_ = 0;
    for (std::size_t g = 0; g < p.size(); ++g) explained_ += p[g] / merged_.variance_ratio()[g];
    remainder_ = 1 - explained_;
    // Like a cell, the remainder is used when it is expected to hold at least 10 particles.
    if (remainder_ < 10 * sampling_.inverse_size) remainder_ = 0;
  }

  double value(std::span<const double> reference, std::span<const double> observed) const override {
    if (merged_.count() == 1 && remainder_ == 0)
      return merged_.impossible(observed) / (sampling_.inverse_size > 0 ? sampling_.inverse_size : 1);
    return distance(merged_.merge(reference), merged_.merge(observed));
  }

  std::optional<Null> null(double value, std::span<const double> reference,
                           std::span<const double> bias) const override {
    if (sampling_.inverse_size == 0) return std::nullopt;
    const std::vector<double> p = merged_.merge(reference), delta = merged_.merge(bias);
    std::vector<double> shifted = p;
    for (std::size_t g = 0; g < p.size(); ++g) shifted[g] += delta[g];
    // The total of unit weights is fixed, which takes one degree of freedom.
    const double degrees = static_cast<double>(p.size()) - (remainder_ > 0 ? 0 : 1);
    Null null = chi_square_null(value, degrees, distance(p, shifted) * sampling_.bias_signal, sampling_.inverse_size);
    // A relative defect eps of all cells that leaves the total alone has the noncentrality N eps^2 sum p^2 / D.
    if (!sampling_.variance_ratio.empty()) null.smallest_visible_defect /= std::sqrt(explained_);
    return null;
  }

  const char* defect_unit() const override { return "relative, alternating between cells"; }

 private:
  /// z^T S^-1 z with the covariance S = (diag(D) - p p^T) / N, D = ratio p, by Sherman and Morrison:
  /// N (sum z^2 / D + (sum z p / D)^2 / (1 - sum p^2 / D)). With unit weights the second term is that of the cell
  /// outside.
  double distance(const std::vector<double>& p, const std::vector<double>& q) const {
    const double scale = sampling_.inverse_size > 0 ? sampling_.inverse_size : 1;
    double sum = 0, total = 0;
    for (std::size_t g = 0; g < p.size(); ++g) {
      const double ratio = merged_.variance_ratio().empty() ? 1 : merged_.variance_ratio()[g];
      if (p[g] > 0) sum += (q[g] - p[g]) * (q[g] - p[g]) / (p[g] * ratio);
      total += (q[g] - p[g]) / ratio;
    }
    if (remainder_ > 0) sum += total * total / remainder_;
    return sum / scale;
  }

  MergedBins merged_;
  const Sampling& sampling_;
  double explained_ = 1, remainder_ = 0;  // sum p^2 / D of weighted particles, and what it lacks to one
};

const Registered<StatisticFactory> registered_cells{
    Schema{"statistics",
           "cells",
           "Pearson's chi-square of the cell masses, bins merged to expected "
           "counts of at least 10; equivalence form: judged against the "
           "noncentral chi-square of the estimated discretisation error.",
           "Pearson 1900; Wellek 2010",
           {}},
    StatisticFactory{
        [](const Parameters&, const StatisticContext& context) { return std::make_unique<Cells>(context); }, 4096,
        65536}};

}  // namespace
}  // namespace fortet::comparisons
