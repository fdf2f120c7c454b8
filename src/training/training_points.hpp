#pragma once
/// Points that a training batch is drawn from: fresh samples of a law, or a finite set of them.
#include <cstdint>
#include <span>
#include <string>

#include "fortet/laws/law.hpp"

namespace fortet::training {

/// Steps of the validation batches are counted from here.
inline constexpr std::uint32_t validation_step = 0x80000000u;

/// to(i) = from(rows[i]).
void gather(ConstPoints from, std::span<const std::int32_t> rows, Points to);

class TrainingPoints {
 public:
  /// `count` training points (0: fresh samples for every batch; the rows of an empirical law are its points whatever
  /// `count` says) and `held_out` further ones for validation. Throws ParameterError("batch", ..) for fewer points than
  /// a batch.
  TrainingPoints(laws::LawPtr law, std::uint64_t seed, const std::string& name, std::int64_t count,
                 std::int64_t held_out, Index batch);

  int dimension() const { return law_->dimension(); }
  /// Samples first .. first + out.size() - 1 of the batch of this step. A finite set is gone through in a new order in
  /// every epoch. Safe from many threads at once.
  void draw(std::uint32_t step, Index first, Points out) const;

 private:
  laws::LawPtr law_;
  parallel::Stream fresh_, fresh_validation_;
  PointArray points_, held_out_;
  Index batch_;
};

}  // namespace fortet::training
