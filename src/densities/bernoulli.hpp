#pragma once
/// Exponential fitting (Scharfetter, Gummel 1969; Chang, Cooper 1970): rates across one face.
#include <cmath>

namespace fortet::densities {

/// Rates of the flux J = up p_i - down p_{i+1} with J = (D/h) [B(-z) p_i - B(z) p_{i+1}], B(z) = z / (e^z - 1). Both
/// are nonnegative and accurate in every component; up / down = e^z to round-off.
struct FaceRates {
  double up, down;
};

/// `z` = b h / D, or the drop V_i - V_{i+1} of the dimensionless potential; D > 0.
inline FaceRates fitted_rates(double conductance, double z) {
  const double size = std::abs(z);
  if (size == 0) return {conductance, conductance};
  const double d = -std::expm1(-size), with = conductance * size / d, against = with * std::exp(-size);
  return z > 0 ? FaceRates{with, against} : FaceRates{against, with};
}

/// As above from drift b, diffusion D >= 0 and distance h; upwind rates where D = 0.
inline FaceRates fitted_rates(double drift, double diffusion, double distance) {
  const double z = drift * distance / diffusion;
  // The limit of vanishing diffusion; also where the quotient overflows.
  if (!(diffusion > 0) || std::isinf(z)) return {drift > 0 ? drift : 0.0, drift < 0 ? -drift : 0.0};
  return fitted_rates(diffusion / distance, z);
}

}  // namespace fortet::densities
