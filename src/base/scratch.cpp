#include "fortet/base/scratch.hpp"

#include <memory>

namespace fortet {

namespace {

constexpr std::size_t cache_line = 8;  // numbers

struct Chunk {
  explicit Chunk(std::size_t numbers) : size(numbers), storage(new double[numbers + cache_line]) {
    void* first = storage.get();
    std::size_t room = (numbers + cache_line) * sizeof(double);
    data = static_cast<double*>(std::align(cache_line * sizeof(double), numbers * sizeof(double), first, room));
  }
  std::size_t size;
  std::unique_ptr<double[]> storage;
  double* data;
};

/// Chunks never move, so that what is in use stays where it is when the stack grows.
struct Stack {
  std::vector<Chunk> chunks;
  std::size_t chunk = 0, used = 0;
};

thread_local Stack stack;

}  // namespace

Scratch::Scratch(std::size_t numbers) : chunk_(stack.chunk), used_(stack.used) {
  const std::size_t wanted = (numbers + cache_line - 1) / cache_line * cache_line;
  while (stack.chunk < stack.chunks.size() && stack.chunks[stack.chunk].size - stack.used < wanted) {
    ++stack.chunk;
    stack.used = 0;
  }
  if (stack.chunk == stack.chunks.size()) {
    constexpr std::size_t least = 1 << 15;  // a quarter of a megabyte
    stack.chunks.emplace_back(std::max(wanted, least));
    stack.used = 0;
  }
  data_ = stack.chunks[stack.chunk].data + stack.used;
  stack.used += wanted;
}

Scratch::~Scratch() {
  stack.chunk = chunk_;
  stack.used = used_;
}

}  // namespace fortet
