#include <boost/math/distributions/non_central_chi_squared.hpp>
#include <boost/math/special_functions/bessel.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <numbers>

#include "fortet/laws/closed_forms.hpp"
#include "quadrature.hpp"

namespace fortet::laws {

namespace {
/// I_{order+1}(z) / I_order(z) by Gauss' continued fraction, order > -1.
double bessel_ratio(double order, double z) {
  if (z == 0) return 0;
  // Evaluated from a tail that is long enough: partial denominators 2 (order + k) / z exceed 2 from k ~ z on, where the
  // fraction converges.
  double value = 0;
  for (int k = static_cast<int>(z) + 60; k >= 1; --k) value = 1 / (2 * (order + k) / z + value);
  return value;
}

/// log I_order(z); by Hankel's expansion where I would overflow.
double log_bessel(double order, double z) {
  if (z < 500) return std::log(boost::math::cyl_bessel_i(order, z));
  double sum = 1, term = 1;
  for (int k = 1; k < 30; ++k) {
    const double next = -term * (4 * order * order - (2 * k - 1) * (2 * k - 1)) / (8 * k * z);
    if (std::abs(next) > std::abs(term)) break;
    sum += term = next;
  }
  return z - 0.5 * std::log(2 * std::numbers::pi * z) + std::log(sum);
}

class NoncentralChiSquared : public Law {
 public:
  NoncentralChiSquared(double scale, double degrees, double noncentrality)
      : Law(1), scale_(scale), degrees_(degrees), noncentrality_(noncentrality) {
    if (!(scale > 0 && degrees > 0 && noncentrality >= 0) || !std::isfinite(scale + degrees + noncentrality)) {
      throw ParameterError("degrees", "expected positive scale and degrees, and a nonnegative noncentrality");
    }
    for (const auto& [key, value] : {std::pair{"degrees", degrees}, std::pair{"noncentrality", noncentrality}}) {
      if (value <= most_) continue;
      throw ParameterError(key,
                           fmt::format("a noncentral chi-square law is computed up to {} = {:g}, found {:g}: there it "
                                       "is normal",
                                       key, most_, value));
    }
  }

  void sample(const parallel::Stream& stream, std::int64_t first, Points out) const override {
    // A Poisson mixture of central laws: degrees + 2 N degrees of freedom with N ~ Poisson(noncentrality / 2).
    const double mean = noncentrality_ / 2;
    for (Index i = 0; i < out.size(); ++i) {
      const double u = stream.uniform(first + i, 0, 0), v = stream.uniform(first + i, 0, 1);
      // Inversion of the cumulative sum, which starts from an underflow past a mean of 700; there from the incomplete
      // gamma function.
      double count = 0;
      if (mean < 700) {
        double probability = std::exp(-mean), sum = probability;
        while (u > sum && probability > 0) {
          count += 1;
          probability *= mean / count;
          sum += probability;
        }
      } else {
        count = std::floor(mean);
        while (boost::math::gamma_q(count + 1, mean) < u) count += 1;
        while (count > 0 && boost::math::gamma_q(count, mean) >= u) count -= 1;
      }
      out(i, 0) = 2 * scale_ * boost::math::gamma_p_inv(degrees_ / 2 + count, v);
    }
  }

  void log_density(ConstPoints x, double* out) const override {
    const double order = degrees_ / 2 - 1;
    for (Index i = 0; i < x.size(); ++i) {
      const double y = x(i, 0) / scale_;
      if (!(y > 0)) {
        out[i] = -std::numeric_limits<double>::infinity();
      } else if (noncentrality_ == 0) {
        out[i] = order * std::log(y / 2) - y / 2 - std::lgamma(degrees_ / 2) - std::log(2 * scale_);
      } else {
        out[i] = -(y + noncentrality_) / 2 + order / 2 * std::log(y / noncentrality_) +
                 log_bessel(order, std::sqrt(noncentrality_ * y)) - std::log(2 * scale_);
      }
    }
  }

  void score(ConstPoints x, Points out) const override {
    const double order = degrees_ / 2 - 1;
    for (Index i = 0; i < x.size(); ++i) {
      const double y = x(i, 0) / scale_;
      const double bessel = noncentrality_ > 0
                                ? std::sqrt(noncentrality_ / y) / 2 * bessel_ratio(order, std::sqrt(noncentrality_ * y))
                                : 0;
      out(i, 0) = (-0.5 + order / y + bessel) / scale_;
    }
  }

  void cell_masses(const std::vector<std::vector<double>>& edges, std::span<double> out) const override {
    check_edges(edges, 1, out.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
      const double a = edges[0][i], b = edges[0][i + 1];
      // Differences of the smaller of the two tails.
      out[i] = a > scale_ * (degrees_ + noncentrality_) ? probability(a, true) - probability(b, true)
                                                        : probability(b, false) - probability(a, false);
    }
  }

  Moments moments() const override {
    return {Eigen::VectorXd::Constant(1, scale_ * (degrees_ + noncentrality_)),
            Eigen::MatrixXd::Constant(1, 1, 2 * scale_ * scale_ * (degrees_ + 2 * noncentrality_))};
  }

 private:
  double probability(double x, bool upper) const {
    if (!(x > 0)) return upper ? 1 : 0;
    if (std::isinf(x)) return upper ? 0 : 1;
    if (noncentrality_ == 0) {
      return upper ? boost::math::gamma_q(degrees_ / 2, x / scale_ / 2)
                   : boost::math::gamma_p(degrees_ / 2, x / scale_ / 2);
    }
    const boost::math::non_central_chi_squared law(degrees_, noncentrality_);
    return upper ? boost::math::cdf(boost::math::complement(law, x / scale_)) : boost::math::cdf(law, x / scale_);
  }

  static constexpr double most_ = 1e8;  ///< beyond it the series of the distribution function takes too many terms
  double scale_, degrees_, noncentrality_;
};

const Registered<LawFactory> kind{
    {"laws",
     "noncentral_chi_squared",
     "scale * chi'^2 with `degrees` degrees of freedom; a gamma law when the noncentrality is 0",
     "",
     {defaulted("scale", {Type::real}, 1.0, "factor").positive(),
      required("degrees", {Type::real}, "degrees of freedom").positive(),
      defaulted("noncentrality", {Type::real}, 0.0, "noncentrality").nonnegative()}},
    [](const Parameters& p, const LawContext&) {
      return noncentral_chi_squared(p.real("scale"), p.real("degrees"), p.real("noncentrality"));
    }};
}  // namespace

LawPtr noncentral_chi_squared(double scale, double degrees, double noncentrality) {
  return std::make_shared<NoncentralChiSquared>(scale, degrees, noncentrality);
}

}  // namespace fortet::laws
