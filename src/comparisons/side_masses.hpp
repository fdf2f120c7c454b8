#pragma once
// One side of a check, reduced to masses of bins with their sampling and discretisation errors.
#include "fortet/comparisons/bins.hpp"
#include "fortet/comparisons/check.hpp"

namespace fortet::comparisons {

/// Differences that rounding explains: of masses that add up to one, and of the truncated series that move them.
inline constexpr double round_off = 1e-12;

struct SideMasses {
  std::vector<double> masses;          ///< outside last
  std::vector<double> bias;            ///< estimated signed error of the masses (computed - exact), same layout
  double bias_noise = 0;               ///< what the noise of its estimate adds to sum bias^2 / masses
  std::vector<double> variance_ratio;  ///< of weighted particles; empty: unit weights
  double inverse_size = 0;             ///< 1 / particles (of correlated ones: the effective number); 0 without
  std::map<std::string, double> budget;
  std::string note;
};

const ensembles::Snapshot& snapshot_at(const ensembles::EnsemblePath& path, double time);

/// Throws UsageError for an ensemble without particles, DivergedError for positions or weights that are not finite.
/// Collective.
void require_particles(const Side& side, double time, const parallel::Communicator& communicator);

/// Collective; the same on every rank.
SideMasses side_masses(const Side& side, double time, const Bins& bins, const CheckSettings& settings,
                       const parallel::Communicator& communicator);

}  // namespace fortet::comparisons
