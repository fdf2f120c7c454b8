#include "fortet/ensembles/stepper.hpp"

namespace fortet::ensembles {
namespace {

struct Transitions : Prepared {
  std::vector<std::unique_ptr<const processes::Transition>> of_parts;
};

/// Draws from the exact transition law; a coarse step goes through its fine ones, because there is no error to
/// estimate.
class Exact : public Stepper {
 public:
  using Stepper::Stepper;
  bool is_exact() const override { return true; }
  std::unique_ptr<const Prepared> prepare(const Step& step) const override {
    auto prepared = std::make_unique<Transitions>();
    double t = step.begin;
    for (std::size_t j = 0; j < step.parts.size(); ++j) {
      const double next = j + 1 == step.parts.size() ? step.end : t + step.parts[j];
      prepared->of_parts.push_back(process().transition(t, next));
      t = next;
    }
    return prepared;
  }
  void apply(const Step& step, const Prepared* prepared, const Block& block, Workspace& workspace) const override {
    const auto& transitions = static_cast<const Transitions&>(*prepared).of_parts;
    const Points normals = workspace.points(block.x.size(), transitions.front()->draws());
    Step part = step;
    part.parts.resize(1);
    for (std::size_t j = 0; j < transitions.size(); ++j) {
      part.number = step.number + static_cast<std::uint32_t>(j);
      increments(part, block.first, normals, workspace);
      transitions[j]->apply(normals, block.x);
    }
  }
};

const Registered<StepperFactory> registered_exact{
    {"steppers",
     "exact",
     "Draws from the exact transition law X_{t+h} | X_t; no error in time",
     "Uhlenbeck and Ornstein 1930",
     {}},
    [](const Parameters& parameters, const StepperContext& context) -> StepperPtr {
      require(
          context.process->transition(0, context.process->horizon()) != nullptr, parameters,
          "a process with a closed-form transition law (brownian, ornstein_uhlenbeck, vp, ve, linear, for instance)");
      return std::make_unique<Exact>(context);
    }};

}  // namespace
}  // namespace fortet::ensembles
