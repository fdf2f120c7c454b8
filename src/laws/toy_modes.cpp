/// Kinds eight_gaussians and pinwheel, in the variants of published benchmark code.
#include <numbers>

#include "mixture_law.hpp"
#include "quadrature.hpp"
#include "ruled_law.hpp"

namespace fortet::laws {

using std::numbers::pi;

namespace {
std::shared_ptr<const GaussianMixture> ring(double radius, double deviation) {
  std::vector<Eigen::VectorXd> means;
  for (int k = 0; k < 8; ++k) {
    means.emplace_back(2);
    means.back() << radius * std::cos(k * pi / 4), radius * std::sin(k * pi / 4);
  }
  return std::make_shared<GaussianMixture>(
      std::vector<double>(8, 0.125), std::move(means),
      std::vector<Eigen::MatrixXd>(8, Eigen::MatrixXd::Identity(2, 2) * deviation * deviation));
}

/// Sample number i belongs to mode i mod 8, so that every eight consecutive samples hold one of each.
class StratifiedRing : public MixtureLaw {
 public:
  StratifiedRing(double radius, double deviation) : MixtureLaw(ring(radius, deviation)), deviation_(deviation) {}
  void sample(const parallel::Stream& stream, std::int64_t first, Points out) const override {
    stream.normals(first, 1, out);
    for (Index i = 0; i < out.size(); ++i) {
      const auto mean = mixture().means()[static_cast<std::size_t>((first + i) % 8)];
      for (int k = 0; k < 2; ++k) out(i, k) = mean[k] + deviation_ * out(i, k);
    }
  }

 private:
  double deviation_;
};

const Registered<LawFactory> eight_gaussians{
    {"laws",
     "eight_gaussians",
     "Eight normal modes on a ring. runner: radius 5, deviation 1, sample i in mode i mod 8; tutorial: radius 5, "
     "covariance sqrt(0.1) I; dsb: radius 12, deviation 1.5",
     "Tong et al., 2024; De Bortoli et al., 2021",
     {defaulted("variant", {Type::choice}, "runner", "published variant").one_of({"runner", "tutorial", "dsb"})}},
    [](const Parameters& p, const LawContext&) -> LawPtr {
      if (p.text("variant") == "tutorial") return ring(5, std::sqrt(std::sqrt(0.1)));
      if (p.text("variant") == "dsb") return ring(12, 1.5);
      return std::make_shared<StratifiedRing>(5, 1);
    }};

const Registered<LawFactory> pinwheel{
    {"laws",
     "pinwheel",
     "Five arms: (1 + 0.3 z, 0.1 z') turned by 2 pi k/5 + exp(1 + 0.3 z)/4 clockwise, times 2",
     "Johnson et al., 2016; Grathwohl et al., 2019 (ffjord)",
     {defaulted("variant", {Type::choice}, "ffjord", "published variant: ffjord").one_of({"ffjord"})}},
    [](const Parameters&, const LawContext&) -> LawPtr {
      constexpr double radial = 0.3, tangential = 0.1, rate = 0.25, reach = 9;
      RuledFamily family;
      family.begin = 1 - reach * radial, family.end = 1 + reach * radial;
      family.weights.assign(5, 0.2);
      family.ruling = [](std::size_t branch, double radius) {
        const double angle = 2 * pi * static_cast<double>(branch) / 5 + rate * std::exp(radius);
        const double c = std::cos(angle), s = std::sin(angle);
        return Ruling{{2 * radius * c, -2 * radius * s}, {2 * s, 2 * c}};
      };
      family.density = [](double u) {
        const double z = (u - 1) / radial;
        return std::exp(-z * z / 2) / (radial * std::sqrt(2 * pi));
      };
      family.interval = [](double a, double b) { return normal_interval(a / tangential, b / tangential); };
      family.variance = tangential * tangential;
      family.lowest = -reach * tangential, family.highest = reach * tangential;
      family.draw = [](const std::array<double, 2>&, const std::array<double, 2>& normals) {
        return std::array{1 + radial * normals[0], tangential * normals[1]};
      };
      return ruled_law(std::move(family));
    }};
}  // namespace

}  // namespace fortet::laws
