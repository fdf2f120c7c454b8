#include "reference.hpp"

#include "fortet/processes/not_finite.hpp"
#include "grid_sum.hpp"

namespace fortet::bridges {

void require_finite(const processes::Process& reference, const densities::Grid& grid) {
  parallel::together(grid.communicator(), [&] {
    PointArray x(block_size, grid.dimension());
    for (Index begin = 0; begin < grid.local_count(); begin += block_size) {
      const Index count = std::min(block_size, grid.local_count() - begin);
      grid.local_centres(begin, x.view().slice(0, count));
      const auto found =
          processes::first_not_finite(reference, reference.horizon() / 2, ConstPoints(x.view().slice(0, count)));
      if (found) {
        throw ParameterError(
            "process", fmt::format("on the grid the reference has a value that is not finite: {}", found->text()));
      }
    }
  });
}

void require_noise_everywhere(const processes::Process& reference, const densities::Grid& grid) {
  const int d = grid.dimension();
  if (reference.noise_shape() == processes::NoiseShape::uniform) return;
  std::vector<double> largest(d, 0.0);
  PointArray x(block_size, d), a(block_size, d * (d + 1) / 2);
  for (Index begin = 0; begin < grid.local_count(); begin += block_size) {
    const Index count = std::min(block_size, grid.local_count() - begin);
    grid.local_centres(begin, x.view().slice(0, count));
    reference.diffusion(reference.horizon() / 2, ConstPoints(x.view().slice(0, count)), a.view().slice(0, count));
    for (int k = 0, column = 0; k < d; column += d - k, ++k) {
      for (Index i = 0; i < count; ++i) largest[k] = std::max(largest[k], a(i, column));
    }
  }
  for (int k = 0; k < d; ++k) {
    if (grid.communicator().max(largest[k]) > 0) continue;
    throw ParameterError("process", fmt::format("the reference has no noise in coordinate {}: it cannot reach laws at "
                                                "will. Give every coordinate some noise",
                                                k));
  }
}

int annealing_levels(const processes::Process& reference, const densities::Grid& grid,
                     const std::vector<double>& source, const std::vector<double>& target) {
  const int d = grid.dimension();
  const PointArray centres = grid.local_centres();
  double scale = 0;
  std::vector<double> terms(source.size());
  for (int k = 0; k < d; ++k) {
    const double* x = centres.view().coordinate(k);
    const auto mean = [&](const std::vector<double>& masses, double about, int power) {
      for (std::size_t i = 0; i < terms.size(); ++i) terms[i] = masses[i] * std::pow(x[i] - about, power);
      return grid_sum(grid, terms);
    };
    const double m0 = mean(source, 0, 1), m1 = mean(target, 0, 1);
    scale += std::pow(m1 - m0, 2) + mean(source, m0, 2) + mean(target, m1, 2);
  }
  PointArray origin(1, d), a(1, d * (d + 1) / 2);
  for (int k = 0; k < d; ++k) origin(0, k) = grid.centres(k)[grid.cells(k) / 2];
  reference.diffusion(reference.horizon() / 2, origin, a);
  double noise = 0;
  for (int k = 0, column = 0; k < d; column += d - k, ++k) noise += a(0, column) * reference.horizon();
  return noise > 0 && scale > 0
             ? std::clamp(static_cast<int>(std::ceil(std::log(0.25 * scale / noise) / std::log(4.0))), 0, 12)
             : 0;
}

double free_variance(const processes::Process& reference, const densities::Grid& grid) {
  if (reference.noise_shape() != processes::NoiseShape::uniform || !reference.has_clock()) return 0;
  double largest = 0;
  PointArray x(block_size, grid.dimension()), drift(block_size, grid.dimension());
  for (Index begin = 0; begin < grid.local_count(); begin += block_size) {
    const Index count = std::min(block_size, grid.local_count() - begin);
    grid.local_centres(begin, x.view().slice(0, count));
    reference.drift(reference.horizon() / 2, ConstPoints(x.view().slice(0, count)), drift.view().slice(0, count));
    for (int k = 0; k < grid.dimension(); ++k) {
      for (Index i = 0; i < count; ++i) largest = std::max(largest, std::abs(drift(i, k)));
    }
  }
  if (grid.communicator().max(largest) > 0) return 0;
  return std::pow(reference.noise_level(reference.horizon() / 2), 2) *
         (reference.clock(reference.horizon()) - reference.clock(0)) / reference.clock_rate(reference.horizon() / 2);
}

}  // namespace fortet::bridges
