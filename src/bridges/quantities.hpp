#pragma once
#include <map>
#include <string>

#include "fortet/io/checkpoint.hpp"

namespace fortet::bridges {

/// Names and values of a bridge's quantities. Collective.
void exchange_quantities(io::State& state, std::map<std::string, double>& quantities);

}  // namespace fortet::bridges
