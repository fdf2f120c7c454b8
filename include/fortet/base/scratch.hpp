#pragma once
/// Memory that a block of points needs for a while.
#include "fortet/base/points.hpp"

namespace fortet {

/// So many numbers from a stack that belongs to the thread: an evaluation that calls another one, of its own kind or
/// not, to any depth, never shares memory with it. Not initialised. Lives in one scope of one thread; taking it costs a
/// few instructions once the stack has grown.
class Scratch {
 public:
  explicit Scratch(std::size_t numbers);
  Scratch(Index points, int dimension) : Scratch(static_cast<std::size_t>(points) * dimension) {}
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  double* data() const { return data_; }
  /// The numbers from `offset` on as a block of points.
  Points points(Index count, int dimension, std::size_t offset = 0) const {
    return Points(data_ + offset, count, dimension);
  }

 private:
  double* data_;
  std::size_t chunk_, used_;  ///< where the stack stood before
};

}  // namespace fortet
