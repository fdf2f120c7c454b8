#include "divergences.hpp"

namespace fortet::ensembles {

namespace {
const Registered<DivergenceFactory> exact{
    {"divergences", "exact", "The divergence itself: one derivative per coordinate of a learned field", "", {}},
    [](const Parameters&) { return 0; }};

const Registered<DivergenceFactory> hutchinson{
    {"divergences",
     "hutchinson",
     "Mean of v . (db/dx) v over probes v of random signs that a particle keeps along its path: unbiased log "
     "densities, "
     "exact on the line, at a cost that does not grow with the dimension",
     "Hutchinson 1989; Grathwohl et al. 2019",
     {defaulted("probes", {Type::integer}, 1, "Probes of each particle").between(1, 65536)}},
    [](const Parameters& parameters) { return static_cast<int>(parameters.integer("probes")); }};
}  // namespace

int divergence_probes(const Parameters& divergence) {
  return Registry<DivergenceFactory>::instance().find("divergences", divergence.kind())(divergence);
}

}  // namespace fortet::ensembles
