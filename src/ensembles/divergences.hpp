#pragma once
/// How the divergence that a log density is carried with is computed (category "divergences").
#include "fortet/base/parameters.hpp"
#include "fortet/base/registry.hpp"

namespace fortet::ensembles {

/// Number of probes of Hutchinson's estimate; 0: none, the divergence is exact.
using DivergenceFactory = std::function<int(const Parameters&)>;

int divergence_probes(const Parameters& divergence);

}  // namespace fortet::ensembles
