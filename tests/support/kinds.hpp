#pragma once
// Laws and processes of registered kinds, made in one line.
#include "fortet/laws/law.hpp"
#include "fortet/processes/process.hpp"

namespace fortet::test {

inline laws::LawPtr law(const std::string& kind, Json parameters) {
  return laws::make_law(Parameters::make("laws", kind, std::move(parameters)));
}
inline processes::ProcessPtr process(const std::string& kind, Json parameters,
                                     const processes::ProcessContext& context = {}) {
  return processes::make_process(Parameters::make("processes", kind, std::move(parameters)), context);
}

}  // namespace fortet::test
