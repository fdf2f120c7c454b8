#pragma once
/// Samplers of diffusion models: steppers of the time reversal of a linear noising process, with any score.
///
/// All of them leave X_t ~ p_t invariant but for their error in time, whatever the stochasticity of the reversal: the
/// sampler chooses its own. Predictions of the noise eps = -sigma grad log p_t and of the data
/// x0 = m + (x - m - sigma eps) / alpha are those of MATHS section 1.
#include "fortet/ensembles/stepper.hpp"
#include "fortet/processes/linear_noising.hpp"

namespace fortet::ensembles {

/// X_t | X_0 ~ N(m + alpha (X_0 - m), sigma^2 I) at the noising time t.
struct NoiseLevel {
  double time, alpha, sigma;
  double ratio() const { return sigma / alpha; }              ///< increases with the time
  double log_snr() const { return std::log(alpha / sigma); }  ///< lambda of DPM-Solver
};
NoiseLevel noise_level(const processes::LinearNoising& noising, double t);
/// The level at time s of a reversal.
NoiseLevel noise_level(const processes::Denoising& denoising, double s);
/// Time in [low, high] at which the increasing function `level` takes a value, to the last bit.
double time_of_level(const std::function<double(double t)>& level, double value, double low, double high);

/// x becomes the prediction of the data.
void predict_data(const processes::Denoising& denoising, const NoiseLevel& level, Points x, Workspace& workspace);

class DiffusionSampler : public Stepper {
 public:
  /// Throws ParameterError unless the process is the reversal of a linear noising process.
  DiffusionSampler(const Parameters& parameters, const StepperContext& context);

 protected:
  const processes::Denoising& denoising() const { return *process().denoising(); }
  const processes::LinearNoising& noising() const { return *denoising().noising; }
  NoiseLevel at(double s) const { return noise_level(denoising(), s); }
  /// The level between `fine` and `coarse` whose sigma / alpha has a value.
  NoiseLevel with_ratio(double ratio, const NoiseLevel& fine, const NoiseLevel& coarse) const;
  /// out = grad log p_t, counted.
  void score(const NoiseLevel& level, ConstPoints x, Points out, Workspace& workspace) const;
  /// out = -sigma grad log p_t, counted.
  void noise_prediction(const NoiseLevel& level, ConstPoints x, Points out, Workspace& workspace) const;
  /// out = m + a (x - m) + b y; `out` may be x.
  void combine_centred(ConstPoints x, double a, double b, ConstPoints y, Points out) const;

 private:
  Eigen::VectorXd mean_;
};

}  // namespace fortet::ensembles
