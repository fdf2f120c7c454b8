#include "flux_coefficients.hpp"

namespace fortet::densities {

void flux_coefficients(const processes::Process& process, double t, ConstPoints x, Points drift, Points diffusion) {
  const int d = process.dimension();
  const bool additive = process.noise_is_additive();
  std::vector<double> scratch(additive ? 0 : std::min<Index>(x.size(), block_size) * d);
  for (Index begin = 0; begin < x.size(); begin += block_size) {
    const Index count = std::min(block_size, x.size() - begin);
    const ConstPoints points = x.slice(begin, count);
    const Points b = drift.slice(begin, count), a = diffusion.slice(begin, count);
    process.drift(t, points, b);
    process.diffusion(t, points, a);
    for (int k = 0; k < a.dimension(); ++k) {
      for (Index i = 0; i < count; ++i) a(i, k) *= 0.5;
    }
    if (additive) continue;
    const Points divergence(scratch.data(), count, d);
    process.diffusion_divergence(t, points, divergence);
    for (int k = 0; k < d; ++k) {
      for (Index i = 0; i < count; ++i) b(i, k) -= 0.5 * divergence(i, k);
    }
  }
}

void axis_coefficients(const processes::Process& process, double t, ConstPoints x, int axis, double* drift,
                       double* diffusion) {
  const int d = process.dimension();
  const int diagonal = diagonal_column(d, axis);
  const Index block = std::min<Index>(x.size(), block_size);
  PointArray b(block, d), half_a(block, d * (d + 1) / 2);
  for (Index begin = 0; begin < x.size(); begin += block_size) {
    const Index count = std::min(block_size, x.size() - begin);
    flux_coefficients(process, t, x.slice(begin, count), b.view().slice(0, count), half_a.view().slice(0, count));
    std::copy_n(b.view().coordinate(axis), count, drift + begin);
    std::copy_n(half_a.view().coordinate(diagonal), count, diffusion + begin);
  }
}

}  // namespace fortet::densities
