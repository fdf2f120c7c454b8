#pragma once
#include "fortet/laws/law.hpp"

namespace fortet::laws {

/// A segment of a family of lines: points origin + v direction, with v drawn from one law for all.
struct Ruling {
  std::array<double, 2> origin, direction;
};

/// Law of origin(u) + V direction(u) in the plane, u and V independent. It has samples, cell masses and moments; its
/// density may be infinite where the lines envelop a curve, so it offers neither log density nor score.
struct RuledFamily {
  double begin, end;            ///< range of u that is integrated over
  std::vector<double> weights;  ///< probabilities of the branches
  std::function<Ruling(std::size_t branch, double u)> ruling;
  std::function<double(double u)> density;             ///< of u on [begin, end]
  std::function<double(double a, double b)> interval;  ///< probability of V in [a, b]
  double mean = 0, variance = 0;                       ///< of V
  double lowest = 0, highest = 0;                      ///< range of V that carries all but rounding
  /// u and V from two uniform and two standard normal numbers.
  std::function<std::array<double, 2>(const std::array<double, 2>& uniforms, const std::array<double, 2>& normals)>
      draw;
};

LawPtr ruled_law(RuledFamily family);

}  // namespace fortet::laws
