/// Kinds brownian, ornstein_uhlenbeck, vp, ve and sub_vp.
#include "fortet/processes/schedule.hpp"
#include "fortet/processes/linear_noising.hpp"
#include "parameters.hpp"

namespace fortet::processes {

using Eigen::VectorXd;

namespace {
/// dX = -rate (X - m) dt + sigma dW; Brownian motion at rate 0.
class OrnsteinUhlenbeck : public LinearNoising {
 public:
  OrnsteinUhlenbeck(int dimension, double horizon, double rate, double sigma, VectorXd mean)
      : LinearNoising(dimension, horizon, std::move(mean)), rate_(rate), sigma_(sigma) {}
  double attraction(double) const override { return rate_; }
  double decay(double t0, double t1) const override { return std::exp(-rate_ * (t1 - t0)); }
  double variance(double t0, double t1) const override {
    const double elapsed = t1 - t0;
    return sigma_ * sigma_ * (rate_ == 0 ? elapsed : -std::expm1(-2 * rate_ * elapsed) / (2 * rate_));
  }
  NoiseShape noise_shape() const override { return sigma_ == 0 ? NoiseShape::none : NoiseShape::uniform; }
  double noise_level(double) const override { return sigma_; }
  bool has_potential() const override { return sigma_ > 0; }
  void potential(ConstPoints x, double* out) const override { quadratic(rate_ / (sigma_ * sigma_), x, out); }
  bool has_clock() const override { return true; }

 private:
  double rate_, sigma_;
};

class VariancePreserving : public LinearNoising {
 public:
  VariancePreserving(int dimension, double horizon, SchedulePtr beta)
      : LinearNoising(dimension, horizon), beta_(std::move(beta)) {}
  double attraction(double t) const override { return beta_->rate(t) / 2; }
  double decay(double t0, double t1) const override { return std::exp(-between(t0, t1) / 2); }
  double variance(double t0, double t1) const override { return -std::expm1(-between(t0, t1)); }
  double noise_level(double t) const override { return std::sqrt(beta_->rate(t)); }
  bool has_potential() const override { return true; }
  void potential(ConstPoints x, double* out) const override { quadratic(0.5, x, out); }
  bool has_clock() const override { return true; }
  double clock_rate(double t) const override { return beta_->rate(t); }
  double clock(double t) const override { return beta_->integral(t); }

 private:
  double between(double t0, double t1) const { return beta_->integral(t1) - beta_->integral(t0); }
  SchedulePtr beta_;
};

/// lambda = beta/2, g^2 = beta (1 - e^{-2B}), B = int_0^t beta; from zero, sigma^2 = (1 - e^{-B})^2.
class SubVariancePreserving : public LinearNoising {
 public:
  SubVariancePreserving(int dimension, double horizon, SchedulePtr beta)
      : LinearNoising(dimension, horizon), beta_(std::move(beta)) {}
  double attraction(double t) const override { return beta_->rate(t) / 2; }
  double decay(double t0, double t1) const override {
    return std::exp(-(beta_->integral(t1) - beta_->integral(t0)) / 2);
  }
  double variance(double t0, double t1) const override {
    const double from = beta_->integral(t0), to = beta_->integral(t1);
    return std::expm1(-(to - from)) * std::expm1(-(to + from));
  }
  double noise_level(double t) const override {
    return std::sqrt(beta_->rate(t) * -std::expm1(-2 * beta_->integral(t)));
  }

 private:
  SchedulePtr beta_;
};

/// dX = g dW with int_0^t g^2 given by a schedule.
class VarianceExploding : public LinearNoising {
 public:
  VarianceExploding(int dimension, double horizon, SchedulePtr squared_noise)
      : LinearNoising(dimension, horizon), squared_noise_(std::move(squared_noise)) {}
  double attraction(double) const override { return 0; }
  double decay(double, double) const override { return 1; }
  double variance(double t0, double t1) const override {
    return squared_noise_->integral(t1) - squared_noise_->integral(t0);
  }
  double noise_level(double t) const override { return std::sqrt(squared_noise_->rate(t)); }
  bool has_potential() const override { return true; }
  void potential(ConstPoints x, double* out) const override { std::fill_n(out, x.size(), 0.0); }
  bool has_clock() const override { return true; }
  double clock_rate(double t) const override { return squared_noise_->rate(t); }
  double clock(double t) const override { return squared_noise_->integral(t); }

 private:
  SchedulePtr squared_noise_;
};

/// g^2 of sigma(t) = sigma_min (sigma_max / sigma_min)^(t/T).
class GeometricVariance : public Schedule {
 public:
  GeometricVariance(double smallest, double largest, double horizon)
      : smallest_(smallest), growth_(2 * std::log(largest / smallest) / horizon) {}
  double rate(double t) const override { return smallest_ * smallest_ * growth_ * std::exp(growth_ * t); }
  double integral(double t) const override { return smallest_ * smallest_ * std::expm1(growth_ * t); }

