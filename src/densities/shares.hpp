#pragma once
/// State that each rank holds a contiguous share of, in the order of the ranks.
#include "fortet/io/checkpoint.hpp"

namespace fortet::densities {

inline void exchange_share(io::State& state, const std::string& name, const parallel::Communicator& communicator,
                           std::span<double> values) {
  std::vector<std::int64_t> sizes(communicator.size(), 0);
  sizes[communicator.rank()] = static_cast<std::int64_t>(values.size());
  communicator.sum_counts(sizes);
  const auto own = sizes.begin() + communicator.rank();
  state.rows(name, values, std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}),
             std::accumulate(sizes.begin(), own, std::int64_t{0}), 1);
}

}  // namespace fortet::densities
