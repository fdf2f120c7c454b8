#include "diffusion_sampler.hpp"

#include <cmath>

#include "block_loops.hpp"

namespace fortet::ensembles {

NoiseLevel noise_level(const processes::LinearNoising& noising, double t) {
  return {t, noising.decay(0, t), std::sqrt(noising.variance(0, t))};
}

NoiseLevel noise_level(const processes::Denoising& denoising, double s) {
  return noise_level(*denoising.noising, std::max(0.0, denoising.noising->horizon() - s));
}

double time_of_level(const std::function<double(double t)>& level, double value, double low, double high) {
  for (int round = 0; round < 200 && std::nextafter(low, high) < high; ++round) {
    const double middle = 0.5 * (low + high);
    (level(middle) < value ? low : high) = middle;
  }
  return high;
}

void predict_data(const processes::Denoising& denoising, const NoiseLevel& level, Points x, Workspace& workspace) {
  const Points score = workspace.points(x.size(), x.dimension());
  denoising.score->evaluate(level.time, x, score);
  workspace.evaluations += x.size();
  const double variance = level.sigma * level.sigma, scale = 1 / level.alpha;
  for (int k = 0; k < x.dimension(); ++k) {
    double* const xk = x.coordinate(k);
    const double* const sk = score.coordinate(k);
    const double mean = denoising.noising->mean()[k];
#pragma omp simd
    for (Index i = 0; i < x.size(); ++i) xk[i] = mean + scale * (xk[i] - mean + variance * sk[i]);
  }
}

DiffusionSampler::DiffusionSampler(const Parameters& parameters, const StepperContext& context) : Stepper(context) {
  require(context.process->denoising() != nullptr, parameters,
          "the time_reversal of a linear noising process (vp, sub_vp, ve, ddpm, ornstein_uhlenbeck or brownian)");
  mean_ = noising().mean();
}

NoiseLevel DiffusionSampler::with_ratio(double ratio, const NoiseLevel& fine, const NoiseLevel& coarse) const {
  const double t = time_of_level([this](double time) { return noise_level(noising(), time).ratio(); }, ratio, fine.time,
                                 coarse.time);
  return noise_level(noising(), t);
}

void DiffusionSampler::score(const NoiseLevel& level, ConstPoints x, Points out, Workspace& workspace) const {
  denoising().score->evaluate(level.time, x, out);
  workspace.evaluations += x.size();
}

void DiffusionSampler::noise_prediction(const NoiseLevel& level, ConstPoints x, Points out,
                                        Workspace& workspace) const {
  score(level, x, out, workspace);
  for (int k = 0; k < out.dimension(); ++k) {
    double* const value = out.coordinate(k);
#pragma omp simd
    for (Index i = 0; i < out.size(); ++i) value[i] *= -level.sigma;
  }
}

void DiffusionSampler::combine_centred(ConstPoints x, double a, double b, ConstPoints y, Points out) const {
  for (int k = 0; k < x.dimension(); ++k) {
    const double *const xk = x.coordinate(k), *const yk = y.coordinate(k);
    double* const to = out.coordinate(k);
    const double mean = mean_[k];
#pragma omp simd
    for (Index i = 0; i < x.size(); ++i) to[i] = mean + a * (xk[i] - mean) + b * yk[i];
  }
}

}  // namespace fortet::ensembles
