#include <cmath>

#include "../block_loops.hpp"
#include "fortet/base/linear_algebra.hpp"
#include "fortet/ensembles/stepper.hpp"

namespace fortet::ensembles {
namespace {

struct Matrices : Prepared {
  Eigen::MatrixXd linear;      ///< A
  Eigen::MatrixXd propagator;  ///< e^{A h} - I
  Eigen::MatrixXd weight;      ///< int_0^h e^{A s} ds
  Eigen::MatrixXd noise;       ///< root of int_0^h e^{A s} G G^T e^{A^T s} ds
};

/// b = A x + r(x): x -> e^{A h} x + int_0^h e^{A s} ds r(x) + N(0, int_0^h e^{A s} G G^T e^{A^T s} ds), A and G frozen
/// at the middle of the step. Exact for homogeneous linear drifts with additive noise, however stiff; weak order 1
/// otherwise.
class Exponential : public Stepper {
 public:
  using Stepper::Stepper;
  std::unique_ptr<const Prepared> prepare(const Step& step) const override {
    auto prepared = std::make_unique<Matrices>();
    const int d = dimension();
    const double h = step.size(), middle = step.begin + 0.5 * h;
    const Eigen::MatrixXd a = *process().linear_part(middle), identity = Eigen::MatrixXd::Identity(d, d);
    prepared->linear = a;
    Eigen::MatrixXd block = Eigen::MatrixXd::Zero(2 * d, 2 * d);
    block.topLeftCorner(d, d) = a * h;
    block.topRightCorner(d, d) = identity * h;
    const Eigen::MatrixXd first = matrix_exponential(block);
    prepared->weight = first.topRightCorner(d, d);
    prepared->propagator = a * prepared->weight;  // e^{A h} - I without cancellation
    // The symmetric root is close to sqrt(h) G for small steps, so that
    // coarse steps couple.
    prepared->noise = square_root(covariance(a, covariance_rate(middle), h));
    return prepared;
  }

  void apply(const Step& step, const Prepared* prepared, const Block& block, Workspace& workspace) const override {
    const auto& matrices = static_cast<const Matrices&>(*prepared);
    const Index n = block.x.size();
    const int d = dimension();
    const Points rest = workspace.points(n, d), xi = workspace.points(n, d), moved = workspace.points(n, d);
    drift(step.begin, block.x, rest, workspace);
    add_product(-matrices.linear, block.x, rest);
    increments(step, block.first, xi, workspace);
    copy(block.x, moved);
    add_product(matrices.propagator, block.x, moved);
    add_product(matrices.weight, rest, moved);
    if (draws() > 0) add_product(matrices.noise, xi, moved);
    copy(moved, block.x);
  }

 private:
  /// int_0^h e^{A s} Q e^{A^T s} ds: Van Loan 1978 on a short interval, then C(2 s) = C(s) + e^{A s} C(s) e^{A^T s},
  /// which stays accurate for stiff A.
  static Eigen::MatrixXd covariance(const Eigen::MatrixXd& a, const Eigen::MatrixXd& q, double h) {
    const Index d = a.rows();
    int doublings = 0;
    double s = h;
    while (a.norm() * s > 0.5) {
      s *= 0.5;
      ++doublings;
    }
    Eigen::MatrixXd block = Eigen::MatrixXd::Zero(2 * d, 2 * d);
    block.topLeftCorner(d, d) = -a * s;
    block.topRightCorner(d, d) = q * s;
    block.bottomRightCorner(d, d) = a.transpose() * s;
    const Eigen::MatrixXd exponential = matrix_exponential(block);
    Eigen::MatrixXd propagator = exponential.bottomRightCorner(d, d).transpose();
    Eigen::MatrixXd result = propagator * exponential.topRightCorner(d, d);
    for (; doublings > 0; --doublings) {
      result += (propagator * result * propagator.transpose()).eval();
      propagator = (propagator * propagator).eval();
    }
    return 0.5 * (result + result.transpose());
  }

  /// a = G G^T of an additive noise.
  Eigen::MatrixXd covariance_rate(double t) const {
    const int d = dimension();
    if (process().noise_shape() == processes::NoiseShape::none) return Eigen::MatrixXd::Zero(d, d);
    const PointArray origin(1, d);
    PointArray upper(1, d * (d + 1) / 2);
    process().diffusion(t, origin, upper);
    Eigen::MatrixXd a(d, d);
    for (int i = 0, column = 0; i < d; ++i) {
      for (int j = i; j < d; ++j, ++column) a(i, j) = a(j, i) = upper(0, column);
    }
    return a;
  }
};

const Registered<StepperFactory> registered_exponential{
    {"steppers",
     "exponential",
     "Exponential Euler for b = A x + r(x): x -> e^{Ah} x + int e^{As} ds r(x) + exact Ornstein-Uhlenbeck noise; weak "
     "order 1, exact for r = 0",
     "Jentzen and Kloeden 2009",
     {}},
    [](const Parameters& parameters, const StepperContext& context) -> StepperPtr {
      require(context.process->linear_part(0).has_value(), parameters, "a process whose drift has a known linear part");
      require(context.process->noise_is_additive(), parameters,
              "additive noise (a noise matrix that does not depend on x)");
      return std::make_unique<Exponential>(context);
    }};

}  // namespace
}  // namespace fortet::ensembles
