// Pairs as they come.
#include "fortet/couplings/coupling.hpp"

namespace fortet::couplings {
namespace {

class Independent : public Coupling {
 public:
  void pair(ConstPoints source, ConstPoints, const parallel::Stream&, std::uint32_t, Pairing& pairing) const override {
    pairing.source.resize(source.size());
    std::iota(pairing.source.begin(), pairing.source.end(), 0);
    pairing.target = pairing.source;
  }
  bool is_independent() const override { return true; }
};

const Registered<CouplingFactory> registered_independent{
    Schema{"couplings",
           "independent",
           "Point k of the source with point k of the target: the product of the laws",
           "Lipman et al. 2023",
           {}},
    [](const Parameters&) -> CouplingPtr { return std::make_shared<Independent>(); }};

}  // namespace
}  // namespace fortet::couplings
