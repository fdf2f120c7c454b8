#pragma once
/// Bridges: dynamic transport between two laws on a grid (section and category "bridges", one kind per .cpp in
/// src/bridges).
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fortet/base/registry.hpp"
#include "fortet/densities/density.hpp"

namespace fortet::bridges {

/// Parameters of one entry of `bridges:` after the names are resolved.
struct BridgeSettings {
  std::string name;
  laws::LawPtr source, target;
  processes::ProcessPtr reference;  ///< null for kinds without one
  densities::GridPtr grid;
  std::vector<double> at;  ///< increasing times in [0, horizon] at which the law is recorded
  Parameters parameters;   ///< all of the deck's entry, validated
  std::function<void(double fraction, const std::string& state)> progress;  ///< on every rank; may be empty
  std::function<void(const Json&)> metrics;  ///< one line of the convergence, on the root; may be empty
  io::Checkpoints* checkpoints = nullptr;    ///< may be null
};

/// The joint law of start and end, with the starting points gathered in boxes of whole cells.
struct Coupling {
  std::vector<Index> boxes;  ///< along each axis; box b has the index of axis 0 fastest
  std::vector<std::vector<double>>
      masses;  ///< [box][cell of the slab]: of those that start in the box and end in the cell
};

/// A solved bridge.
struct BridgePath {
  densities::DensityPath law;     ///< p_t at the times of `at`; its process is `process`
  processes::ProcessPtr process;  ///< carries `source` to `target`: usable everywhere a process is
  std::map<std::string, double>
      quantities;                  ///< iterations, marginal_error, contraction_rate, costs, kinetic_energy, ...
  std::vector<std::string> notes;  ///< for the user: quantities that are withheld, and why
  /// log phi_t and the logarithm of the density hat_t at the times of `at`, p_t = hat_t phi_t; for kinds that have them
  /// and if they are asked for. Minus infinity is zero.
  std::vector<densities::Snapshot> log_phi, log_hat;
  Coupling coupling;  ///< if it is asked for
};

/// Solves; collective over the grid's communicator. Throws ParameterError for what can be seen before computing
/// (through check), DivergedError naming what to change for an iteration that stalls, over- or underflows, or cannot
/// reach a cell.
class BridgeSolver {
 public:
  virtual ~BridgeSolver() = default;
  /// The process of the bridge; its fields can be evaluated once solve() has returned.
  virtual processes::ProcessPtr process() const = 0;
  /// A process without noise that has the same laws, where process() has noise; to be asked for before solve(). Null
  /// for kinds without one.
  virtual processes::ProcessPtr flow() { return nullptr; }
  /// Names of the numbers that BridgePath::quantities will hold; one of them may be withheld where the solution does
  /// not support it.
  virtual std::vector<std::string> quantities() const = 0;
  /// Goes on from the checkpoint of a solve that was interrupted, if settings.checkpoints has one. Saves its state
  /// before it throws DivergedError.
  virtual BridgePath solve() = 0;
  /// Stores what solve() returned, and makes the same of it in another solver of the same settings, to the last bit:
  /// the path and the fields of process() and flow(), without solving again. To be asked once solve() has returned, or
  /// instead of it. Collective.
  virtual void exchange(io::State& state, BridgePath& path) = 0;
};

using BridgeFactory = std::function<std::unique_ptr<BridgeSolver>(BridgeSettings)>;

/// Makes the solver of a registered kind and checks all that needs no computing. Collective.
std::unique_ptr<BridgeSolver> make_bridge(BridgeSettings settings);

}  // namespace fortet::bridges
