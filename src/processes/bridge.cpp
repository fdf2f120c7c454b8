/// Kind bridge: the process of a solved bridge under a name of its own.
#include "parameters.hpp"

namespace fortet::processes {

namespace {
const Registered<ProcessFactory> bridge{
    {"processes",
     "bridge",
     "The process of an entry of `bridges`, which carries its source to its target",
     "",
     {required("of", {Type::reference}, "the bridge").of("bridges")}},
    [](const Parameters& p, const ProcessContext& context) { return context.process("bridges." + p.text("of")); }};
}  // namespace

}  // namespace fortet::processes
