/// Kind ddpm: the chain X_{k+1} = sqrt(1 - beta_k) X_k + sqrt(beta_k) eps read in continuous time.
#include <numbers>

#include "fortet/processes/linear_noising.hpp"
#include "fortet/processes/schedule.hpp"
#include "parameters.hpp"

namespace fortet::processes {

namespace {
/// Constant on each of N steps of length horizon / N, with exp(-int over step k) = 1 - beta_k.
class ChainSchedule : public Schedule {
 public:
  ChainSchedule(const std::vector<double>& betas, double horizon)
      : step_(horizon / static_cast<double>(betas.size())), sums_{0} {
    for (double beta : betas) {
      rates_.push_back(-std::log1p(-beta) / step_);
      sums_.push_back(sums_.back() - std::log1p(-beta));
    }
  }
  double rate(double t) const override { return rates_[step_of(t)]; }
  double integral(double t) const override {
    const std::size_t k = step_of(t);
    return sums_[k] + rates_[k] * (t - static_cast<double>(k) * step_);
  }

 private:
  std::size_t step_of(double t) const {
    return std::min(rates_.size() - 1, static_cast<std::size_t>(std::max(0.0, std::floor(t / step_))));
  }
  double step_;
  std::vector<double> rates_, sums_;
};

const Registered<ProcessFactory> ddpm{
    {"processes",
     "ddpm",
     "Chain X_{k+1} = sqrt(1 - beta_k) X_k + sqrt(beta_k) eps as a VP diffusion with piecewise constant rate: at times "
     "k horizon/steps its laws and transitions are those of the chain",
     "Ho, Jain and Abbeel, 2020; Nichol and Dhariwal, 2021",
     {dimension_parameter(), horizon_parameter(),
      defaulted("steps", {Type::integer}, 1000, "length N of the chain").between(1, 1000000),
      defaulted("betas", {Type::choice}, "linear", "beta_k linear between `from` and `to`, or cosine (beta_k <= 0.999)")
          .one_of({"linear", "cosine"}),
      defaulted("from", {Type::real}, 1e-4, "first beta of the linear chain").between(0, 0.9999),
      defaulted("to", {Type::real}, 0.02, "last beta of the linear chain").between(0, 0.9999),
      defaulted("offset", {Type::real}, 0.008, "offset of the cosine chain").positive()}},
    [](const Parameters& p, const ProcessContext&) -> ProcessPtr {
      const long steps = p.integer("steps");
      std::vector<double> betas;
      for (long k = 0; k < steps; ++k) {
        if (p.text("betas") == "linear") {
          betas.push_back(p.real("from") + (p.real("to") - p.real("from")) * static_cast<double>(k) /
                                               static_cast<double>(std::max(1L, steps - 1)));
          if (!(betas.back() > 0)) throw ParameterError("from", "expected positive betas");
        } else {
          const auto survival = [&](long i) {
            const double c = std::cos((static_cast<double>(i) / static_cast<double>(steps) + p.real("offset")) /
                                      (1 + p.real("offset")) * std::numbers::pi / 2);
            return c * c;
          };
          betas.push_back(std::min(0.999, 1 - survival(k + 1) / survival(k)));
        }
      }
      return variance_preserving(dimension_of(p), p.real("horizon"),
                                 std::make_shared<ChainSchedule>(betas, p.real("horizon")));
    }};
}  // namespace

}  // namespace fortet::processes
