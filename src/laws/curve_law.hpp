#pragma once
#include "fortet/laws/law.hpp"

namespace fortet::laws {

/// One smooth piece of a plane curve, parametrised by u uniform in [0, 1].
struct CurvePiece {
  double weight;  ///< probability of the piece
  double length;  ///< upper bound of its length, for the number of quadrature nodes
  std::function<std::array<double, 2>(double u)> point;
};

/// Law of point(u) + N(0, deviation^2 I): the piece chosen by weight, u uniform on it. Density and score by
/// Gauss-Legendre quadrature over u: a normal mixture with nodes so dense that its error is below 1e-12 of the largest
/// density. Samples are drawn from the curve itself.
LawPtr curve_law(std::vector<CurvePiece> pieces, double deviation);

}  // namespace fortet::laws
