// Kullback-Leibler divergence of the observed cell masses from the reference.
#include "chi_square.hpp"

namespace fortet::comparisons {
namespace {

class KullbackLeibler : public Statistic {
 public:
  explicit KullbackLeibler(const StatisticContext& context)
      : merged_(context.reference, context.sampling), sampling_(context.sampling) {}

  double value(std::span<const double> reference, std::span<const double> observed) const override {
    if (merged_.count() == 1) return merged_.impossible(observed);
    return divergence(merged_.merge(reference), merged_.merge(observed));
  }

  /// 2 N KL is asymptotically chi-square with the degrees of freedom of Pearson's statistic, and divided by Williams'
  /// factor its mean is right to the next order in the counts: E[2 N KL] = K - 1 + sum 1/p (1/(2 N') - (1/N - 1/M)/3)
  /// with 1/N' = 1/N + 1/M.
  std::optional<Null> null(double value, std::span<const double> reference,
                           std::span<const double> bias) const override {
    if (sampling_.inverse_size == 0 || !sampling_.variance_ratio.empty()) return std::nullopt;
    const std::vector<double> p = merged_.merge(reference), delta = merged_.merge(bias);
    double noncentrality = 0;
    for (std::size_t g = 0; g < p.size(); ++g) noncentrality += p[g] > 0 ? delta[g] * delta[g] / p[g] : 0;
    const double degrees = static_cast<double>(p.size()) - 1;
    double inverses = 0;
    for (const double mass : p) inverses += mass > 0 ? 1 / mass : 0;
    const double asymmetry = sampling_.inverse_size - 2 * sampling_.reference_inverse_size;
    const double excess = (inverses - 1) * (sampling_.inverse_size / 2 - asymmetry / 3);
    const double to_chi_square = 2 / sampling_.inverse_size / (degrees > 0 ? 1 + excess / degrees : 1);
    Null null = chi_square_null(value * to_chi_square, degrees,
                                noncentrality * sampling_.bias_signal / sampling_.inverse_size, sampling_.inverse_size);
    null.mean /= to_chi_square;
    null.deviation /= to_chi_square;
    return null;
  }

  int order() const override { return 2; }
  const char* defect_unit() const override {
    return sampling_.variance_ratio.empty() ? "relative, alternating between cells" : "the statistic itself";
  }

 private:
  static double divergence(const std::vector<double>& p, const std::vector<double>& q) {
    double sum = 0;
    for (std::size_t g = 0; g < p.size(); ++g) {
      sum += p[g] - q[g];
      if (q[g] > 0) sum += q[g] * std::log(q[g] / p[g]);
    }
    return sum;
  }

  MergedBins merged_;
  const Sampling& sampling_;
};

const Registered<StatisticFactory> registered_kl{
    Schema{"statistics",
           "kl",
           "Kullback-Leibler divergence sum q log(q/p) of the observed cell "
           "masses q from the reference p (likelihood-ratio statistic "
           "when multiplied by 2N).",
           "Kullback, Leibler 1951; Wilks 1938",
           {}},
    StatisticFactory{
        [](const Parameters&, const StatisticContext& context) { return std::make_unique<KullbackLeibler>(context); },
        1024, 65536}};

}  // namespace
}  // namespace fortet::comparisons
