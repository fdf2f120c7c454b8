#pragma once
#include <span>

#include "fortet/densities/density.hpp"

namespace fortet::densities {

/// Numbers of a density of the given cell masses; `reference` masses of the same cells or empty. All but `action` and
/// `absorbed`. Collective.
Diagnostics diagnose(const processes::Process& process, const Grid& grid, double t, std::span<const double> masses,
                     std::span<const double> reference);

/// sum |a_i - b_i| over all ranks. Collective.
double l1_distance(const Grid& grid, std::span<const double> a, std::span<const double> b);

/// Negative masses: how many and their sum. Throws DivergedError for a value that is not finite. Collective.
struct Negative {
  std::int64_t count = 0;
  double mass = 0;
};
Negative check_masses(const Grid& grid, double t, std::span<const double> masses, const std::string& name);

}  // namespace fortet::densities
