#pragma once
#include "fortet/couplings/coupling.hpp"
#include "fortet/couplings/sinkhorn.hpp"

namespace fortet::couplings {

/// Pairs drawn independently from the plan, as many as there are sources.
void draw_pairs(const EntropicPlan& plan, const parallel::Stream& stream, std::uint32_t step, Pairing& pairing);

/// Every source once, with a target drawn from its row of the plan.
void draw_targets(const EntropicPlan& plan, const parallel::Stream& stream, std::uint32_t step, Pairing& pairing);

}  // namespace fortet::couplings
