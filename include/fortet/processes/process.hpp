#pragma once
/// Markov processes by their generators (MATHS section 1): dX = b(X,t) dt + G(X,t) dW (Ito), a = G G^T, D = a/2.
///
/// A process knows neither grids nor particles. Everything is evaluated on blocks of points; a virtual call per block.
#include <Eigen/Core>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "fortet/base/expression.hpp"
#include "fortet/laws/law.hpp"
#include "fortet/processes/field.hpp"

namespace fortet::processes {

/// Shape of the noise matrix G, cheapest first.
enum class NoiseShape {
  none,      ///< G = 0
  uniform,   ///< G = g(t) I: only noise_level() is used
  scalar,    ///< G = g(x,t) I: one column
  diagonal,  ///< G = diag(g_1 .. g_d)(x,t): d columns
  full,      ///< G is d x m: column i*m + j holds G_ij
};

/// How smooth the coefficients are known to be in x, and how dX = b dt + G dW was meant. drift() is that of Ito all the
/// same, with the derivatives of a piecewise smooth G taken piecewise; where G jumps only a reader of this knows what
/// happens at the jump.
struct Regularity {
  Smoothness drift = Smoothness::smooth, noise = Smoothness::smooth;
  /// J = b p - D^s grad(D^(1-s) p): 0 Ito, 1/2 Stratonovich, 1 Haenggi and Klimontovich (Fick's law); the drift of Ito
  /// is b + s div D.
  double reading = 0;
};

/// A prepared exact transition X_{t1} | X_{t0} of one step.
class Transition {
 public:
  virtual ~Transition() = default;
  virtual int draws() const = 0;  ///< standard normals per particle
  /// x(i, .) at t0 is replaced by x(i, .) at t1.
  virtual void apply(ConstPoints normals, Points x) const = 0;
};

/// Structure of an underdamped Langevin process, for splitting integrators: coordinates 0..n-1 are positions q, n..2n-1
/// velocities v; dq = v dt, dv = (force(q) - friction v) dt + sqrt(2 friction temperature) dW.
struct Underdamped {
  int positions;
  double friction, temperature;
  std::function<void(ConstPoints q, Points force)> force;
};

class LinearNoising;  // linear_noising.hpp

/// Structure of the time reversal of a linear noising process, for diffusion samplers: at time s the law of the process
/// is that of X_t at the noising time t = noising->horizon() - s.
struct Denoising {
  std::shared_ptr<const LinearNoising> noising;
  FieldPtr score;  ///< grad log p_t, in the noising time
};

/// Immutable and safe from many threads at once. Nothing here is collective.
class Process {
 public:
  Process(int dimension, double horizon) : dimension_(dimension), horizon_(horizon) {}
  virtual ~Process() = default;
  int dimension() const { return dimension_; }
  double horizon() const { return horizon_; }  ///< times run over [0, horizon]

  /// out(i, k) = b_k(x_i, t).
  virtual void drift(double t, ConstPoints x, Points out) const = 0;
  virtual bool has_drift_divergence() const { return false; }
  virtual void drift_divergence(double t, ConstPoints x, double* out) const;  ///< out[i] = div b

  virtual NoiseShape noise_shape() const = 0;
  virtual bool noise_is_additive() const { return noise_shape() <= NoiseShape::uniform; }  ///< G does not depend on x
  virtual int noise_count() const { return dimension(); }  ///< m, number of Wiener processes
  virtual double noise_level(double t) const;              ///< g(t) of a uniform noise; 0 for none
  virtual void noise(double t, ConstPoints x,
                     Points out) const;  ///< columns as NoiseShape says; scalar, diagonal, full
  /// out(i, k) = d g_k / d x_k of a scalar or diagonal noise (Milstein's term).
  virtual void noise_derivative(double t, ConstPoints x, Points out) const;
  /// (div a)_i = d_j a_ij; zero when the noise is additive.
  virtual void diffusion_divergence(double t, ConstPoints x, Points out) const;
  /// a = G G^T, upper triangle by rows: a_00, a_01, .., a_11, ..: d(d+1)/2 columns. Derived from noise().
  void diffusion(double t, ConstPoints x, Points out) const;

  /// Dimensionless potential V(x) with b - div D = -D grad V at all times: then e^{-V} is an equilibrium, and
  /// exponential fitting uses node differences of V.
  virtual bool has_potential() const { return false; }
  virtual void potential(ConstPoints x, double* out) const;

  virtual Regularity regularity() const { return {}; }

  /// Clock: L(t) = rate(t) L(0) / rate(0) with clock(t) = int_0^t rate. A homogeneous process has rate 1.
  virtual bool has_clock() const { return false; }
  virtual double clock_rate(double t) const {
    (void)t;
    return 1;
  }
  virtual double clock(double t) const { return t; }
  /// b_k and G_kk depend on x_k (and t) only, and G is diagonal: the generator is a sum of one per axis.
  virtual bool is_axis_separable() const { return false; }

  /// Law of X_t when X_0 has law `initial`; null when there is no closed form.
  virtual laws::LawPtr marginal(const laws::LawPtr& initial, double t) const {
    (void)initial;
    (void)t;
    return nullptr;
  }
  /// Exact transition from t0 to t1; null when there is none.
  virtual std::unique_ptr<const Transition> transition(double t0, double t1) const {
    (void)t0;
    (void)t1;
    return nullptr;
  }
  /// A(t) in b = A(t) x + rest, for exponential integrators; empty when nothing is known.
  virtual std::optional<Eigen::MatrixXd> linear_part(double t) const {
    (void)t;
    return std::nullopt;
  }
  virtual const Underdamped* underdamped() const { return nullptr; }
  virtual const Denoising* denoising() const { return nullptr; }

 private:
  int dimension_;
  double horizon_;
};

using ProcessPtr = std::shared_ptr<const Process>;

/// What a process's factory may ask for.
struct ProcessContext {
  std::function<laws::LawPtr(const std::string& name)> law;
  std::function<ProcessPtr(const std::string& name)> process;
  /// Score of the marginals of `of` from another object: section "densities" or "models". Evaluated in the time of
  /// `of`.
  std::function<FieldPtr(const std::string& section, const std::string& name, const ProcessPtr& of)> score;
  /// Velocity field of a trained model (section "models"), in the time of the flow.
  std::function<FieldPtr(const std::string& model)> velocity;
};

using ProcessFactory = std::function<ProcessPtr(const Parameters&, const ProcessContext&)>;

/// Makes a process of a registered kind; throws ParameterError for a value that makes none.
ProcessPtr make_process(const Parameters& parameters, const ProcessContext& context = {});

/// process.marginal(initial, time), or ParameterError saying what is wrong; serves the law kind `marginal`
/// (LawContext::marginal).
laws::LawPtr closed_form_marginal(const Process& process, const laws::LawPtr& initial, double time);

/// The score of the closed-form marginals of `process` started from `initial`; throws UsageError where there are none.
/// Keeps the marginal of the last times asked for, so that a loop over blocks at one time builds it once.
FieldPtr marginal_score(const ProcessPtr& process, const laws::LawPtr& initial);

}  // namespace fortet::processes
