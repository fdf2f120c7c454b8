#include "fortet/couplings/coupling.hpp"

namespace fortet::couplings {

CouplingPtr make_coupling(const Parameters& parameters) {
  return Registry<CouplingFactory>::instance().find("couplings", parameters.kind())(parameters);
}

}  // namespace fortet::couplings
