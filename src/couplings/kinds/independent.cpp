// Pairs as they come.
#include "fortet/couplings/coupling.hpp"

namespace fortet::couplings {
namespace {

class Independent : public Coupling {
 public:
  void pair(const Minibatch& minibatch, const parallel::Stream&) const override {
    Pairing& pairing = *minibatch.pairing;
    pairing.source.resize(minibatch.source.size());
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
