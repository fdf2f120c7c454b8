/// Kinds geometric_brownian, cir and benes: closed forms that are not normal.
#include "fortet/laws/closed_forms.hpp"
#include "fortet/laws/gaussian_mixture.hpp"
#include "parameters.hpp"

namespace fortet::processes {

using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {
/// The point of a point mass; nothing for any other law.
std::optional<VectorXd> point_of(const laws::Law& law) {
  const auto mixture = law.as_mixture();
  if (!mixture || mixture->means().size() != 1 || !mixture->covariances()[0].isZero(0)) return std::nullopt;
  return mixture->means()[0];
}

/// dX_k = mu X_k dt + sigma X_k dW_k.
class GeometricBrownian : public Process {
 public:
  GeometricBrownian(int dimension, double horizon, double mu, double sigma)
      : Process(dimension, horizon), mu_(mu), sigma_(sigma) {}
  void drift(double, ConstPoints x, Points out) const override { multiple(mu_, x, out); }
  bool has_drift_divergence() const override { return true; }
  void drift_divergence(double, ConstPoints x, double* out) const override {
    std::fill_n(out, x.size(), mu_ * dimension());
  }
  NoiseShape noise_shape() const override { return NoiseShape::diagonal; }
  void noise(double, ConstPoints x, Points out) const override { multiple(sigma_, x, out); }
  void noise_derivative(double, ConstPoints x, Points out) const override {
    for (int k = 0; k < dimension(); ++k) std::fill_n(out.coordinate(k), x.size(), sigma_);
  }
  void diffusion_divergence(double, ConstPoints x, Points out) const override { multiple(2 * sigma_ * sigma_, x, out); }
  bool has_clock() const override { return true; }
  bool is_axis_separable() const override { return true; }
  std::optional<MatrixXd> linear_part(double) const override {
    return mu_ * MatrixXd::Identity(dimension(), dimension());
  }

  laws::LawPtr marginal(const laws::LawPtr& initial, double t) const override {
    if (t == 0) return initial;
    VectorXd mean, variance = VectorXd::Zero(dimension());
    if (const auto point = point_of(*initial); point && (point->array() > 0).all()) {
      mean = point->array().log();
    } else if (const auto* lognormal = dynamic_cast<const laws::Lognormal*>(initial.get())) {
      mean = lognormal->mean();
      variance = lognormal->deviation().array().square();
    } else {
      return nullptr;
    }
    return std::make_shared<laws::Lognormal>(mean.array() + (mu_ - sigma_ * sigma_ / 2) * t,
                                             (variance.array() + sigma_ * sigma_ * t).sqrt());
  }

  std::unique_ptr<const Transition> transition(double t0, double t1) const override {
    class Exact : public Transition {
     public:
      Exact(int dimension, double shift, double deviation)
          : dimension_(dimension), shift_(shift), deviation_(deviation) {}
      int draws() const override { return dimension_; }
      void apply(ConstPoints normals, Points x) const override {
        for (int k = 0; k < dimension_; ++k) {
          for (Index i = 0; i < x.size(); ++i) x(i, k) *= std::exp(shift_ + deviation_ * normals(i, k));
        }
      }

     private:
      int dimension_;
      double shift_, deviation_;
    };
    return std::make_unique<Exact>(dimension(), (mu_ - sigma_ * sigma_ / 2) * (t1 - t0), sigma_ * std::sqrt(t1 - t0));
  }

 private:
  static void multiple(double factor, ConstPoints x, Points out) {
    for (int k = 0; k < x.dimension(); ++k) {
      for (Index i = 0; i < x.size(); ++i) out(i, k) = factor * x(i, k);
    }
  }
  double mu_, sigma_;
};

/// dX = rate (mean - X) dt + sigma sqrt|X| dW: for X >= 0 the process of Cox, Ingersoll and Ross. The absolute value
/// (Higham and Mao 2005) defines the coefficients where a time step overshoots zero.
class CoxIngersollRoss : public Process {
 public:
  CoxIngersollRoss(double horizon, double rate, double mean, double sigma)
      : Process(1, horizon), rate_(rate), mean_(mean), sigma_(sigma) {}
  void drift(double, ConstPoints x, Points out) const override {
    for (Index i = 0; i < x.size(); ++i) out(i, 0) = rate_ * (mean_ - x(i, 0));
  }
  bool has_drift_divergence() const override { return true; }
  void drift_divergence(double, ConstPoints x, double* out) const override { std::fill_n(out, x.size(), -rate_); }
  NoiseShape noise_shape() const override { return NoiseShape::diagonal; }
  void noise(double, ConstPoints x, Points out) const override {
    for (Index i = 0; i < x.size(); ++i) out(i, 0) = sigma_ * std::sqrt(std::abs(x(i, 0)));
  }
  void noise_derivative(double, ConstPoints x, Points out) const override {
    for (Index i = 0; i < x.size(); ++i)
      out(i, 0) = std::copysign(0.5 * sigma_ / std::sqrt(std::abs(x(i, 0))), x(i, 0));
  }
  void diffusion_divergence(double, ConstPoints x, Points out) const override {
    for (Index i = 0; i < x.size(); ++i) out(i, 0) = std::copysign(sigma_ * sigma_, x(i, 0));
  }
  bool has_clock() const override { return true; }
  bool is_axis_separable() const override { return true; }
  std::optional<MatrixXd> linear_part(double) const override { return MatrixXd::Constant(1, 1, -rate_); }
  laws::LawPtr marginal(const laws::LawPtr& initial, double t) const override {
    if (t == 0) return initial;
    const auto point = point_of(*initial);
    if (!point || (*point)[0] < 0) return nullptr;
    const double scale = sigma_ * sigma_ * -std::expm1(-rate_ * t) / (4 * rate_);
    try {
      return laws::noncentral_chi_squared(scale, 4 * rate_ * mean_ / (sigma_ * sigma_),
                                          (*point)[0] * std::exp(-rate_ * t) / scale);
    } catch (const ParameterError& error) {
      throw ParameterError("initial", fmt::format("from x = {:g} at t = {:g}: {}", (*point)[0], t, error.what()));
    }
  }

 private:
  double rate_, mean_, sigma_;
};

/// dX = tanh X dt + dW. From x0: a mixture of N(x0 + t, t) and N(x0 - t, t) with weights e^{+-x0} / (2 cosh x0).
class Benes : public Process {
 public:
  explicit Benes(double horizon) : Process(1, horizon) {}
  void drift(double, ConstPoints x, Points out) const override {
    for (Index i = 0; i < x.size(); ++i) out(i, 0) = std::tanh(x(i, 0));
  }
  bool has_drift_divergence() const override { return true; }
  void drift_divergence(double, ConstPoints x, double* out) const override {
    for (Index i = 0; i < x.size(); ++i) out[i] = 1 / (std::cosh(x(i, 0)) * std::cosh(x(i, 0)));
  }
  NoiseShape noise_shape() const override { return NoiseShape::uniform; }
  double noise_level(double) const override { return 1; }
  bool has_potential() const override { return true; }
  void potential(ConstPoints x, double* out) const override {
    // -2 log cosh x, without overflow.
    for (Index i = 0; i < x.size(); ++i)
      out[i] = -2 * (std::abs(x(i, 0)) + std::log1p(std::exp(-2 * std::abs(x(i, 0)))) - std::log(2.0));
  }
  bool has_clock() const override { return true; }
  bool is_axis_separable() const override { return true; }

  laws::LawPtr marginal(const laws::LawPtr& initial, double t) const override {
    if (t == 0) return initial;
    const auto mixture = initial->as_mixture();
    if (!mixture || mixture->dimension() != 1) return nullptr;
    std::vector<double> weights;
    std::vector<VectorXd> means;
    for (std::size_t k = 0; k < mixture->means().size(); ++k) {
      if (!mixture->covariances()[k].isZero(0)) return nullptr;
      const double x = mixture->means()[k][0];
      for (double sign : {1.0, -1.0}) {
        weights.push_back(mixture->weights()[k] * upward(sign * x));
        means.push_back(VectorXd::Constant(1, x + sign * t));
      }
    }
    std::vector<MatrixXd> covariances(weights.size(), MatrixXd::Constant(1, 1, t));
    return std::make_shared<laws::GaussianMixture>(std::move(weights), std::move(means), std::move(covariances));
  }

  std::unique_ptr<const Transition> transition(double t0, double t1) const override {
    class Exact : public Transition {
     public:
      explicit Exact(double elapsed) : elapsed_(elapsed) {}
      int draws() const override { return 2; }
      void apply(ConstPoints normals, Points x) const override {
        for (Index i = 0; i < x.size(); ++i) {
          const double uniform = 0.5 * std::erfc(-normals(i, 1) / std::sqrt(2.0));
          x(i, 0) += (uniform < upward(x(i, 0)) ? elapsed_ : -elapsed_) + std::sqrt(elapsed_) * normals(i, 0);
        }
      }

     private:
      double elapsed_;
    };
    return std::make_unique<Exact>(t1 - t0);
  }

 private:
  static double upward(double x) { return 1 / (1 + std::exp(-2 * x)); }
};

const Registered<ProcessFactory> geometric_brownian{
    {"processes",
     "geometric_brownian",
     "dX_k = mu X_k dt + sigma X_k dW_k; lognormal from a point",
     "Black and Scholes, 1973",
     {defaulted("dimension", {Type::integer}, 1, "number of coordinates").between(1, laws::most_dimensions),
      horizon_parameter(), defaulted("mu", {Type::real}, 0.0, "rate of growth").unit("1/time"),
      required("sigma", {Type::real}, "volatility").positive()}},
    [](const Parameters& p, const ProcessContext&) -> ProcessPtr {
      return std::make_shared<GeometricBrownian>(dimension_of(p), p.real("horizon"), p.real("mu"), p.real("sigma"));
    }};

const Registered<ProcessFactory> cir{
    {"processes",
     "cir",
     "dX = rate (mean - X) dt + sigma sqrt(X) dW on X >= 0; noncentral chi-square from a point",
     "Cox, Ingersoll and Ross, 1985",
     {horizon_parameter(), required("rate", {Type::real}, "rate of attraction").positive().unit("1/time"),
      required("mean", {Type::real}, "long-run mean").positive(),
      required("sigma", {Type::real}, "noise level; 2 rate mean >= sigma^2 keeps X > 0").positive()}},
    [](const Parameters& p, const ProcessContext&) -> ProcessPtr {
      return std::make_shared<CoxIngersollRoss>(p.real("horizon"), p.real("rate"), p.real("mean"), p.real("sigma"));
    }};

const Registered<ProcessFactory> benes{{"processes",
                                        "benes",
                                        "dX = tanh X dt + dW; from a point a mixture of two normal laws",
                                        "Benes, 1981",
                                        {horizon_parameter()}},
                                       [](const Parameters& p, const ProcessContext&) -> ProcessPtr {
                                         return std::make_shared<Benes>(p.real("horizon"));
                                       }};
}  // namespace

}  // namespace fortet::processes
