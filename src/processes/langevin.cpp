/// Kinds langevin and underdamped_langevin.
#include "fortet/base/linear_algebra.hpp"
#include "parameters.hpp"

namespace fortet::processes {

using Eigen::MatrixXd;

namespace {
/// dX = -M grad U dt + sqrt(2 T M) dW, with invariant density exp(-U/T); M = I without a preconditioner.
class Langevin : public Process {
 public:
  Langevin(int dimension, double horizon, const Expression& potential, double temperature,
           std::optional<MatrixXd> preconditioner)
      : Process(dimension, horizon),
        potential_(potential),
        temperature_(temperature),
        preconditioner_(std::move(preconditioner)) {
    for (int i = 0; i < dimension; ++i) gradient_.push_back(potential.derivative(i));
    const auto constant = [](double value) { return Expression::parse(fmt::format("{}", value), {}); };
    for (int i = 0; i < dimension; ++i) {
      Expression component;
      for (int j = 0; j < dimension; ++j) {
        const double m = preconditioner_ ? (*preconditioner_)(i, j) : i == j;
        if (m != 0) component = component - constant(m) * gradient_[j];
      }
      divergence_ = divergence_ + component.derivative(i);
      drift_.push_back(component);
    }
    separable_ = !preconditioner_;
    for (int i = 0; i < dimension; ++i) {
      for (int j = 0; j < dimension; ++j) separable_ = separable_ && (i == j || !gradient_[i].depends_on(j));
    }
    if (preconditioner_) root_ = cholesky(2 * temperature * *preconditioner_).value();
  }
  void drift(double t, ConstPoints x, Points out) const override { evaluate_all(drift_, t, x, out); }
  bool has_drift_divergence() const override { return true; }
  void drift_divergence(double t, ConstPoints x, double* out) const override { divergence_.evaluate(t, x, out); }
  NoiseShape noise_shape() const override { return preconditioner_ ? NoiseShape::full : NoiseShape::uniform; }
  bool noise_is_additive() const override { return true; }
  double noise_level(double t) const override {
    return preconditioner_ ? Process::noise_level(t) : std::sqrt(2 * temperature_);
  }
  void noise(double t, ConstPoints x, Points out) const override {
    if (!preconditioner_) return Process::noise(t, x, out);
    for (int i = 0; i < dimension(); ++i) {
      for (int j = 0; j < dimension(); ++j) std::fill_n(out.coordinate(i * dimension() + j), x.size(), root_(i, j));
    }
  }
  bool has_potential() const override { return true; }
  void potential(ConstPoints x, double* out) const override {
    potential_.evaluate(0, x, out);
    for (Index i = 0; i < x.size(); ++i) out[i] /= temperature_;
  }
  bool has_clock() const override { return true; }
  bool is_axis_separable() const override { return separable_; }

 private:
  Expression potential_, divergence_;
  double temperature_;
  std::optional<MatrixXd> preconditioner_;
  std::vector<Expression> gradient_, drift_;
  MatrixXd root_;
  bool separable_ = false;
};

/// dq = v dt, dv = (-grad U(q) - friction v) dt + sqrt(2 friction T) dW, with invariant density exp(-(U + |v|^2/2)/T).
class UnderdampedLangevin : public Process {
 public:
  UnderdampedLangevin(int positions, double horizon, const Expression& potential, double friction, double temperature)
      : Process(2 * positions, horizon),
        positions_(positions),
        friction_(friction),
        level_(std::sqrt(2 * friction * temperature)) {
    for (int k = 0; k < positions; ++k) gradient_.push_back(potential.derivative(k));
    structure_ = {positions, friction, temperature, [gradient = gradient_](ConstPoints q, Points force) {
                    evaluate_all(gradient, 0, q, force);
                    negate(force);
                  }};
  }
  void drift(double, ConstPoints x, Points out) const override {
    structure_.force(x.columns(0, positions_), out.columns(positions_, positions_));
    for (int k = 0; k < positions_; ++k) {
      const double* velocity = x.coordinate(positions_ + k);
      double* acceleration = out.coordinate(positions_ + k);
      std::copy_n(velocity, x.size(), out.coordinate(k));
      for (Index i = 0; i < x.size(); ++i) acceleration[i] -= friction_ * velocity[i];
    }
  }
  bool has_drift_divergence() const override { return true; }
  void drift_divergence(double, ConstPoints x, double* out) const override {
    std::fill_n(out, x.size(), -friction_ * positions_);
  }
  NoiseShape noise_shape() const override { return level_ == 0 ? NoiseShape::none : NoiseShape::diagonal; }
  bool noise_is_additive() const override { return true; }
  void noise(double t, ConstPoints x, Points out) const override {
    if (level_ == 0) return Process::noise(t, x, out);
    for (int k = 0; k < 2 * positions_; ++k) std::fill_n(out.coordinate(k), x.size(), k < positions_ ? 0.0 : level_);
  }
  bool has_clock() const override { return true; }
  const Underdamped* underdamped() const override { return &structure_; }