 private:
  double smallest_, growth_;
};

Parameter beta_parameter() {
  return required("beta", {Type::real, Type::kind}, "noise rate beta(t): a number or a schedule")
      .of("schedules")
      .positive()
      .unit("1/time");
}

const Registered<ProcessFactory> brownian{
    {"processes",
     "brownian",
     "Brownian motion dX = sigma dW",
     "",
     {dimension_parameter(), horizon_parameter(),
      defaulted("sigma", {Type::real}, 1.0, "noise level").positive().unit("length/sqrt(time)")}},
    [](const Parameters& p, const ProcessContext&) -> ProcessPtr {
      return std::make_shared<OrnsteinUhlenbeck>(dimension_of(p), p.real("horizon"), 0.0, p.real("sigma"),
                                                 VectorXd::Zero(dimension_of(p)));
    }};

const Registered<ProcessFactory> ornstein_uhlenbeck{
    {"processes",
     "ornstein_uhlenbeck",
     "dX = -rate (X - mean) dt + sigma dW",
     "Uhlenbeck and Ornstein, 1930",
     {dimension_parameter(), horizon_parameter(),
      defaulted("rate", {Type::real}, 1.0, "rate of attraction").unit("1/time"),
      defaulted("sigma", {Type::real}, 1.4142135623730951,
                "noise level; the default sqrt(2) leaves the standard normal law invariant")
          .nonnegative(),
      optional("mean", {Type::reals}, "centre, default: the origin")}},
    [](const Parameters& p, const ProcessContext&) -> ProcessPtr {
      return std::make_shared<OrnsteinUhlenbeck>(dimension_of(p), p.real("horizon"), p.real("rate"), p.real("sigma"),
                                                 vector_parameter(p, "mean", dimension_of(p)));
    }};

const Registered<ProcessFactory> vp{{"processes",
                                     "vp",
                                     "Variance-preserving diffusion dX = -beta(t)/2 X dt + sqrt(beta(t)) dW",
                                     "Song et al., 2021",
                                     {dimension_parameter(), horizon_parameter(), beta_parameter()}},
                                    [](const Parameters& p, const ProcessContext&) -> ProcessPtr {
                                      return variance_preserving(dimension_of(p), p.real("horizon"),
                                                                 make_schedule(p, "beta", p.real("horizon")));
                                    }};

const Registered<ProcessFactory> sub_vp{
    {"processes",
     "sub_vp",
     "Sub-VP diffusion dX = -beta(t)/2 X dt + sqrt(beta(t) (1 - exp(-2 int_0^t beta))) dW",
     "Song et al., 2021",
     {dimension_parameter(), horizon_parameter(), beta_parameter()}},
    [](const Parameters& p, const ProcessContext&) -> ProcessPtr {
      return std::make_shared<SubVariancePreserving>(dimension_of(p), p.real("horizon"),
                                                     make_schedule(p, "beta", p.real("horizon")));
    }};

const Registered<ProcessFactory> ve{
    {"processes",
     "ve",
     "Variance-exploding diffusion dX = g(t) dW, Var(X_t | X_0) = sigma(t)^2 - sigma(0)^2 with sigma(t) = sigma_min "
     "(sigma_max/sigma_min)^(t/horizon), or g^2 a schedule",
     "Song et al., 2021",
     {dimension_parameter(), horizon_parameter(),
      defaulted("sigma_min", {Type::real}, 0.01, "noise level at time 0").positive(),
      defaulted("sigma_max", {Type::real}, 50.0, "noise level at the horizon").positive(),
      optional("squared_noise", {Type::real, Type::kind},
               "g(t)^2 as a number or a schedule, instead of the geometric sigma(t)")
          .of("schedules")
          .positive()}},
    [](const Parameters& p, const ProcessContext&) -> ProcessPtr {
      const double horizon = p.real("horizon");
      if (p.has("squared_noise")) {
        return std::make_shared<VarianceExploding>(dimension_of(p), horizon,
                                                   make_schedule(p, "squared_noise", horizon));
      }
      if (!(p.real("sigma_max") > p.real("sigma_min"))) {
        throw ParameterError("sigma_max", fmt::format("expected more than sigma_min = {}, found {}",
                                                      p.real("sigma_min"), p.real("sigma_max")));
      }
      return std::make_shared<VarianceExploding>(
          dimension_of(p), horizon,
          std::make_shared<GeometricVariance>(p.real("sigma_min"), p.real("sigma_max"), horizon));
    }};
}  // namespace

ProcessPtr variance_preserving(int dimension, double horizon, SchedulePtr beta) {
  return std::make_shared<VariancePreserving>(dimension, horizon, std::move(beta));
}

}  // namespace fortet::processes
