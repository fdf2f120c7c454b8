#include "../flow_stepper.hpp"

namespace fortet::ensembles {
namespace {
const auto registered_euler =
    explicit_runge_kutta("euler", "Explicit Euler for flows, order 1", "Euler 1768", {{0}, {{}}, {1}});
}
}  // namespace fortet::ensembles
