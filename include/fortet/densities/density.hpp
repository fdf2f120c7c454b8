#pragma once
/// Densities: the forward (Fokker-Planck / continuity) and backward equations of a process on a grid, and their steady
/// states.
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fortet/densities/grid.hpp"
#include "fortet/densities/propagator.hpp"
#include "fortet/io/checkpoint.hpp"
#include "fortet/laws/law.hpp"
#include "fortet/processes/process.hpp"

namespace fortet::densities {

/// Cell averages of a density (or node values of a backward function) at one time.
struct Snapshot {
  double time = 0;
  std::vector<double> values;  ///< this rank's slab
};

/// Numbers recorded at the start (forward: t = 0) and at each later time of `at`. Of a backward function only time and
/// smallest are numbers.
struct Diagnostics {
  double time = 0;
  double mass = 0;            ///< in the domain
  double entropy = 0;         ///< - int p log p
  double kinetic_energy = 0;  ///< int p |v|^2 / at this time
  double action =
      0;  ///< int_0^t int p |v|^2 by the trapezoidal rule over the steps; NaN unless the parameter `action` is true
  double boundary_mass = 0;  ///< mass of the outermost layer of cells of the non-periodic axes
  double smallest = 0;       ///< smallest cell average
  double reference_kl = 0;   ///< KL(p_t | reference); NaN without a reference
  Sides absorbed;            ///< mass that has left through each side (absorbing, outflow) so far
  Sides flux;                ///< its present rate: first-passage flux
  Sides absorbed_error;      ///< signed estimated error of `absorbed` in space and time; empty unless estimated
};

/// Parameters of one entry of `densities:` after the names are resolved.
struct DensitySettings {
  std::string name;
  processes::ProcessPtr process;
  laws::LawPtr initial;  ///< forward: law at t = 0
  GridPtr grid;
  std::vector<double> at;  ///< increasing times in [0, horizon]
  Parameters parameters;   ///< all of the deck's entry (equation, propagator, steps, tolerance, ... ), validated
  laws::LawPtr reference;  ///< for KL over time; may be null
  std::function<void(double fraction)> progress;  ///< called on every rank, may be empty
  io::Checkpoints* checkpoints = nullptr;         ///< may be null
};

/// A named box of whole cells: [first, last) along each axis.
struct Box {
  std::string name;
  std::vector<Index> first, last;
  bool contains(int axis, Index cell) const { return first[axis] <= cell && cell < last[axis]; }
};

/// What a box held and lost, at the times of `diagnostics`: mass(t) - mass(0) + outflow(t) = 0 but for errors in time.
struct BoxBalance {
  Box box;
  std::vector<double> mass;
  std::vector<double> outflow;  ///< int_0^t of the outward flux through the sides: trapezoidal rule over the steps
  std::vector<double> outflow_error;  ///< estimated error of that rule, from every second step
};

/// A computed density. Copying shares nothing; snapshots are in the order of `at`.
struct DensityPath {
  std::string name;
  GridPtr grid;
  processes::ProcessPtr process;
  bool is_law = true;  ///< forward or stationary: values are a density; otherwise a function of the starting point
  std::vector<Snapshot> snapshots;
  std::vector<Diagnostics> diagnostics;
  std::vector<BoxBalance> boxes;  ///< forward equation only
  std::map<std::string, double>
      quantities;  ///< numbers of the whole: spectral_gap, mean_first_passage_time, exit_probability_K_side, ...
  std::map<std::string, double> quantity_errors;  ///< estimated, of those quantities that have an estimate
  std::vector<double> step_times;      ///< ends of the steps taken, from the start; for Richardson's estimate
  std::map<std::string, double> work;  ///< steps, stencil terms, seconds of solve, ... (goes to run.json)
  std::vector<std::string> notes;      ///< warnings for the user
  /// Estimated errors of each snapshot in L1 by Richardson: space, time, boundary mass (empty unless asked for:
  /// error_budget).
  struct ErrorEstimate {
    double space = 0, time = 0, boundary = 0;
    std::vector<double> defect;  ///< signed estimated error of each local cell mass, space + time
  };
  std::vector<ErrorEstimate> errors;

  const Snapshot& at(double time) const;  ///< throws UsageError when that time was not asked for
};

/// All numbers of a path that was made by unsolved(). Collective over the grid's communicator.
void exchange(io::State& state, DensityPath& path);

/// What a solve will need, for the plan that `fortet validate` prints; sums over all ranks.
struct DensityPlan {
  std::string propagator;  ///< the kind that will be used
  double cells = 0, bytes = 0;
  double steps = 0;                     ///< 0: chosen while solving
  std::vector<std::string> quantities;  ///< names of the numbers that DensityPath::quantities will hold
  std::vector<std::string> remarks;     ///< what a user should know before
};

/// Throws ParameterError or UsageError for settings that cannot be solved, without solving anything. Collective.
DensityPlan check_density(const DensitySettings& settings);

/// The boxes in parameter `boxes` with their sides moved to the nearest edges of the grid. Throws ParameterError for an
/// empty one.
std::vector<Box> named_boxes(const DensitySettings& settings);

/// A path with all that is known before solving: into such a one a finished path can be restored.
DensityPath unsolved(const DensitySettings& settings);

/// Solves; collective over the grid's communicator. Throws DivergedError when a value is not finite or a solver fails.
DensityPath solve_density(const DensitySettings& settings);

/// The solves behind an estimate of errors by Richardson's extrapolation. space: the same steps on a grid with half the
/// cells (where cell counts are even and d > 1) or twice; time: halved steps, for propagators with an error in time.
/// Laws only (forward and stationary equations).
enum class Companion { space, time };
bool has_companion(Companion which, const DensityPath& path);
DensityPath unsolved_companion(Companion which, const DensitySettings& settings, const DensityPath& path);
/// Collective.
DensityPath solve_companion(Companion which, const DensitySettings& settings, const DensityPath& path);

/// Fills path.errors: space of order 2, time of the propagator's order (`time` is null without an error in time).
/// `boundary` is the mass of the initial law outside the grid, plus that of the outermost cells where a
/// boundary_mass_limit declares the sides to be a truncation. Collective.
void estimate_errors(const DensitySettings& settings, DensityPath& path, const DensityPath& space,
                     const DensityPath* time);
/// All of this.
void estimate_errors(const DensitySettings& settings, DensityPath& path);

/// Current J (flux form) and velocity v = J / p at the cell centres of the slab, d columns each. Collective (halo
/// exchange).
PointArray current(const DensityPath& path, const Snapshot& snapshot);
PointArray velocity(const DensityPath& path, const Snapshot& snapshot);

/// grad log p of a density path as a field (see SlicedGradient). Collective at construction, not afterwards.
processes::FieldPtr score_field(const DensityPath& path);

/// Stationary law of the process on the grid, and the spectral gap (smallest non-zero decay rate). Collective.
Snapshot stationary(const processes::Process& process, const GridPtr& grid, double t = 0);
double spectral_gap(const processes::Process& process, const GridPtr& grid, double t = 0);
/// Mean time until the process at the fixed time-argument t leaves through an absorbing or outflow side: L^T tau = -1.
/// Collective.
Snapshot mean_first_passage(const processes::Process& process, const GridPtr& grid, double t = 0);

}  // namespace fortet::densities
