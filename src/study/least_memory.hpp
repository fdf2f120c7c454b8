#pragma once
#include <string>

#include "fortet/parallel/communicator.hpp"
#include "fortet/study/deck.hpp"

namespace fortet::study {

/// What an object must hold at the least, in bytes, from the numbers of the deck alone: known before anything is
/// allocated. The plan of a study (memory.cpp) says how much it will be.
struct LeastMemory {
  double shared_out = 0;  ///< over the ranks
  double per_rank = 0;
  std::string key;  ///< the parameter that it comes from
};
LeastMemory least_memory(const Deck& deck, const std::string& section, const Parameters& parameters);

/// While it lives, this process gets no more memory than its share of the machine's: what asks for more gets
/// std::bad_alloc instead of an end by the kernel. Construction is collective.
class MemoryLimit {
 public:
  explicit MemoryLimit(const parallel::Communicator& ranks);
  ~MemoryLimit();
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;
  double machine() const { return machine_; }  ///< bytes of all nodes

 private:
  double machine_ = 0;
  unsigned long before_ = 0;
};

}  // namespace fortet::study
