#include "../flow_stepper.hpp"

namespace fortet::ensembles {
namespace {
const auto registered_heun = explicit_runge_kutta("heun", "Explicit trapezoidal rule for flows, order 2", "Heun 1900",
                                                  {{0, 1}, {{}, {1}}, {0.5, 0.5}});
}
}  // namespace fortet::ensembles
