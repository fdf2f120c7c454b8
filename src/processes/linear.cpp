/// Kind linear: dX = (A X + c) dt + B dW with matrices.
#include "fortet/base/linear_algebra.hpp"
#include "fortet/base/scratch.hpp"
#include "fortet/laws/gaussian_mixture.hpp"
#include "fortet/processes/divergence_estimate.hpp"
#include "parameters.hpp"

namespace fortet::processes {

using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {
/// X_{t+h} | X_t ~ N(propagator X_t + shift, covariance).
struct LinearStep {
  MatrixXd propagator, covariance;
  VectorXd shift;
};

/// Van Loan (1978): exp of [[-A, B B^T], [0, A^T]] h holds exp(A h)^T and the covariance. The exponential grows with h,
/// so it is taken for a short step, which is then doubled: propagator^2, covariance + propagator covariance
/// propagator^T.
LinearStep van_loan(const MatrixXd& a, const MatrixXd& diffusion, const VectorXd& c, double h) {
  const Eigen::Index d = a.rows();
  const int doublings = std::max(
      0, static_cast<int>(std::ceil(std::log2(std::max(1e-300, 2 * h * a.cwiseAbs().rowwise().sum().maxCoeff())))));
  const double step = std::ldexp(h, -doublings);
  MatrixXd block = MatrixXd::Zero(2 * d, 2 * d);
  block.topLeftCorner(d, d) = -a;
  block.block(0, d, d, d) = diffusion;
  block.block(d, d, d, d) = a.transpose();
  const MatrixXd e = matrix_exponential(block * step);
  MatrixXd affine = MatrixXd::Zero(d + 1, d + 1);
  affine.topLeftCorner(d, d) = a;
  affine.topRightCorner(d, 1) = c;
  const MatrixXd moved = matrix_exponential(affine * step);
  LinearStep result{e.bottomRightCorner(d, d).transpose(),
                    e.bottomRightCorner(d, d).transpose() * e.topRightCorner(d, d), moved.topRightCorner(d, 1)};
  for (int i = 0; i < doublings; ++i) {
    result.covariance += result.propagator * result.covariance * result.propagator.transpose();
    result.shift += result.propagator * result.shift;
    result.propagator = result.propagator * result.propagator;
  }
  result.covariance = (result.covariance + result.covariance.transpose()).eval() / 2;
  return result;
}

class LinearTransition : public Transition {
 public:
  explicit LinearTransition(LinearStep step) : step_(std::move(step)), root_(spectral_factor(step_.covariance)) {}
  int draws() const override { return static_cast<int>(root_.rows()); }
  void apply(ConstPoints normals, Points x) const override {
    const int d = x.dimension();
    const Scratch scratch(x.size(), d);
    const Points old = scratch.points(x.size(), d);
    for (int k = 0; k < d; ++k) std::copy_n(x.coordinate(k), x.size(), old.coordinate(k));
    for (int k = 0; k < d; ++k) {
      double* value = x.coordinate(k);
      std::fill_n(value, x.size(), step_.shift[k]);
      for (int j = 0; j < d; ++j) {
        const double a = step_.propagator(k, j), r = root_(k, j);
        const double *from = old.coordinate(j), *normal = normals.coordinate(j);
#pragma omp simd
        for (Index i = 0; i < x.size(); ++i) value[i] += a * from[i] + r * normal[i];
      }
    }
  }

 private:
  LinearStep step_;
  MatrixXd root_;
};

class Linear : public Process, public DivergenceEstimate {
 public:
  Linear(double horizon, MatrixXd a, MatrixXd b, VectorXd c)
      : Process(static_cast<int>(a.rows()), horizon),
        a_(std::move(a)),
        b_(std::move(b)),
        c_(std::move(c)),
        diffusion_(b_ * b_.transpose()) {
    const bool is_diagonal = b_.rows() == b_.cols() && MatrixXd(b_.diagonal().asDiagonal()) == b_;
    const bool is_uniform = is_diagonal && (b_.diagonal().array() == b_(0, 0)).all();
    shape_ = b_.isZero(0)  ? NoiseShape::none
             : is_uniform  ? NoiseShape::uniform
             : is_diagonal ? NoiseShape::diagonal
                           : NoiseShape::full;
    separable_ = MatrixXd(a_.diagonal().asDiagonal()) == a_ && is_diagonal;
    // Detailed balance: b = -D grad V needs D^-1 A symmetric.
    if (const auto solution = solve_general(-diffusion_ / 2, a_)) {
      const MatrixXd& hessian = *solution;
      if ((hessian - hessian.transpose()).cwiseAbs().maxCoeff() <= 1e-13 * hessian.cwiseAbs().maxCoeff()) {
        hessian_ = (hessian + hessian.transpose()) / 2;
        slope_ = *solve_general(-diffusion_ / 2, c_);
      }
    }
  }
  void drift(double, ConstPoints x, Points out) const override {
    for (int k = 0; k < dimension(); ++k) {
      double* __restrict value = out.coordinate(k);
      std::fill_n(value, x.size(), c_[k]);
      for (int j = 0; j < dimension(); ++j) {
        const double entry = a_(k, j);
        if (entry == 0) continue;
        const double* __restrict from = x.coordinate(j);
#pragma omp simd
        for (Index i = 0; i < x.size(); ++i) value[i] += entry * from[i];
      }
    }
  }
  bool has_drift_divergence() const override { return true; }
  void drift_divergence(double, ConstPoints x, double* out) const override { std::fill_n(out, x.size(), a_.trace()); }
  void estimate_divergence(double, ConstPoints x, ConstPoints probe, double* out) const override {
    std::fill_n(out, x.size(), 0.0);
    for (int k = 0; k < dimension(); ++k) {
      for (int j = 0; j < dimension(); ++j) {
        for (Index i = 0; i < x.size(); ++i) out[i] += probe(i, k) * a_(k, j) * probe(i, j);
      }
    }
  }
  NoiseShape noise_shape() const override { return shape_; }
  bool noise_is_additive() const override { return true; }
  int noise_count() const override { return static_cast<int>(b_.cols()); }
  double noise_level(double t) const override {
    return shape_ == NoiseShape::uniform ? std::abs(b_(0, 0)) : Process::noise_level(t);
  }
  void noise(double t, ConstPoints x, Points out) const override {
    if (shape_ <= NoiseShape::uniform) return Process::noise(t, x, out);
    for (int i = 0; i < dimension(); ++i) {
      if (shape_ == NoiseShape::diagonal) {
        std::fill_n(out.coordinate(i), x.size(), b_(i, i));
      } else {
        for (int j = 0; j < noise_count(); ++j) std::fill_n(out.coordinate(i * noise_count() + j), x.size(), b_(i, j));
      }
    }
  }
  bool has_potential() const override { return hessian_.size() > 0; }
  void potential(ConstPoints x, double* out) const override {
    if (!has_potential()) return Process::potential(x, out);
    for (Index i = 0; i < x.size(); ++i) {
      out[i] = 0;
      for (int k = 0; k < dimension(); ++k) {
        double row = slope_[k];
        for (int j = 0; j < dimension(); ++j) row += 0.5 * hessian_(k, j) * x(i, j);
        out[i] += row * x(i, k);
      }
    }
  }
  bool has_clock() const override { return true; }
  bool is_axis_separable() const override { return separable_; }
  laws::LawPtr marginal(const laws::LawPtr& initial, double t) const override {
    return mixture_marginal(*this, initial, t, [&](const laws::GaussianMixture& mixture) {
      const LinearStep step = van_loan(a_, diffusion_, c_, t);
      return mixture.affine(step.propagator, step.shift, step.covariance);
    });
  }
  std::unique_ptr<const Transition> transition(double t0, double t1) const override {
    return std::make_unique<LinearTransition>(van_loan(a_, diffusion_, c_, t1 - t0));
  }
  std::optional<MatrixXd> linear_part(double) const override { return a_; }

 private:
  MatrixXd a_, b_;
  VectorXd c_;
  MatrixXd diffusion_, hessian_;
  VectorXd slope_;
  NoiseShape shape_ = NoiseShape::full;
  bool separable_ = false;
};

const Registered<ProcessFactory> linear{
    {"processes",
     "linear",
     "dX = (A X + c) dt + B dW; normal laws stay normal (Van Loan's matrix exponentials)",
     "Van Loan, 1978",
     {horizon_parameter(), required("drift", {Type::matrix}, "matrix A, d x d").unit("1/time"),
      required("noise", {Type::matrix}, "matrix B, d x m"),
      optional("offset", {Type::reals}, "vector c, default: zero")}},
    [](const Parameters& p, const ProcessContext&) -> ProcessPtr {
      const MatrixXd a = matrix_parameter(p, "drift"), b = matrix_parameter(p, "noise");
      if (a.rows() != a.cols())
        throw ParameterError("drift", fmt::format("expected a square matrix, found {} x {}", a.rows(), a.cols()));
      if (b.rows() != a.rows())
        throw ParameterError("noise",
                             fmt::format("expected {} rows, one per coordinate, found {}", a.rows(), b.rows()));
      return std::make_shared<Linear>(p.real("horizon"), a, b,
                                      vector_parameter(p, "offset", static_cast<int>(a.rows())));
    }};
}  // namespace

}  // namespace fortet::processes
