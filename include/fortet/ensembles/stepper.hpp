#pragma once
/// Time steppers of particles (category "steppers"): one .cpp each in src/ensembles/steppers.
///
/// Same bits for any partition: a stepper sees blocks whose first id and size are multiples of `granule`, so that a
/// particle always stands in the same lane of a vector; what it does to a particle must not depend on the other
/// particles of the block (adaptive steppers: of the id-aligned group).
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "fortet/base/parameters.hpp"
#include "fortet/base/points.hpp"
#include "fortet/base/registry.hpp"
#include "fortet/parallel/random.hpp"
#include "fortet/processes/process.hpp"

namespace fortet::ensembles {

/// Blocks start at ids that are multiples of this, and have such sizes.
inline constexpr Index granule = 64;

/// One step of the time grid. A coarse step made of several fine ones (run_coarser) draws the sum of their Wiener
/// increments.
struct Step {
  double begin = 0, end = 0;
  std::uint32_t number = 0;   ///< of its first fine step: counter of the random numbers
  std::vector<double> parts;  ///< sizes of its fine steps, at least one
  double size() const { return end - begin; }
};

/// What a stepper computes once per step, shared by all threads.
struct Prepared {
  virtual ~Prepared() = default;
};

/// What a stepper carries from step to step of one chunk (adaptive step size, dense output).
struct ChunkState {
  virtual ~ChunkState() = default;
};

/// A block of particles first .. first + x.size() - 1.
struct Block {
  std::int64_t first = 0;
  Points x;
  double* log_density = nullptr;     ///< carried along when not null
  Index own_begin = 0, own_end = 0;  ///< those that this rank owns: they alone are counted as work
};

/// Scratch memory and counters of one thread.
class Workspace {
 public:
  explicit Workspace(Index capacity) : capacity_(capacity) {}
  /// Scratch with this many coordinates of `size` points each, valid until release().
  Points points(Index size, int dimension);
  double* values(Index size) { return points(size, 1).coordinate(0); }
  void release() { used_ = 0; }

  std::unique_ptr<ChunkState> state;        ///< of the chunk at work
  std::int64_t evaluations = 0;             ///< of the drift, particle by particle
  std::int64_t rejected = 0;                ///< rejected adaptive steps
  std::int64_t proposed = 0, accepted = 0;  ///< Metropolis

 private:
  Index capacity_;
  std::size_t used_ = 0;
  std::vector<std::unique_ptr<double[]>> buffers_;
  std::vector<std::size_t> sizes_;
};

/// What a stepper's factory is given.
struct StepperContext {
  processes::ProcessPtr process;
  parallel::Stream increments, acceptance;
  bool log_density = false;  ///< to be carried along
  std::int64_t particles = 0;
  double end = 0;        ///< no step goes beyond this time
  int coarsening = 1;    ///< an adaptive stepper makes its steps this many times longer
  double tolerance = 0;  ///< of the deck's ensemble entry; 0: not given
  long steps = 0;        ///< over the horizon; 0: not given
  parallel::Stream corrector{0, parallel::Purpose::corrector};  ///< inner Langevin steps
  int probes = 0;                                               ///< of Hutchinson's estimate; 0: exact divergences
  parallel::Stream probe{0, parallel::Purpose::probe};          ///< their signs
};

/// Immutable; apply() is called from many threads at once.
class Stepper {
 public:
  explicit Stepper(const StepperContext& context)
      : process_(context.process), increments_(context.increments), acceptance_(context.acceptance) {}
  virtual ~Stepper() = default;

  /// Chooses its steps itself: apply() is called once per output time, for groups of alignment() particles.
  virtual bool is_adaptive() const { return false; }
  /// Needs no steps between output times because it has no error in time.
  virtual bool is_exact() const { return false; }
  /// Compares values of the process's potential, which must then be the same at both ends of a periodic axis.
  virtual bool uses_potential() const { return false; }
  /// Can carry log densities.
  virtual bool carries_log_density() const { return false; }
  /// Ids at which blocks may begin and end; a multiple of granule.
  virtual Index alignment() const { return granule; }
  virtual std::unique_ptr<const Prepared> prepare(const Step&) const { return nullptr; }
  virtual void apply(const Step& step, const Prepared* prepared, const Block& block, Workspace& workspace) const = 0;

 protected:
  const processes::Process& process() const { return *process_; }
  int dimension() const { return process_->dimension(); }
  /// Wiener processes: standard normals per particle and step.
  int draws() const;
  const parallel::Stream& acceptance() const { return acceptance_; }
  /// xi(i, k) standard normal with Wiener increment sqrt(h) xi; for coarse steps the scaled sum of the fine increments.
  void increments(const Step& step, std::int64_t first, Points xi, Workspace& workspace) const;
  /// Also eta, independent of xi, with int_t^{t+h} (W_s - W_t) ds = h^{3/2}/2 (xi + eta / sqrt(3)).
  void increments_and_integrals(const Step& step, std::int64_t first, Points xi, Points eta,
                                Workspace& workspace) const;
  /// Normals that belong to no Wiener increment (`draws_used` of them are taken by increments()).
  void auxiliary_normals(const Step& step, std::int64_t first, int draws_used, Points out) const;
  /// out = b(x, t), counted.
  void drift(double t, ConstPoints x, Points out, Workspace& workspace) const;
  /// x += scale * G(at, t) xi.
  void add_noise(double t, ConstPoints at, double scale, ConstPoints xi, Points x, Workspace& workspace) const;

 private:
  processes::ProcessPtr process_;
  parallel::Stream increments_, acceptance_;
};

using StepperPtr = std::unique_ptr<const Stepper>;
using StepperFactory = std::function<StepperPtr(const Parameters&, const StepperContext&)>;

/// Makes a stepper of a registered kind; throws ParameterError("stepper", ..) for a process that it cannot step.
StepperPtr make_stepper(const Parameters& parameters, const StepperContext& context);

/// Throws ParameterError("stepper", "stepper <kind> needs <need>") unless the condition holds.
void require(bool condition, const Parameters& stepper, const std::string& need);

}  // namespace fortet::ensembles
