#pragma once
/// Do two descriptions of one law agree? (MATHS section 6)
///
/// Everything is compared by masses of cells, never by densities at points. A side is a density, an ensemble or a law.
/// With particles on a side, the discrepancy is judged against its law under agreement: chi-square statistics in closed
/// form, all others by parametric bootstrap from the cell masses, where the laws are first shifted by the
/// discretisation errors that were estimated for them (equivalence test). Without particles the discrepancy is
/// deterministic and is judged against a tolerance.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fortet/densities/density.hpp"
#include "fortet/ensembles/ensemble.hpp"

namespace fortet::comparisons {

/// One side of a check: exactly one of density, ensemble and law is set (for a measure it may be a process instead).
struct Side {
  std::string name;  ///< "ensembles.sde"
  const densities::DensityPath* density = nullptr;
  const ensembles::EnsemblePath* ensemble = nullptr;
  const ensembles::EnsemblePath* coarser = nullptr;  ///< same particles, twice the time step; may be null
  laws::LawPtr law;
  processes::ProcessPtr process;
  bool has_particles() const { return ensemble != nullptr; }
};

/// Masses of both sides on the same cells, for the report's pictures.
struct Picture {
  std::vector<std::vector<double>> edges;
  std::vector<double> expected, observed;  ///< last entry: outside of the cells
  std::vector<double>
      variance_ratio;  ///< of weighted particles: mean squared weight over mean weight; empty: unit weights
  double count = 0;    ///< particles; 0 without
};

struct Result {
  std::string check, statistic, first, second;
  double time = 0;
  double value = 0;
  double expected = 0;                 ///< mean under agreement
  double deviation = 0;                ///< standard deviation under agreement
  std::optional<double> p_value;       ///< two-sided
  std::optional<double> adjusted_p;    ///< after Holm
  std::optional<double> tolerance;     ///< of a deterministic comparison
  double smallest_visible_defect = 0;  ///< in the unit `defect_unit`; seen with power 0.9
  std::string defect_unit;
  std::map<std::string, double> budget;  ///< L1 of each source of error: space, time, boundary, particle_step, sampling
  std::string dominating;
  std::string note;
  bool agree = false;
  std::shared_ptr<const Picture> picture;
};

struct CheckSettings {
  std::string name;
  Parameters parameters;  ///< validated against the schema "checks"
  Side first, second;
  std::vector<double> times;
  std::uint64_t seed = 0;
};

/// Throws ParameterError for a check that cannot be made: dimensions that differ, a law without cell masses or samples,
/// ...
void check_check(const CheckSettings& settings);

/// Throws ParameterError when the times that were found for a check do not suit its statistics.
void check_times(const CheckSettings& settings);

/// Makes the check at all its times; verdicts with p-values are still open (see judge). Collective; same results on
/// every rank.
std::vector<Result> run_check(const CheckSettings& settings, const parallel::Communicator& communicator);

/// Holm's step-down adjustment (Holm 1979) over all p-values of a study; fills adjusted_p and agree.
void judge(std::vector<Result>& results, double false_alarm_rate);

}  // namespace fortet::comparisons
