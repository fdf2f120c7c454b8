#include <cmath>

#include "../block_loops.hpp"
#include "fortet/base/linear_algebra.hpp"
#include "fortet/base/vector_math.hpp"
#include "fortet/ensembles/stepper.hpp"

namespace fortet::ensembles {
namespace {

using processes::NoiseShape;

/// Proposal y = x + b(x) h + G sqrt(h) xi, accepted with probability min(1, e^{V(x) - V(y)} q(y -> x) / q(x -> y)); G
/// constant (the preconditioner) and invertible. e^{-V} is exactly invariant.
class Mala : public Stepper {
 public:
  Mala(const Parameters& parameters, const StepperContext& context) : Stepper(context) {
    const processes::Process& process = *context.process;
    require(process.has_potential(), parameters, "a process with a potential (langevin, for instance)");
    require(process.noise_is_additive() && process.noise_shape() != NoiseShape::none, parameters, "additive noise");
    require(draws() == dimension(), parameters, "a square noise matrix");
    inverse_ = inverse(noise_matrix(0));
    require(inverse_.allFinite(), parameters, "an invertible noise matrix");
    require(noise_matrix(0) == noise_matrix(process.horizon()), parameters, "noise that does not change in time");
  }

  bool uses_potential() const override { return true; }

  void apply(const Step& step, const Prepared*, const Block& block, Workspace& workspace) const override {
    const Index n = block.x.size();
    const int d = dimension();
    const double h = step.size(), root = std::sqrt(h);
    const Points xi = workspace.points(n, d), b = workspace.points(n, d), y = workspace.points(n, d);
    const Points back = workspace.points(n, d), scaled = workspace.points(n, d);
    const Points uniform = workspace.points(n, 1), before = workspace.points(n, 1), after = workspace.points(n, 1);
    increments(step, block.first, xi, workspace);
    drift(step.begin, block.x, b, workspace);
    combine(block.x, h, b, y);
    add_noise(step.begin, block.x, root, xi, y, workspace);
    drift(step.begin, y, b, workspace);
    for (int k = 0; k < d; ++k) {  // x = y + b(y) h + G sqrt(h) xi'
      const double *const x = block.x.coordinate(k), *const yk = y.coordinate(k), *const bk = b.coordinate(k);
      double* const out = back.coordinate(k);
#pragma omp simd
      for (Index i = 0; i < n; ++i) out[i] = (x[i] - yk[i] - h * bk[i]) / root;
    }
    fill(scaled, 0);
    add_product(inverse_, back, scaled);
    process().potential(block.x, before.coordinate(0));
    process().potential(y, after.coordinate(0));
    acceptance().uniforms(block.first, step.number, uniform);
    double* const ratio = before.coordinate(0);
#pragma omp simd
    for (Index i = 0; i < n; ++i) ratio[i] -= after(i, 0);
    for (int k = 0; k < d; ++k) {
      const double *const forward = xi.coordinate(k), *const backward = scaled.coordinate(k);
#pragma omp simd
      for (Index i = 0; i < n; ++i) ratio[i] += 0.5 * (forward[i] * forward[i] - backward[i] * backward[i]);
    }
    double* const accepted = uniform.coordinate(0);  // becomes 1 or 0; a proposal that is not finite is refused
#pragma omp simd
    for (Index i = 0; i < n; ++i) accepted[i] = vectorised::log(accepted[i]) < ratio[i] ? 1.0 : 0.0;
    for (int k = 0; k < d; ++k) {
      double* const x = block.x.coordinate(k);
      const double* const yk = y.coordinate(k);
#pragma omp simd
      for (Index i = 0; i < n; ++i) x[i] = accepted[i] > 0.5 ? yk[i] : x[i];
    }
    workspace.proposed += block.own_end - block.own_begin;
    for (Index i = block.own_begin; i < block.own_end; ++i) workspace.accepted += accepted[i] > 0.5;
  }

 private:
  Eigen::MatrixXd noise_matrix(double t) const {
    const int d = dimension();
    if (process().noise_shape() == NoiseShape::uniform)
      return process().noise_level(t) * Eigen::MatrixXd::Identity(d, d);
    const PointArray origin(1, d);
    const NoiseShape shape = process().noise_shape();
    PointArray columns(1, shape == NoiseShape::scalar ? 1 : shape == NoiseShape::diagonal ? d : d * d);
    process().noise(t, origin, columns);
    Eigen::MatrixXd g = Eigen::MatrixXd::Zero(d, d);
    for (int i = 0; i < d; ++i) {
      for (int j = 0; j < d; ++j) {
        if (shape == NoiseShape::full)
          g(i, j) = columns(0, i * d + j);
        else if (i == j)
          g(i, i) = columns(0, shape == NoiseShape::scalar ? 0 : i);
      }
    }
    return g;
  }

  Eigen::MatrixXd inverse_;
};

const Registered<StepperFactory> registered_mala{
    {"steppers",
     "mala",
     "Metropolis-adjusted Langevin algorithm: e^{-V} is exactly invariant; a constant noise matrix of the process is "
     "the preconditioner",
     "Roberts and Tweedie 1996",
     {}},
    [](const Parameters& parameters, const StepperContext& context) -> StepperPtr {
      return std::make_unique<Mala>(parameters, context);
    }};

}  // namespace
}  // namespace fortet::ensembles
