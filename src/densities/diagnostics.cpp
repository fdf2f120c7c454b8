#include "diagnostics.hpp"

#include "fluxes.hpp"

namespace fortet::densities {

Diagnostics diagnose(const processes::Process& process, const Grid& grid, double t, std::span<const double> masses,
                     std::span<const double> reference) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const parallel::Communicator& ranks = grid.communicator();
  const std::vector<double> volumes = grid.local_volumes();
  enum { mass, entropy, boundary, kl, count };
  std::array<parallel::ExactSum, count> sums;
  double smallest = std::numeric_limits<double>::infinity();
  const int d = grid.dimension();
  for (Index i = 0; i < grid.local_count(); ++i) {
    const double m = masses[i], density = m / volumes[i];
    smallest = std::min(smallest, density);
    sums[mass].add(m);
    if (m > 0) {
      sums[entropy].add(-m * std::log(density));
      if (!reference.empty()) sums[kl].add(m * std::log(m / reference[i]));
    }
    Index rest = i;
    bool outermost = false;
    for (int k = 0; k < d; ++k) {
      const Index index = k + 1 < d ? rest % grid.cells(k) : grid.slab().begin + rest;
      rest /= k + 1 < d ? grid.cells(k) : 1;
      outermost = outermost || (!grid.is_periodic(k) && (index == 0 || index + 1 == grid.cells(k)));
    }
    if (outermost) sums[boundary].add(m);
  }
  const std::vector<double> totals = ranks.sum(sums);
  const Fluxes flux = fluxes(process, grid, t, masses);
  Diagnostics result;
  result.time = t;
  result.mass = totals[mass];
  result.entropy = totals[entropy];
  result.boundary_mass = totals[boundary];
  result.reference_kl = reference.empty() ? nan : totals[kl];
  result.smallest = ranks.min(smallest);
  result.kinetic_energy = kinetic_energy(grid, flux, masses);
  result.action = nan;
  result.flux = flux.exits;
  return result;
}

double l1_distance(const Grid& grid, std::span<const double> a, std::span<const double> b) {
  parallel::ExactSum sum;
  for (std::size_t i = 0; i < a.size(); ++i) sum.add(std::abs(a[i] - b[i]));
  return grid.communicator().sum(sum);
}

Negative check_masses(const Grid& grid, double t, std::span<const double> masses, const std::string& name) {
  bool finite = true;
  std::int64_t count = 0;
  parallel::ExactSum sum;
  for (double m : masses) {
    finite = finite && std::isfinite(m);
    if (m < 0) {
      ++count;
      sum.add(m);
    }
  }
  if (grid.communicator().any(!finite)) {
    throw DivergedError("density '" + name + "' is not finite at t = " + std::to_string(t));
  }
  return {grid.communicator().sum_count(count), grid.communicator().sum(sum)};
}

}  // namespace fortet::densities
