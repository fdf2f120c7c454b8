#pragma once
/// Particle ensembles: structure of arrays, distributed over ranks by contiguous ranges of particle ids.
#include <array>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "fortet/base/parameters.hpp"
#include "fortet/io/checkpoint.hpp"
#include "fortet/laws/law.hpp"
#include "fortet/parallel/communicator.hpp"
#include "fortet/processes/process.hpp"

namespace fortet::ensembles {

/// The particles of this rank at one time: particle id first + i has position(i, .).
struct Snapshot {
  double time = 0;
  std::int64_t first = 0;  ///< id of the first local particle
  std::int64_t total = 0;  ///< particles over all ranks
  PointArray positions;
  std::vector<double> weights;      ///< survival weights of an absorbed ensemble in [0, 1]; empty: all one
  std::vector<double> log_density;  ///< carried along the flow; empty unless asked for
  /// What each absorbing side has taken of a particle so far, columns as EnsemblePath::exits.sides: together with the
  /// weight they add up to one. Empty without such sides.
  PointArray exits;
};

/// A side of the box of walls.
struct ExitSide {
  int axis, side;  ///< side 0: lower
  bool operator==(const ExitSide&) const = default;
};

/// First passages: the part of all particles that left through a side within a bin of time.
struct Exits {
  std::vector<ExitSide> sides;              ///< absorbing ones
  std::vector<double> edges;                ///< of the bins of time
  std::vector<std::vector<double>> masses;  ///< [side][bin]
};

/// Box with a condition per side, as for a grid (names are those of the deck: none, reflecting, periodic, absorbing).
enum class Wall { none, reflecting, periodic, absorbing };
struct Walls {
  std::vector<double> lower, upper;  ///< empty: no walls
  std::vector<std::array<Wall, 2>> conditions;
  bool absorbs() const {
    for (const auto& sides : conditions) {
      if (sides[0] == Wall::absorbing || sides[1] == Wall::absorbing) return true;
    }
    return false;
  }
};

/// Parameters of one entry of `ensembles:` after the names are resolved.
struct EnsembleSettings {
  std::string name;  ///< also the name of its random streams
  processes::ProcessPtr process;
  laws::LawPtr initial;
  std::int64_t particles = 0;
  std::uint64_t seed = 0;
  std::vector<double> at;  ///< increasing times in [0, horizon]
  Parameters parameters;   ///< all of the deck's entry, validated against schema "ensembles": stepper (nested kind),
                           ///< steps, schedule, ...
  Walls walls;
  std::function<void(double fraction)>
      progress;                            ///< called on every rank by its main thread, not collectively; may be empty
  io::Checkpoints* checkpoints = nullptr;  ///< may be null
};

/// Positions of chosen particles at every recorded step: values[(step * count + particle) * dimension + k].
struct Trajectories {
  std::vector<double> times;
  std::int64_t count = 0;
  int dimension = 0;
  std::vector<double> values;  ///< on every rank
};

struct EnsemblePath {
  std::string name;
  processes::ProcessPtr process;
  std::vector<Snapshot> snapshots;  ///< in the order of `at`
  Trajectories trajectories;
  Walls walls;
  Exits exits;
  std::map<std::string, double> work;  ///< particle steps, field evaluations, rejected steps, acceptance rate, seconds
  double stationary_correlation = 1;   ///< 2 tau_int for correlated chains, 1 for independent particles
};

/// All numbers of a path; its name, process and walls are the caller's. Collective.
void exchange(io::State& state, EnsemblePath& path, const parallel::Communicator& communicator);

/// The walls in parameter `walls` of a deck's entry (schema "ensembles"); none when it is absent. Throws
/// ParameterError.
Walls make_walls(const Parameters& parameters, int dimension);

std::vector<ExitSide> absorbing_sides(const Walls& walls);

/// Throws ParameterError for settings that cannot run: a stepper that does not fit the process, times outside the
/// horizon, dimensions that differ, ... Not collective, computes nothing.
void check_ensemble(const EnsembleSettings& settings);

/// False when the stepper has no error in time, so that a coarser run would say nothing.
bool has_step_error(const EnsembleSettings& settings);

/// Runs the ensemble; collective. Throws DivergedError naming the particle, step and time of the first value that is
/// not finite.
EnsemblePath run_ensemble(const EnsembleSettings& settings, const parallel::Communicator& communicator);

/// The same particles with `factor` steps made one, whose Wiener increment is the sum of the fine ones, for the
/// estimate of the time-step error (Talay and Tubaro 1990): returns the snapshots of the coarse run. Output times are
/// still hit exactly. An adaptive stepper makes its steps `factor` times longer through its tolerance; an exact one
/// repeats the same particles. Collective.
EnsemblePath run_coarser(const EnsembleSettings& settings, const parallel::Communicator& communicator, int factor);

}  // namespace fortet::ensembles
