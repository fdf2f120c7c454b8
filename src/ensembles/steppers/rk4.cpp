#include "../flow_stepper.hpp"

namespace fortet::ensembles {
namespace {
const auto registered_rk4 =
    explicit_runge_kutta("rk4", "The classical Runge-Kutta scheme for flows, order 4", "Kutta 1901",
                         {{0, 0.5, 0.5, 1}, {{}, {0.5}, {0, 0.5}, {0, 0, 1}}, {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6}});
}
}  // namespace fortet::ensembles
