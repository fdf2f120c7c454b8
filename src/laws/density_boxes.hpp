#pragma once
/// A partition of a box into boxes on which exp(-potential/temperature) hardly varies: fine where it has mass, coarse
/// elsewhere, however large the box is.
#include <array>
#include <functional>

#include "fortet/base/expression.hpp"
#include "fortet/laws/law.hpp"

namespace fortet::laws {

struct DensityBox {
  std::array<double, 3> lower{}, upper{};
  double log_bound = 0;      ///< upper bound of -potential/temperature, as far as values and slopes on a lattice tell
  double log_mass = 0;       ///< logarithm of the integral of exp(-potential/temperature), by Gauss-Legendre quadrature
  int widest = 0;            ///< axis along which the bound varies most
  bool is_singular = false;  ///< the bound is infinite: a pole of the density stands in it
  std::array<double, 3> before{};  ///< log_mass of the boxes that it was cut from, the last first
};

class DensityBoxes {
 public:
  /// Cuts the box until a point drawn under the bounds is accepted with the probability that suits the dimension, or
  /// the boxes are as many as are worth it. Throws ParameterError("potential") where the potential is not a number, and
  /// for a density that cannot be integrated, with the place and the reason.
  DensityBoxes(const Expression& potential, double temperature, const std::vector<double>& lower,
               const std::vector<double>& upper);
  const std::vector<DensityBox>& boxes() const { return boxes_; }
  double acceptance() const;  ///< integral over that of the bounds

 private:
  void measure(DensityBox& box);
  std::vector<double> values(const PointArray& x, const DensityBox& box);
  void refuse_pole(const DensityBox& box) const;
  bool refine();
  std::string place(const DensityBox& box) const;

  const Expression& potential_;
  double temperature_;
  int dimension_;
  std::vector<Expression> slopes_;
  std::vector<DensityBox> boxes_;
};

}  // namespace fortet::laws
