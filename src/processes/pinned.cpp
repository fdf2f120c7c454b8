/// Kind pinned: a process with normal transitions, conditioned to end in a point (Doob's h-transform).
#include "fortet/base/linear_algebra.hpp"
#include "parameters.hpp"
#include "time_cache.hpp"

namespace fortet::processes {

using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {
/// X_t1 | X_t0 ~ N(matrix X_t0 + shift, root root^T).
struct Affine {
  MatrixXd matrix, root;
  VectorXd shift;
  MatrixXd covariance() const { return root * root.transpose(); }
};

/// Read off an exact transition: what it does to the origin, to unit vectors and to unit draws.
Affine transition_of(const Process& process, double t0, double t1) {
  const int d = process.dimension();
  const auto transition = process.transition(t0, t1);
  const int draws = transition->draws();
  PointArray x(1 + d + draws, d), normals(1 + d + draws, draws);
  for (int k = 0; k < d; ++k) x(1 + k, k) = 1;
  for (int k = 0; k < draws; ++k) normals(1 + d + k, k) = 1;
  transition->apply(normals, x);
  Affine affine{MatrixXd(d, d), MatrixXd(d, draws), VectorXd(d)};
  for (int i = 0; i < d; ++i) {
    affine.shift[i] = x(0, i);
    for (int k = 0; k < d; ++k) affine.matrix(i, k) = x(1 + k, i) - x(0, i);
    for (int k = 0; k < draws; ++k) affine.root(i, k) = x(1 + d + k, i) - x(0, i);
  }
  return affine;
}

class AffineTransition : public Transition {
 public:
  explicit AffineTransition(Affine affine) : affine_(std::move(affine)) {}
  int draws() const override { return static_cast<int>(affine_.root.cols()); }
  void apply(ConstPoints normals, Points x) const override {
    const int d = x.dimension();
    VectorXd from(d), draw(draws());
    for (Index i = 0; i < x.size(); ++i) {
      for (int k = 0; k < d; ++k) from[k] = x(i, k);
      for (int k = 0; k < draws(); ++k) draw[k] = normals(i, k);
      const VectorXd to = affine_.shift + affine_.matrix * from + affine_.root * draw;
      for (int k = 0; k < d; ++k) x(i, k) = to[k];
    }
  }

 private:
  Affine affine_;
};

/// dX = [b + a grad log h] dt + G dW, h(x, t) = density of X_T = end given X_t = x: with X_T | X_t = x ~ N(M x + c, Q),
/// grad log h = M^T Q^-1 (end - c - M x).
class Pinned : public Process {
 public:
  Pinned(ProcessPtr of, VectorXd end)
      : Process(of->dimension(), of->horizon()), of_(std::move(of)), end_(std::move(end)) {}

  void drift(double t, ConstPoints x, Points out) const override {
    const auto pull = pulls_.at(t, [this](double time) { return make_pull(time); });
    of_->drift(t, x, out);
    for (int i = 0; i < dimension(); ++i) {
      for (Index p = 0; p < x.size(); ++p) {
        double sum = pull->shift[i];
        for (int k = 0; k < dimension(); ++k) sum += pull->matrix(i, k) * x(p, k);
        out(p, i) += sum;
      }
    }
  }
  NoiseShape noise_shape() const override { return of_->noise_shape(); }
  bool noise_is_additive() const override { return true; }
  int noise_count() const override { return of_->noise_count(); }
  double noise_level(double t) const override { return of_->noise_level(t); }
  void noise(double t, ConstPoints x, Points out) const override { of_->noise(t, x, out); }

  /// Conditioning N(M x + c, Q) at t1 on `end` at the horizon.
  Affine between(double t0, double t1) const {
    Affine first = transition_of(*of_, t0, t1);
    if (t1 >= horizon()) return {MatrixXd::Zero(dimension(), dimension()), 0 * first.root, end_};
    const Affine second = transition_of(*of_, t1, horizon());
    const MatrixXd q = first.covariance(), whole = second.matrix * q * second.matrix.transpose() + second.covariance();
    const MatrixXd gain = solve_symmetric(whole, second.matrix * q).transpose();
    const MatrixXd keep = MatrixXd::Identity(dimension(), dimension()) - gain * second.matrix;
    // Joseph's form of the covariance, as a root: the part of the first noise that is kept and that of the second.
    Affine result{keep * first.matrix, MatrixXd(dimension(), first.root.cols() + second.root.cols()),
                  keep * first.shift + gain * (end_ - second.shift)};
    result.root << keep * first.root, gain * second.root;
    return result;
  }
  std::unique_ptr<const Transition> transition(double t0, double t1) const override {
    return std::make_unique<AffineTransition>(between(t0, t1));
  }
  laws::LawPtr marginal(const laws::LawPtr& initial, double t) const override {
    if (t <= 0) return initial;
    if (t >= horizon()) return nullptr;  // a point
    return mixture_marginal(*this, initial, t, [&](const laws::GaussianMixture& mixture) {
      const Affine affine = between(0, t);
      return mixture.affine(affine.matrix, affine.shift, affine.covariance());
    });
  }

 private:
  std::shared_ptr<const Affine> make_pull(double t) const {
    const int d = dimension();
    if (!(t < horizon())) {
      throw DivergedError(
          "the drift of a pinned process has no value at its end; take a stepper that does not ask for "
          "it there (euler_maruyama, exact)");
    }
    const Affine rest = transition_of(*of_, t, horizon());
    PointArray origin(1, d), a(1, d * (d + 1) / 2);
    of_->diffusion(t, origin, a);
    MatrixXd diffusion(d, d);
    for (int i = 0, column = 0; i < d; ++i) {
      for (int j = i; j < d; ++j, ++column) diffusion(i, j) = diffusion(j, i) = a(0, column);
    }
    const MatrixXd covariance = rest.covariance();
    return std::make_shared<const Affine>(
        Affine{-diffusion * rest.matrix.transpose() * solve_symmetric(covariance, rest.matrix), MatrixXd(),
               diffusion * rest.matrix.transpose() * solve_symmetric(covariance, end_ - rest.shift)});
  }

  ProcessPtr of_;
  VectorXd end_;
  TimeCache<Affine> pulls_;
};

const Registered<ProcessFactory> pinned{
    {"processes",
     "pinned",
     "A process with normal transitions conditioned on X_T = end (T its horizon): dX = (b + a grad log h) dt + G dW, h "
     "the density of X_T = end given X_t; the Brownian bridge for brownian",
     "Doob, 1957",
     {required("of", {Type::reference}, "the process: brownian, ornstein_uhlenbeck, vp, ve, sub_vp or linear")
          .of("processes"),
      required("end", {Type::reals}, "the point where all paths end")}},
    [](const Parameters& p, const ProcessContext& context) -> ProcessPtr {
      ProcessPtr of = context.process(p.text("of"));
      if (!of->transition(0, of->horizon()) || !of->linear_part(0) || !of->noise_is_additive() ||
          of->noise_shape() == NoiseShape::none) {
        throw ParameterError("of",
                             "expected a process with normal transitions: brownian, ornstein_uhlenbeck, vp, ve, "
                             "sub_vp or linear");
      }
      const MatrixXd covariance = transition_of(*of, 0, of->horizon()).covariance();
      const VectorXd spectrum = symmetric_eigenvalues(covariance);
      if (!(spectrum.minCoeff() > 1e-14 * spectrum.maxCoeff())) {
        throw ParameterError("of",
                             "the noise of this process does not reach every direction: it cannot be pinned to "
                             "a point");
      }
      const VectorXd end = vector_parameter(p, "end", of->dimension());
      return std::make_shared<Pinned>(std::move(of), end);
    }};
}  // namespace

}  // namespace fortet::processes
