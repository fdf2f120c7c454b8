// Optimal transport of the two batches.
#include "fortet/couplings/assignment.hpp"
#include "fortet/couplings/coupling.hpp"

namespace fortet::couplings {
namespace {

class Exact : public Coupling {
 public:
  explicit Exact(bool replacement) : replacement_(replacement) {}

  void pair(const Minibatch& minibatch, const parallel::Stream& stream) const override {
    pair_all({&minibatch, 1}, stream);
  }

  void pair_all(std::span<const Minibatch> minibatches, const parallel::Stream& stream) const override {
    std::vector<PointSets> problems;
    for (const Minibatch& minibatch : minibatches) problems.push_back({minibatch.source, minibatch.target});
    std::vector<Assignment> assignments = assign_all(problems);
    for (std::size_t m = 0; m < minibatches.size(); ++m) take(minibatches[m], assignments[m], stream);
  }

 private:
  void take(const Minibatch& minibatch, Assignment& assignment, const parallel::Stream& stream) const {
    Pairing& pairing = *minibatch.pairing;
    const Index n = minibatch.source.size();
    pairing.source.resize(n);
    if (!replacement_) {
      std::iota(pairing.source.begin(), pairing.source.end(), 0);
      pairing.target = std::move(assignment.column);
      return;
    }
    PointArray uniforms(n, 1);
    stream.uniforms(0, minibatch.step, uniforms);
    pairing.target.resize(n);
    for (Index k = 0; k < n; ++k) {
      pairing.source[k] = static_cast<std::int32_t>(uniforms(k, 0) * static_cast<double>(n));
      pairing.target[k] = assignment.column[pairing.source[k]];
    }
  }

  bool replacement_;
};

const Registered<CouplingFactory> registered_exact{
    Schema{"couplings",
           "exact",
           "The permutation s that minimises sum |x_i - y_s(i)|^2 over the batch",
           "Tong et al. 2024; Pooladian et al. 2023",
           {defaulted("replacement", {Type::boolean}, false,
                      "Draw the pairs independently from the plan, so that some points come twice and some not at all; "
                      "false: every pair of the plan once")}},
    [](const Parameters& parameters) -> CouplingPtr {
      return std::make_shared<Exact>(parameters.boolean("replacement"));
    }};

}  // namespace
}  // namespace fortet::couplings
