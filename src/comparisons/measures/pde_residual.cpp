#include "fortet/densities/residual.hpp"
#include "weighted_points.hpp"

namespace fortet::comparisons {
namespace {

bool has_residual(const processes::Process& process) { return process.noise_shape() <= processes::NoiseShape::uniform; }

/// || (dp/dt - L p) / p || in L2(p) between consecutive snapshots of a density p, L the generator of another process.
class PdeResidual : public Measure {
 public:
  PdeResidual(const Parameters& p, const MeasureContext& context)
      : parameters_(p), process_(require_process(context.side(p.text("of")), "of")) {
    if (!has_residual(*process_)) {
      throw ParameterError("of", "expected a process without noise or with the same noise everywhere");
    }
    const Side side = context.side(p.text("in"));
    require_snapshots(side, process_->dimension(), "in");
    if (!side.density) throw ParameterError("in", fmt::format("expected a density, found {}", side.name));
    if (measured_times(p, side).size() < 2) {
      throw ParameterError(p.has("at") ? "at" : "in", "expected at least two times: dp/dt is a difference");
    }
  }

  std::vector<Measurement> evaluate(const MeasureContext& context, const parallel::Communicator&) override {
    const Side side = context.side(parameters_.text("in"));
    const std::vector<double> times = measured_times(parameters_, side);
    std::vector<Measurement> result;
    for (std::size_t i = 1; i < times.size(); ++i) {
      const densities::Snapshot &first = side.density->at(times[i - 1]), &second = side.density->at(times[i]);
      const auto residual_of = [&](const processes::Process& process) {
        return densities::residual(process, *side.density->grid, first, second);
      };
      const densities::Residual found = residual_of(*process_);
      Measurement one{"", "pde_residual", (times[i - 1] + times[i]) / 2, found.residual, {}, {}, {}, {}, ""};
      const processes::ProcessPtr& own = side.density->process;
      if (own && has_residual(*own)) {
        one.floor = residual_of(*own).residual;
        one.note = "floor: of the process of " + side.name + ", left by its grid and the time between its snapshots";
      }
      Measurement relative = one;
      relative.quantity = "relative_pde_residual";
      relative.value /= found.rate;
      if (relative.floor) *relative.floor /= found.rate;
      result.push_back(std::move(one));
      result.push_back(std::move(relative));
    }
    return result;
  }

 private:
  Parameters parameters_;
  processes::ProcessPtr process_;
};

const RegisteredMeasure registered_pde_residual{
    {"measures",
     "pde_residual",
     "How far a density p is from the equation of a process, sqrt(int r^2 / p) with r = dp/dt + div(b p - g^2/2 grad "
     "p), midway between its recorded times, also relative to sqrt(int (dp/dt)^2 / p)",
     "",
     {required("of", {Type::reference}, "process, for instance with a learned field: \"processes.name\""),
      required("in", {Type::reference}, "density p, of the exact process: \"densities.name\""), at_parameter()}},
    [](const Parameters& p, const MeasureContext& context) { return std::make_unique<PdeResidual>(p, context); }};

}  // namespace
}  // namespace fortet::comparisons
