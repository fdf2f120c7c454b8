#include <cmath>

#include "weighted_points.hpp"

namespace fortet::comparisons {
namespace {

/// ||b - b*|| and ||b - b*|| / ||b*|| in L2(p_t).
class VelocityError : public Measure {
 public:
  VelocityError(const Parameters& p, const MeasureContext& context)
      : parameters_(p),
        learned_(require_process(context.side(p.text("of")), "of")),
        exact_(require_process(context.side(p.text("against")), "against")) {
    if (learned_->dimension() != exact_->dimension()) {
      throw ParameterError("against", fmt::format("expected a process in {} dimensions, found {}",
                                                  learned_->dimension(), exact_->dimension()));
    }
    require_snapshots(context.side(p.text("in")), learned_->dimension(), "in");
  }

  std::vector<Measurement> evaluate(const MeasureContext& context,
                                    const parallel::Communicator& communicator) override {
    const Side side = context.side(parameters_.text("in"));
    const int d = learned_->dimension();
    std::vector<Measurement> result;
    PointArray learned(block_size, d), exact(block_size, d);
    for (const double t : measured_times(parameters_, side)) {
      const auto sums = weighted_sums(
          weighted_points(side, t), 3,
          [&](ConstPoints x, Points values) {
            const Points b = learned.view().slice(0, x.size()), reference = exact.view().slice(0, x.size());
            learned_->drift(t, x, b);
            exact_->drift(t, x, reference);
            for (Index i = 0; i < x.size(); ++i) values(i, 0) = 1, values(i, 1) = values(i, 2) = 0;
            add_squares(reference, values.coordinate(2));
            for (int k = 0; k < d; ++k) {
              for (Index i = 0; i < x.size(); ++i) b(i, k) -= reference(i, k);
            }
            add_squares(b, values.coordinate(1));
          },
          communicator);
      result.push_back({"", "velocity_error", t, std::sqrt(sums[1] / sums[0]), {}, {}, {}, {}, ""});
      result.push_back({"", "relative_velocity_error", t, std::sqrt(sums[1] / sums[2]), {}, {}, {}, {}, ""});
    }
    return result;
  }

 private:
  Parameters parameters_;
  processes::ProcessPtr learned_, exact_;
};

const RegisteredMeasure registered_velocity_error{
    {"measures",
     "velocity_error",
     "Distance of two drifts in L2 of a law, sqrt(E |b - b*|^2), and relative to sqrt(E |b*|^2); for velocities give "
     "flows",
     "",
     {required("of", {Type::reference}, "the learned process: \"processes.name\""),
      required("against", {Type::reference}, "the exact one"), in_parameter(), at_parameter()}},
    [](const Parameters& p, const MeasureContext& context) { return std::make_unique<VelocityError>(p, context); }};

}  // namespace
}  // namespace fortet::comparisons
