#include <cmath>

#include "fortet/base/linear_algebra.hpp"
#include "fortet/laws/gaussian_mixture.hpp"
#include "weighted_points.hpp"

namespace fortet::comparisons {
namespace {

/// W2^2 of two normal laws: |dm|^2 + tr(S0 + S1 - 2 (S0^1/2 S1 S0^1/2)^1/2).
double squared_w2(const laws::GaussianMixture& a, const laws::GaussianMixture& b) {
  const Eigen::MatrixXd half = square_root(a.covariances()[0]), inner = half * b.covariances()[0] * half;
  const Eigen::VectorXd spectrum = symmetric_eigenvalues(inner);
  // An eigenvalue that is negative by rounding stands for zero.
  return (a.means()[0] - b.means()[0]).squaredNorm() + a.covariances()[0].trace() + b.covariances()[0].trace() -
         2 * spectrum.cwiseMax(0).cwiseSqrt().sum();
}

/// int int |b|^2 p dx dt by the trapezoidal rule over the recorded times.
class KineticEnergy : public Measure {
 public:
  KineticEnergy(const Parameters& p, const MeasureContext& context)
      : parameters_(p), process_(require_process(context.side(p.text("of")), "of")) {
    require_snapshots(context.side(p.text("in")), process_->dimension(), "in");
    if (measured_times(p, context.side(p.text("in"))).size() < 2) {
      throw ParameterError(p.has("at") ? "at" : "in",
                           "expected at least two times: the energy is an integral over time");
    }
    if (p.has("squared_w2")) squared_w2_ = p.real("squared_w2");
    if (!p.has("between")) return;
    if (squared_w2_) throw ParameterError("between", "expected one of `between` and `squared_w2`");
    std::vector<std::shared_ptr<const laws::GaussianMixture>> ends;
    for (const std::string& name : p.texts("between")) {
      const laws::LawPtr law = context.side(name).law;
      ends.push_back(law ? law->as_mixture() : nullptr);
      if (!ends.back() || ends.back()->weights().size() != 1) {
        throw ParameterError("between", fmt::format("expected normal laws, found {}: give squared_w2 itself", name));
      }
    }
    if (ends.size() != 2) throw ParameterError("between", fmt::format("expected two laws, found {}", ends.size()));
    squared_w2_ = squared_w2(*ends[0], *ends[1]);
  }

  std::vector<Measurement> evaluate(const MeasureContext& context,
                                    const parallel::Communicator& communicator) override {
    const Side side = context.side(parameters_.text("in"));
    const std::vector<double> times = measured_times(parameters_, side);
    PointArray drift(block_size, process_->dimension());
    double energy = 0, before = 0;
    for (std::size_t i = 0; i < times.size(); ++i) {
      const double now = weighted_sums(
          weighted_points(side, times[i]), 1,
          [&](ConstPoints x, Points values) {
            const Points b = drift.view().slice(0, x.size());
            process_->drift(times[i], x, b);
            std::fill_n(values.coordinate(0), x.size(), 0.0);
            add_squares(b, values.coordinate(0));
          },
          communicator)[0];
      if (i > 0) energy += (times[i] - times[i - 1]) * (now + before) / 2;
      before = now;
    }
    std::vector<Measurement> result{{"", "kinetic_energy", times.back(), energy, {}, {}, {}, {}, ""}};
    if (squared_w2_) {
      result.push_back({"", "squared_w2", times.back(), *squared_w2_, {}, {}, {}, {}, ""});
      result.push_back({"",
                        "normalised_path_energy",
                        times.back(),
                        std::abs(energy - *squared_w2_) / *squared_w2_,
                        {},
                        {},
                        {},
                        {},
                        "|energy - W2^2| / W2^2"});
    }
    return result;
  }

 private:
  Parameters parameters_;
  processes::ProcessPtr process_;
  std::optional<double> squared_w2_;
};

const RegisteredMeasure registered_kinetic_energy{
    {"measures",
     "kinetic_energy",
     "int int |b|^2 p dx dt by the trapezoidal rule over the recorded times, at least W2^2 between the ends of a flow "
     "on [0, 1]",
     "Benamou and Brenier, 2000",
     {required("of", {Type::reference}, "process whose drift b is taken: \"processes.name\""), in_parameter(),
      at_parameter(),
      optional("between", {Type::references}, "two normal laws, for W2^2 in closed form: [laws.a, laws.b]"),
      optional("squared_w2", {Type::real}, "W2^2 between the ends where it is known").positive()}},
    [](const Parameters& p, const MeasureContext& context) { return std::make_unique<KineticEnergy>(p, context); }};

}  // namespace
}  // namespace fortet::comparisons
