#pragma once
/// Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011), the generator of Random123, keyed by (seed,
/// purpose, stream name) and counted by (particle id, step, draw), so that every number is the same for any number of
/// ranks and threads.
#include <array>
#include <cstdint>
#include <string_view>

#include "fortet/base/points.hpp"

namespace fortet::parallel {

/// What a random number is for; one entry per use, never reused.
enum class Purpose : std::uint32_t {
  initial_law = 1,       ///< positions at the start of an ensemble
  increment = 2,         ///< Wiener increments of a stepper
  acceptance = 3,        ///< Metropolis tests
  law_sample = 4,        ///< reference samples of a law inside a check
  cell_jitter = 5,       ///< position inside a grid cell
  bootstrap = 6,         ///< resampling
  projection = 7,        ///< random directions of sliced distances
  subsample = 8,         ///< choice of a subset of particles
  boundary = 9,          ///< boundary crossing inside a step
  corrector = 10,        ///< inner Langevin steps
  initial_weights = 11,  ///< of networks
  training = 12,         ///< times, noises and points of training batches
  pairing = 13,          ///< pairs drawn from a coupling's plan
  probe = 14,            ///< directions of Hutchinson's estimate
};

/// One block of Philox4x32-10: 128 random bits of a counter and a key.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

/// The numbers of particle `id` at `step`: counter (id low, id high, step, draw / 2); the four words make two 64-bit
/// integers, one per draw. Uniforms are odd multiples of 2^-53; normals come from pairs of draws by Box-Muller (largest
/// value 8.6).
class Stream {
 public:
  /// `name` is that of the object that draws (an ensemble's), so that two objects of one study are independent and the
  /// same object is reproducible; an error estimate with coupled increments uses the same name.
  Stream(std::uint64_t seed, Purpose purpose, std::string_view name = "");

  /// out(i, k) uniform in (0, 1) for particle first + i, draws first_draw + k. `first_draw` must be even.
  void uniforms(std::int64_t first, std::uint32_t step, Points out, std::uint32_t first_draw = 0) const;
  /// out(i, k) standard normal. `first_draw` must be even (normals come in pairs).
  void normals(std::int64_t first, std::uint32_t step, Points out, std::uint32_t first_draw = 0) const;
  /// One uniform in (0, 1): the one that uniforms() gives.
  double uniform(std::int64_t id, std::uint32_t step, std::uint32_t draw = 0) const;

  std::array<std::uint32_t, 2> key() const { return {key_[0], key_[1]}; }

 private:
  std::uint32_t key_[2];
};

}  // namespace fortet::parallel
