/// Kind bridge: the process of a solved bridge under a name of its own.
#include "parameters.hpp"

namespace fortet::processes {

namespace {
const Registered<ProcessFactory> bridge{
    {"processes",
     "bridge",
     "The process of an entry of `bridges`, which carries its source to its target; or its probability flow",
     "",
     {required("of", {Type::reference}, "the bridge").of("bridges"),
      defaulted("flow", {Type::boolean}, false,
                "the process without noise that has the same laws: dx/dt = b + a/2 grad (log phi - log hat)")}},
    [](const Parameters& p, const ProcessContext& context) {
      const bool is_flow = p.boolean("flow");
      const ProcessPtr process = context.process((is_flow ? "bridge_flows." : "bridges.") + p.text("of"));
      if (!process) throw ParameterError("flow", "the process of this bridge has no noise already");
      return process;
    }};
}  // namespace

}  // namespace fortet::processes