 private:
  static void negate(Points values) {
    for (int k = 0; k < values.dimension(); ++k) {
      for (Index i = 0; i < values.size(); ++i) values(i, k) = -values(i, k);
    }
  }
  int positions_;
  double friction_, level_;
  std::vector<Expression> gradient_;
  Underdamped structure_;
};

Expression potential_of(const Parameters& p, int dimension) {
  const Expression potential = parse_formula(p, "potential", dimension);
  if (potential.depends_on_time())
    throw ParameterError("potential", "the potential may not depend on t; write the drift of an `expression` process");
  return potential;
}

const Registered<ProcessFactory> langevin{
    {"processes",
     "langevin",
     "Overdamped Langevin dynamics dX = -M grad U dt + sqrt(2 temperature M) dW, invariant density exp(-U/temperature)",
     "",
     {dimension_parameter(), horizon_parameter(),
      required("potential", {Type::expression}, "U(x, y, ..)").unit("energy"),
      defaulted("temperature", {Type::real}, 1.0, "temperature").positive().unit("energy"),
      optional("preconditioner", {Type::matrix}, "symmetric positive matrix M, default: identity"),
      constants_parameter()}},
    [](const Parameters& p, const ProcessContext&) -> ProcessPtr {
      const int d = dimension_of(p);
      std::optional<MatrixXd> preconditioner;
      if (p.has("preconditioner")) {
        const MatrixXd m = matrix_parameter(p, "preconditioner");
        if (m.rows() != d || m.cols() != d) {
          throw ParameterError("preconditioner",
                               fmt::format("expected a {0} x {0} matrix, found {1} x {2}", d, m.rows(), m.cols()));
        }
        if (m != m.transpose() || !cholesky(m))
          throw ParameterError("preconditioner", "the matrix is not symmetric and positive");
        preconditioner = m;
      }
      return std::make_shared<Langevin>(d, p.real("horizon"), potential_of(p, d), p.real("temperature"),
                                        preconditioner);
    }};

const Registered<ProcessFactory> underdamped_langevin{
    {"processes",
     "underdamped_langevin",
     "dq = v dt, dv = (-grad U(q) - friction v) dt + sqrt(2 friction temperature) dW; coordinates q_1..q_n, v_1..v_n",
     "",
     {required("dimension", {Type::integer}, "number of coordinates 2 n: positions and velocities")
          .between(2, laws::most_dimensions),
      horizon_parameter(),
      required("potential", {Type::expression}, "U in the n positions, named x, y, ..").unit("energy"),
      defaulted("friction", {Type::real}, 1.0, "friction").nonnegative().unit("1/time"),
      defaulted("temperature", {Type::real}, 1.0, "temperature").nonnegative().unit("energy"), constants_parameter()}},
    [](const Parameters& p, const ProcessContext&) -> ProcessPtr {
      if (dimension_of(p) % 2 != 0)
        throw ParameterError(
            "dimension", fmt::format("expected an even number: positions and velocities, found {}", dimension_of(p)));
      const int positions = dimension_of(p) / 2;
      return std::make_shared<UnderdampedLangevin>(positions, p.real("horizon"), potential_of(p, positions),
                                                   p.real("friction"), p.real("temperature"));
    }};
}  // namespace

}  // namespace fortet::processes
