#include "fortet/processes/process.hpp"

#include "fortet/base/scratch.hpp"

namespace fortet::processes {

namespace {
[[noreturn]] void lacks(const char* what) { throw UsageError(std::string("this process has no ") + what); }
}  // namespace

void Field::divergence(double, ConstPoints, double*) const { throw UsageError("this field has no divergence"); }

void Process::drift_divergence(double, ConstPoints, double*) const { lacks("divergence of the drift"); }

double Process::noise_level(double) const {
  if (noise_shape() == NoiseShape::none) return 0;
  lacks("noise that is the same at all points");
}

void Process::noise(double t, ConstPoints x, Points out) const {
  if (noise_shape() == NoiseShape::none) return;
  if (noise_shape() != NoiseShape::uniform) lacks("noise matrix");
  std::fill_n(out.coordinate(0), x.size(), noise_level(t));
}

void Process::noise_derivative(double, ConstPoints x, Points out) const {
  if (!noise_is_additive()) lacks("derivative of the noise");
  for (int k = 0; k < out.dimension(); ++k) std::fill_n(out.coordinate(k), x.size(), 0.0);
}

void Process::diffusion_divergence(double, ConstPoints x, Points out) const {
  if (!noise_is_additive()) lacks("divergence of the diffusion");
  for (int k = 0; k < out.dimension(); ++k) std::fill_n(out.coordinate(k), x.size(), 0.0);
}

void Process::potential(ConstPoints, double*) const { lacks("potential"); }

void Process::diffusion(double t, ConstPoints x, Points out) const {
  const int d = dimension();
  const NoiseShape shape = noise_shape();
  const Index n = x.size();
  for (int column = 0; column < d * (d + 1) / 2; ++column) std::fill_n(out.coordinate(column), n, 0.0);
  if (shape == NoiseShape::none) return;
  const int columns = shape == NoiseShape::full ? d * noise_count() : shape == NoiseShape::diagonal ? d : 1;
  const Scratch scratch(n, columns);
  const Points g = scratch.points(n, columns);
  noise(t, x, g);
  const int m = noise_count();
  for (int i = 0, column = 0; i < d; ++i) {
    for (int j = i; j < d; ++j, ++column) {
      double* a = out.coordinate(column);
      if (shape == NoiseShape::full) {
        for (int k = 0; k < m; ++k) {
          const double *gi = g.coordinate(i * m + k), *gj = g.coordinate(j * m + k);
          for (Index p = 0; p < n; ++p) a[p] += gi[p] * gj[p];
        }
      } else if (i == j) {
        const double* gi = g.coordinate(shape == NoiseShape::diagonal ? i : 0);
        for (Index p = 0; p < n; ++p) a[p] = gi[p] * gi[p];
      }
    }
  }
}

ProcessPtr make_process(const Parameters& parameters, const ProcessContext& context) {
  return Registry<ProcessFactory>::instance().find("processes", parameters.kind())(parameters, context);
}

}  // namespace fortet::processes
