#include "../flow_stepper.hpp"

namespace fortet::ensembles {
namespace {
const auto registered_midpoint = explicit_runge_kutta("midpoint", "Explicit midpoint rule for flows, order 2",
                                                      "Runge 1895", {{0, 0.5}, {{}, {0.5}}, {0, 1}});
}
}  // namespace fortet::ensembles
