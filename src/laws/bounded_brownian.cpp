/// Kind bounded_brownian: Brownian motion between two walls, by its eigenfunctions. With y the distance from the lower
/// wall, L the length, s^2 the variance and m the shift, a = m / s^2 and k = n pi / L:
///
///   absorbing   p = e^{a (y - y0) - m^2/2s^2} (2/L) sum_n sin(k y0) sin(k y) e^{-k^2 s^2/2}
///   reflecting  p = e^{2 a y} / int_0^L e^{2 a y} + e^{a (y - y0) - m^2/2s^2} (2/L) sum_n q_n(y0) q_n(y) e^{-k^2
///   s^2/2} / (1 + a^2/k^2),
///               q_n = cos k y + (a/k) sin k y
///
/// Carslaw, Jaeger 1959; the reflecting walls with drift are Robin conditions (a q = q') for e^{-a y} p.
#include <numbers>

#include "fortet/laws/law.hpp"
#include "quadrature.hpp"

namespace fortet::laws {

namespace {
using std::numbers::pi;

class BoundedBrownian : public Law {
 public:
  BoundedBrownian(double lower, double upper, double at, double variance, double shift, bool absorbing)
      : Law(1), lower_(lower), length_(upper - lower), slope_(shift / variance), absorbing_(absorbing) {
    const double start = at - lower;
    // The terms fall below 1e-18 of the first.
    const int terms = static_cast<int>(std::ceil(length_ / pi * std::sqrt(2 * 42 / variance))) + 1;
    for (int n = 1; n <= terms; ++n) {
      const double k = n * pi / length_;
      const double decay = std::exp(-k * k * variance / 2 - shift * shift / (2 * variance) - slope_ * start);
      wave_numbers_.push_back(k);
      amplitudes_.push_back(2 / length_ * decay *
                            (absorbing_ ? std::sin(k * start) : mode(k, start) / (1 + slope_ * slope_ / (k * k))));
    }
  }

  Capabilities capabilities() const override {
    Capabilities can;
    can.sample = can.moments = false;
    return can;
  }
  void sample(const parallel::Stream&, std::int64_t, Points) const override {
    throw UsageError("bounded_brownian has no sampler: let particles between walls draw from it");
  }

  void log_density(ConstPoints x, double* out) const override {
    for (Index i = 0; i < x.size(); ++i) {
      const double y = x(i, 0) - lower_;
      // What is not positive is below the rounding errors of the series.
      const double p = y >= 0 && y <= length_ ? density(y) : 0;
      out[i] = p > 0 ? std::log(p) : -std::numeric_limits<double>::infinity();
    }
  }
  void score(ConstPoints x, Points out) const override {
    for (Index i = 0; i < x.size(); ++i) {
      const double y = x(i, 0) - lower_;
      out(i, 0) = density_derivative(y) / density(y);
    }
  }
  void cell_masses(const std::vector<std::vector<double>>& edges, std::span<double> out) const override {
    check_edges(edges, 1, out.size());
    const auto below = [this](double edge) { return distribution(std::clamp(edge - lower_, 0.0, length_)); };
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::max(0.0, below(edges[0][i + 1]) - below(edges[0][i]));
  }

 private:
  double mode(double k, double y) const { return std::cos(k * y) + slope_ / k * std::sin(k * y); }
  /// e^{2 a y} / int_0^L e^{2 a y}: the equilibrium between reflecting walls.
  double equilibrium(double y) const {
    return slope_ == 0 ? 1 / length_ : 2 * slope_ * std::exp(2 * slope_ * y) / std::expm1(2 * slope_ * length_);
  }

  /// Sum of the amplitudes times term(k) times e^{a y}.
  template <class Term>
  double series(double y, const Term& term) const {
    double sum = 0;
    for (std::size_t n = 0; n < wave_numbers_.size(); ++n) sum += amplitudes_[n] * term(wave_numbers_[n]);
    return std::exp(slope_ * y) * sum;
  }
  double density(double y) const {
    if (absorbing_) return series(y, [=](double k) { return std::sin(k * y); });
    return equilibrium(y) + series(y, [=, this](double k) { return mode(k, y); });
  }
  double density_derivative(double y) const {
    const double a = slope_;
    if (absorbing_) return series(y, [=](double k) { return a * std::sin(k * y) + k * std::cos(k * y); });
    return 2 * a * equilibrium(y) +
           series(y, [=](double k) { return 2 * a * std::cos(k * y) + (a * a / k - k) * std::sin(k * y); });
  }
  /// An antiderivative of the density.
  double distribution(double y) const {
    const double a = slope_;
    if (absorbing_)
      return series(y, [=](double k) { return (a * std::sin(k * y) - k * std::cos(k * y)) / (a * a + k * k); });
    const double rest = a == 0 ? y / length_ : std::expm1(2 * a * y) / std::expm1(2 * a * length_);
    return rest + series(y, [=](double k) { return std::sin(k * y) / k; });
  }

  double lower_, length_, slope_;
  bool absorbing_;
  std::vector<double> wave_numbers_, amplitudes_;
};

const Registered<LawFactory> kind{
    {"laws",
     "bounded_brownian",
     "Brownian motion with drift from a point between two walls; of absorbing walls the mass that is left (the rest "
     "counts as outside)",
     "Carslaw and Jaeger, 1959",
     {required("lower", {Type::real}, "lower wall"), required("upper", {Type::real}, "upper wall"),
      required("at", {Type::real}, "the point it starts from"),
      required("variance", {Type::real}, "sigma^2 t of the motion without walls").positive(),
      defaulted("shift", {Type::real}, 0.0, "v t for the drift v"),
      required("walls", {Type::choice}, "what happens at the walls").one_of({"absorbing", "reflecting"})}},
    [](const Parameters& p, const LawContext&) -> LawPtr {
      const double lower = p.real("lower"), upper = p.real("upper"), at = p.real("at"), variance = p.real("variance");
      const double length = upper - lower, shift = p.real("shift");
      if (!(length > 0) || !std::isfinite(length)) {
        throw ParameterError("upper", fmt::format("expected more than lower = {}, found {}", lower, upper));
      }
      if (!(lower < at && at < upper))
        throw ParameterError("at", fmt::format("expected a point in ({}, {}), found {}", lower, upper, at));
      if (variance < 1e-6 * length * length) {
        throw ParameterError(
            "variance", "expected at least 1e-6 of the squared distance of the walls; below, the walls are not felt");
      }
      if (std::abs(shift) * length > 30 * variance) {
        throw ParameterError("shift",
                             "expected |shift| * (upper - lower) <= 30 variance: beyond, the series loses its digits");
      }
      return std::make_shared<BoundedBrownian>(lower, upper, at, variance, shift, p.text("walls") == "absorbing");
    }};
}  // namespace

}  // namespace fortet::laws
