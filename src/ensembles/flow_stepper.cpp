#include "flow_stepper.hpp"

#include "fortet/base/scratch.hpp"
#include "fortet/processes/divergence_estimate.hpp"

namespace fortet::ensembles {

FlowStepper::FlowStepper(const Parameters& parameters, const StepperContext& context)
    : Stepper(context), log_density_(context.log_density), probes_(context.probes), signs_(context.probe) {
  require(context.process->noise_shape() == processes::NoiseShape::none, parameters,
          "a process without noise (for a diffusion: a stepper such as euler_maruyama, or its probability flow)");
}

void FlowStepper::load(const Block& block, Points y) const {
  copy(block.x, y.columns(0, dimension()));
  if (log_density_) std::copy_n(block.log_density, block.x.size(), y.coordinate(dimension()));
}

void FlowStepper::store(ConstPoints y, const Block& block) const {
  copy(y.columns(0, dimension()), block.x);
  if (log_density_) std::copy_n(y.coordinate(dimension()), block.x.size(), block.log_density);
}

void FlowStepper::velocity(double t, std::int64_t first, ConstPoints y, Points out, Workspace& workspace) const {
  const ConstPoints x = y.columns(0, dimension());
  drift(t, x, out.columns(0, dimension()), workspace);
  if (!log_density_) return;
  double* const rate = out.coordinate(dimension());
  if (probes_ > 0) {
    estimate_divergence(t, first, x, rate);
  } else {
    process().drift_divergence(t, x, rate);
  }
#pragma omp simd
  for (Index i = 0; i < x.size(); ++i) rate[i] = -rate[i];
}

/// Probes belong to particles, not to steps: along a path the estimate is as smooth as the divergence.
void FlowStepper::estimate_divergence(double t, std::int64_t first, ConstPoints x, double* out) const {
  const processes::DivergenceEstimate& of = *processes::divergence_estimate_of(process());
  const Index n = x.size();
  const Scratch scratch(n, dimension() + 1);
  const Points probe = scratch.points(n, dimension());
  double* const estimate = scratch.points(n, 1, n * dimension()).coordinate(0);
  std::fill_n(out, n, 0.0);
  for (int number = 0; number < probes_; ++number) {
    signs_.uniforms(first, static_cast<std::uint32_t>(number), probe);
    for (int k = 0; k < dimension(); ++k) {
      for (Index i = 0; i < n; ++i) probe(i, k) = probe(i, k) < 0.5 ? -1 : 1;
    }
    of.estimate_divergence(t, x, probe, estimate);
    for (Index i = 0; i < n; ++i) out[i] += estimate[i] / probes_;
  }
}

namespace {
class ExplicitRungeKutta : public FlowStepper {
 public:
  ExplicitRungeKutta(const Parameters& parameters, const StepperContext& context, Tableau tableau)
      : FlowStepper(parameters, context), tableau_(std::move(tableau)) {}

  void apply(const Step& step, const Prepared*, const Block& block, Workspace& workspace) const override {
    const Index n = block.x.size();
    const int stages = static_cast<int>(tableau_.nodes.size());
    const double h = step.size();
    const Points start = workspace.points(n, columns()), y = workspace.points(n, columns());
    const Points all = workspace.points(n, columns() * stages);
    load(block, start);
    const auto slope = [&](int i) { return all.columns(i * columns(), columns()); };
    const auto advance = [&](const std::vector<double>& factors) {
      copy(start, y);
      for (std::size_t j = 0; j < factors.size(); ++j) {
        if (factors[j] != 0) add(y, h * factors[j], slope(static_cast<int>(j)));
      }
    };
    for (int i = 0; i < stages; ++i) {
      advance(tableau_.stages[i]);
      velocity(step.begin + tableau_.nodes[i] * h, block.first, y, slope(i), workspace);
    }
    advance(tableau_.weights);
    store(y, block);
  }

 private:
  Tableau tableau_;
};
}  // namespace

Registered<StepperFactory> explicit_runge_kutta(const std::string& kind, const std::string& doc,
                                                const std::string& reference, Tableau tableau) {
  return {{"steppers", kind, doc, reference, {}},
          [tableau](const Parameters& parameters, const StepperContext& context) -> StepperPtr {
            return std::make_unique<ExplicitRungeKutta>(parameters, context, tableau);
          }};
}

}  // namespace fortet::ensembles
