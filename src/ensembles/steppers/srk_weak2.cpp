#include <cmath>

#include "../block_loops.hpp"
#include "fortet/ensembles/stepper.hpp"

namespace fortet::ensembles {
namespace {

using processes::NoiseShape;

/// Platen's explicit scheme of weak order 2 (Kloeden and Platen 1992, eq. 15.1.3), any noise. With g^j the column j of
/// G, and time advanced to t + h in the arguments that contain b h:
///     y = x + b h + sum_j g^j dW^j,   r^j+- = x + b h +- g^j sqrt(h),   u^j+- = x +- g^j sqrt(h)
///     x += 1/2 [b(y) + b] h
///        + 1/4 sum_j { [g^j(r^j+) + g^j(r^j-) + 2 g^j] dW^j + sum_{l != j} [g^j(u^l+) + g^j(u^l-) - 2 g^j] dW^j }
///        + 1/4 sum_j { [g^j(r^j+) - g^j(r^j-)] (dW^j^2 - h) + sum_{l != j} [g^j(u^l+) - g^j(u^l-)] (dW^j dW^l + V_lj)
///        } / sqrt(h)
/// where V_lj = +-h with equal chances for l < j, V_jl = -V_lj.
class WeakTwo : public Stepper {
 public:
  using Stepper::Stepper;
  void apply(const Step& step, const Prepared*, const Block& block, Workspace& workspace) const override {
    const Index n = block.x.size();
    const int d = dimension(), m = draws();
    const double h = step.size(), root = std::sqrt(h);
    const Points b = workspace.points(n, d), c = workspace.points(n, d), xi = workspace.points(n, m);
    const Points advanced = workspace.points(n, d), y = workspace.points(n, d), moved = workspace.points(n, d);
    increments(step, block.first, xi, workspace);
    drift(step.begin, block.x, b, workspace);
    combine(block.x, h, b, advanced);
    copy(advanced, y);
    add_noise(step.begin, block.x, root, xi, y, workspace);
    drift(step.end, y, c, workspace);
    combine(block.x, 0.5 * h, b, moved);
    add(moved, 0.5 * h, c);
    if (process().noise_is_additive()) {
      add_noise(step.begin, block.x, 0.5 * root, xi, moved, workspace);
      add_noise(step.end, block.x, 0.5 * root, xi, moved, workspace);
    } else {
      add_multiplicative_noise(step, block, xi, advanced, moved, workspace);
    }
    copy(moved, block.x);
  }

 private:
  /// All columns of G as d x m columns, whatever the shape of the noise.
  void matrix(double t, ConstPoints x, Points out, Points narrow) const {
    if (process().noise_shape() == NoiseShape::full) return process().noise(t, x, out);
    process().noise(t, x, narrow);
    fill(out, 0);
    for (int k = 0; k < dimension(); ++k) {
      std::copy_n(narrow.coordinate(narrow.dimension() == 1 ? 0 : k), x.size(), out.coordinate(k * dimension() + k));
    }
  }

  void add_multiplicative_noise(const Step& step, const Block& block, ConstPoints xi, ConstPoints advanced,
                                Points moved, Workspace& workspace) const {
    const Index n = block.x.size();
    const int d = dimension(), m = draws();
    const double h = step.size(), root = std::sqrt(h);
    const int narrow_columns = process().noise_shape() == NoiseShape::scalar ? 1 : d;
    const Points g = workspace.points(n, d * m), up = workspace.points(n, d * m), down = workspace.points(n, d * m);
    const Points narrow = workspace.points(n, narrow_columns), shifted = workspace.points(n, d);
    const Points signs = workspace.points(n, std::max(1, m * (m - 1) / 2));
    matrix(step.begin, block.x, g, narrow);
    if (m > 1) auxiliary_normals(step, block.first, m, signs);

    const auto evaluate_around = [&](double t, ConstPoints centre, int column) {
      for (const double sign : {1.0, -1.0}) {
        for (int k = 0; k < d; ++k) {
          const double *const base = centre.coordinate(k), *const gk = g.coordinate(k * m + column);
          double* const s = shifted.coordinate(k);
          const double amplitude = sign * root;
#pragma omp simd
          for (Index i = 0; i < n; ++i) s[i] = base[i] + amplitude * gk[i];
        }
        matrix(t, shifted, sign > 0 ? up : down, narrow);
      }
    };
    for (int l = 0; l < m; ++l) {
      evaluate_around(step.end, advanced, l);
      const double* const z = xi.coordinate(l);
      for (int k = 0; k < d; ++k) {
        const double *const gk = g.coordinate(k * m + l), *const p = up.coordinate(k * m + l),
                            *const q = down.coordinate(k * m + l);
        double* const x = moved.coordinate(k);
#pragma omp simd
        for (Index i = 0; i < n; ++i) {
          x[i] += 0.25 * root * ((p[i] + q[i] + 2 * gk[i]) * z[i] + (p[i] - q[i]) * (z[i] * z[i] - 1));
        }
      }
      if (m == 1) continue;
      evaluate_around(step.begin, block.x, l);
      for (int j = 0; j < m; ++j) {
        if (j == l) continue;
        const int low = std::min(j, l), high = std::max(j, l);
        const double* const sign = signs.coordinate(high * (high - 1) / 2 + low);
        const double* const zj = xi.coordinate(j);
        const double orientation = l < j ? 1.0 : -1.0;
        for (int k = 0; k < d; ++k) {
          const double *const gk = g.coordinate(k * m + j), *const p = up.coordinate(k * m + j),
                              *const q = down.coordinate(k * m + j);
          double* const x = moved.coordinate(k);
#pragma omp simd
          for (Index i = 0; i < n; ++i) {
            const double v = sign[i] < 0 ? -orientation : orientation;
            x[i] += 0.25 * root * ((p[i] + q[i] - 2 * gk[i]) * zj[i] + (p[i] - q[i]) * (zj[i] * z[i] + v));
          }
        }
      }
    }
  }
};

const Registered<StepperFactory> registered_srk_weak2{
    {"steppers",
     "srk_weak2",
     "Platen's explicit stochastic Runge-Kutta scheme of weak order 2, any noise",
     "Kloeden and Platen 1992, eq. 15.1.3",
     {}},
    [](const Parameters&, const StepperContext& context) -> StepperPtr { return std::make_unique<WeakTwo>(context); }};

}  // namespace
}  // namespace fortet::ensembles
