/// Kinds moons, scurve, swiss_roll and circles: plane curves with noise, in the variants of published benchmark code.
#include <numbers>

#include "curve_law.hpp"
#include "ruled_law.hpp"

namespace fortet::laws {

using std::numbers::pi;

namespace {
/// Two half circles: upper (cos a, sin a) and lower (1 - cos a, 1/2 - sin a), a in [0, pi].
std::array<double, 2> moon(std::size_t which, double angle) {
  if (which == 0) return {std::cos(angle), std::sin(angle)};
  return {1 - std::cos(angle), 0.5 - std::sin(angle)};
}

/// scale * (moons + N(0, noise^2)) + shift.
LawPtr noisy_moons(double noise, double scale, double shift) {
  std::vector<CurvePiece> pieces;
  for (std::size_t which : {0, 1}) {
    pieces.push_back({0.5, scale * pi, [=](double u) {
                        const auto [x, y] = moon(which, pi * u);
                        return std::array{scale * x + shift, scale * y + shift};
                      }});
  }
  return curve_law(std::move(pieces), scale * noise);
}

/// noise 0.1, then minus the mean and divided by the standard deviation of all coordinates together (of the law, not of
/// one sample), times 7.
LawPtr standardised_moons() {
  constexpr double noise = 0.1;
  const double mean = 0.375;  // mean x 1/2, mean y 1/4
  const double square =
      ((1.0 + (1.25 - 2 / pi) / 2) / 2) + noise * noise;  // mean x^2 is 1, mean y^2 is (1/2 + 3/4 - 2/pi)/2
  const double scale = 7 / std::sqrt(square - mean * mean);
  return noisy_moons(noise, scale, -scale * mean);
}

/// One number, uniform in [0, 0.2), added to both coordinates; times 3, minus 1.
LawPtr shifted_moons() {
  RuledFamily family;
  family.begin = 0, family.end = pi;
  family.weights = {0.5, 0.5};
  family.ruling = [](std::size_t branch, double angle) {
    const auto [x, y] = moon(branch, angle);
    return Ruling{{3 * x - 1, 3 * y - 1}, {3, 3}};
  };
  constexpr double reach = 0.2;
  family.density = [](double) { return 1 / pi; };
  family.interval = [](double a, double b) { return (b - a) / reach; };
  family.mean = reach / 2, family.variance = reach * reach / 12;
  family.lowest = 0, family.highest = reach;
  family.draw = [](const std::array<double, 2>& uniforms, const std::array<double, 2>&) {
    return std::array{pi * uniforms[0], reach * uniforms[1]};
  };
  return ruled_law(std::move(family));
}

const Registered<LawFactory> moons{
    {"laws",
     "moons",
     "Two half circles. runner: normal noise 0.05, times 2, minus 1; tutorial: one uniform number in [0, 0.2) added to "
     "both coordinates, times 3, minus 1; dsb: normal noise 0.1, standardised by the mean and deviation of all "
     "coordinates, times 7",
     "Pedregosa et al., 2011; Tong et al., 2024; De Bortoli et al., 2021",
     {defaulted("variant", {Type::choice}, "runner", "published variant").one_of({"runner", "tutorial", "dsb"})}},
    [](const Parameters& p, const LawContext&) -> LawPtr {
      if (p.text("variant") == "tutorial") return shifted_moons();
      if (p.text("variant") == "dsb") return standardised_moons();
      return noisy_moons(0.05, 2, -1);
    }};

const Registered<LawFactory> scurve{
    {"laws",
     "scurve",
     "Curve (sin t, sign(t) (cos t - 1)), t uniform in [-3 pi/2, 3 pi/2], normal noise 0.05, times 1.5",
     "Pedregosa et al., 2011; Tong et al., 2024",
     {defaulted("variant", {Type::choice}, "runner", "published variant: runner").one_of({"runner"})}},
    [](const Parameters&, const LawContext&) -> LawPtr {
      constexpr double scale = 1.5;
      std::vector<CurvePiece> pieces;  // two, since the curvature jumps at t = 0
      for (double side : {-1.0, 1.0}) {
        pieces.push_back({0.5, scale * 1.5 * pi, [=](double u) {
                            const double t = 1.5 * pi * u;
                            return std::array{scale * side * std::sin(t), scale * side * (std::cos(t) - 1)};
                          }});
      }
      return curve_law(std::move(pieces), scale * 0.05);
    }};

const Registered<LawFactory> swiss_roll{
    {"laws",
     "swiss_roll",
     "Spiral (t cos t, t sin t), t = 3 pi/2 (1 + 2 u), normal noise 1, divided by 5",
     "Grathwohl et al., 2019 (ffjord)",
     {defaulted("variant", {Type::choice}, "ffjord", "published variant: ffjord").one_of({"ffjord"})}},
    [](const Parameters&, const LawContext&) -> LawPtr {
      // The outer turn is run through fastest: 3 pi times its radius 9 pi/2 bounds the length per unit of u.
      return curve_law({{1.0, 3 * pi * (4.5 * pi + 1) / 5,
                         [](double u) {
                           const double t = 1.5 * pi * (1 + 2 * u);
                           return std::array{t * std::cos(t) / 5, t * std::sin(t) / 5};
                         }}},
                       0.2);
    }};

const Registered<LawFactory> circles{
    {"laws",
     "circles",
     "Circles of radius 1 and 1/2 with equal weights, normal noise 0.08, times 3",
     "Grathwohl et al., 2019 (ffjord)",
     {defaulted("variant", {Type::choice}, "ffjord", "published variant: ffjord").one_of({"ffjord"})}},
    [](const Parameters&, const LawContext&) -> LawPtr {
      std::vector<CurvePiece> pieces;
      for (double radius : {3.0, 1.5}) {
        pieces.push_back({0.5, 2 * pi * radius, [=](double u) {
                            return std::array{radius * std::cos(2 * pi * u), radius * std::sin(2 * pi * u)};
                          }});
      }
      return curve_law(std::move(pieces), 0.24);
    }};
}  // namespace

}  // namespace fortet::laws
