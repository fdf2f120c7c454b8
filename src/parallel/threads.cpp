#include "fortet/parallel/threads.hpp"

#include <omp.h>

#include <exception>

namespace fortet::parallel {

int thread_count() { return omp_get_max_threads(); }

void for_blocks(Index size, Index block, const std::function<void(Index, Index)>& body) {
  const Index blocks = (size + block - 1) / block;
  std::exception_ptr failure;
#pragma omp parallel for schedule(static) if (blocks > 1)
  for (Index b = 0; b < blocks; ++b) {
    try {
      body(b * block, std::min(size, (b + 1) * block));
    } catch (...) {
#pragma omp critical(fortet_for_blocks)
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace fortet::parallel
