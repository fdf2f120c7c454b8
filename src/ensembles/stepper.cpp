#include "fortet/ensembles/stepper.hpp"

#include <cmath>

#include "fortet/processes/divergence_estimate.hpp"

namespace fortet::ensembles {

using processes::NoiseShape;

Points Workspace::points(Index size, int dimension) {
  const std::size_t needed = static_cast<std::size_t>(std::max(size, capacity_)) * dimension;
  if (used_ == buffers_.size()) {
    buffers_.push_back(nullptr);
    sizes_.push_back(0);
  }
  if (sizes_[used_] < needed) {  // only until every buffer has been asked for once
    buffers_[used_] = std::make_unique<double[]>(needed);
    sizes_[used_] = needed;
  }
  return {buffers_[used_++].get(), size, dimension, size};
}

int Stepper::draws() const {
  const NoiseShape shape = process_->noise_shape();
  return shape == NoiseShape::none ? 0 : shape == NoiseShape::full ? process_->noise_count() : dimension();
}

void Stepper::increments(const Step& step, std::int64_t first, Points xi, Workspace& workspace) const {
  if (step.parts.size() == 1) {
    increments_.normals(first, step.number, xi);
    return;
  }
  const Points part = workspace.points(xi.size(), xi.dimension());
  for (std::size_t j = 0; j < step.parts.size(); ++j) {
    const double scale = std::sqrt(step.parts[j] / step.size());
    increments_.normals(first, step.number + static_cast<std::uint32_t>(j), part);
    for (int k = 0; k < xi.dimension(); ++k) {
      double* const out = xi.coordinate(k);
      const double* const z = part.coordinate(k);
      if (j == 0) std::fill_n(out, xi.size(), 0.0);
#pragma omp simd
      for (Index i = 0; i < xi.size(); ++i) out[i] += scale * z[i];
    }
  }
}

void Stepper::increments_and_integrals(const Step& step, std::int64_t first, Points xi, Points eta,
                                       Workspace& workspace) const {
  const int m = xi.dimension();
  if (step.parts.size() == 1) {
    increments_.normals(first, step.number, xi);
    auxiliary_normals(step, first, m, eta);
    return;
  }
  // With W the path so far inside the coarse step: U = sum_j (U_j + h_j W_j), and eta = sqrt(3) (2 U / h^{3/2} - xi).
  const Index n = xi.size();
  const Points z = workspace.points(n, m), y = workspace.points(n, m);
  for (int k = 0; k < m; ++k) {
    std::fill_n(xi.coordinate(k), n, 0.0);
    std::fill_n(eta.coordinate(k), n, 0.0);
  }
  Step part = step;
  part.parts.resize(1);
  for (std::size_t j = 0; j < step.parts.size(); ++j) {
    const double h = step.parts[j], root = std::sqrt(h);
    part.number = step.number + static_cast<std::uint32_t>(j);
    increments_.normals(first, part.number, z);
    auxiliary_normals(part, first, m, y);
    for (int k = 0; k < m; ++k) {
      double *const w = xi.coordinate(k), *const u = eta.coordinate(k);
      const double *const zk = z.coordinate(k), *const yk = y.coordinate(k);
#pragma omp simd
      for (Index i = 0; i < n; ++i) {
        u[i] += h * w[i] + 0.5 * h * root * (zk[i] + yk[i] * 0.57735026918962576);
        w[i] += root * zk[i];
      }
    }
  }
  const double h = step.size(), root = std::sqrt(h);
  for (int k = 0; k < m; ++k) {
    double *const w = xi.coordinate(k), *const u = eta.coordinate(k);
#pragma omp simd
    for (Index i = 0; i < n; ++i) {
      w[i] /= root;
      u[i] = 1.7320508075688773 * (2 * u[i] / (h * root) - w[i]);
    }
  }
}

void Stepper::auxiliary_normals(const Step& step, std::int64_t first, int draws_used, Points out) const {
  increments_.normals(first, step.number, out, static_cast<std::uint32_t>((draws_used + 1) / 2 * 2));
}

void Stepper::drift(double t, ConstPoints x, Points out, Workspace& workspace) const {
  process_->drift(t, x, out);
  workspace.evaluations += x.size();
}

void Stepper::add_noise(double t, ConstPoints at, double scale, ConstPoints xi, Points x, Workspace& workspace) const {
  const NoiseShape shape = process_->noise_shape();
  if (shape == NoiseShape::none) return;
  const Index n = x.size();
  if (shape == NoiseShape::uniform) {
    const double amplitude = scale * process_->noise_level(t);
    for (int k = 0; k < x.dimension(); ++k) {
      double* const out = x.coordinate(k);
      const double* const z = xi.coordinate(k);
#pragma omp simd
      for (Index i = 0; i < n; ++i) out[i] += amplitude * z[i];
    }
    return;
  }
  const int m = process_->noise_count();
  const int columns = shape == NoiseShape::scalar     ? 1
                      : shape == NoiseShape::diagonal ? x.dimension()
                                                      : x.dimension() * m;
  const Points g = workspace.points(n, columns);
  process_->noise(t, at, g);
  for (int k = 0; k < x.dimension(); ++k) {
    double* const out = x.coordinate(k);
    const int first = shape == NoiseShape::full ? 0 : k, last = shape == NoiseShape::full ? m : k + 1;
    for (int j = first; j < last; ++j) {
      const double* const column = g.coordinate(shape == NoiseShape::full       ? k * m + j
                                                : shape == NoiseShape::diagonal ? k
                                                                                : 0);
      const double* const z = xi.coordinate(j);
#pragma omp simd
      for (Index i = 0; i < n; ++i) out[i] += scale * column[i] * z[i];
    }
  }
}

StepperPtr make_stepper(const Parameters& parameters, const StepperContext& context) {
  StepperPtr stepper = Registry<StepperFactory>::instance().find("steppers", parameters.kind())(parameters, context);
  if (context.log_density && !stepper->carries_log_density()) {
    throw ParameterError("log_density", "stepper " + parameters.kind() +
                                            " cannot carry log densities; those of deterministic flows can (euler, "
                                            "midpoint, heun, rk4, dormand_prince)");
  }
  if (context.probes > 0 && !processes::divergence_estimate_of(*context.process)) {
    throw ParameterError("divergence",
                         "the drift has no derivatives along probes: hutchinson is for learned velocities and scores, "
                         "and linear processes; take exact");
  }
  if (context.log_density && context.probes == 0 && !context.process->has_drift_divergence()) {
    throw ParameterError("log_density", "the process does not know the divergence of its drift");
  }
  if (context.tolerance > 0 && !stepper->is_adaptive()) {
    throw ParameterError("tolerance", "stepper " + parameters.kind() +
                                          " has fixed steps: give steps, or an adaptive stepper (dormand_prince)");
  }
  return stepper;
}

void require(bool condition, const Parameters& stepper, const std::string& need) {
  if (!condition) throw ParameterError("stepper", "stepper " + stepper.kind() + " needs " + need);
}

}  // namespace fortet::ensembles
