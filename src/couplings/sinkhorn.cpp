#include "fortet/couplings/sinkhorn.hpp"

#include "fortet/base/error.hpp"
#include "fortet/base/vector_math.hpp"

namespace fortet::couplings {
namespace {

PointArray copy_of(ConstPoints points) {
  PointArray result(points.size(), points.dimension());
  for (int k = 0; k < points.dimension(); ++k)
    std::copy_n(points.coordinate(k), points.size(), result.view().coordinate(k));
  return result;
}

/// out[j] = |x_i - y_j|^2.
void squared_distances(ConstPoints x, Index i, ConstPoints y, double* out) {
  std::fill_n(out, y.size(), 0.0);
  for (int k = 0; k < y.dimension(); ++k) {
    const double* const yk = y.coordinate(k);
    const double xk = x(i, k);
#pragma omp simd
    for (Index j = 0; j < y.size(); ++j) out[j] += (xk - yk[j]) * (xk - yk[j]);
  }
}

/// sum_j exp((shift + g_j - c_j) / epsilon).
double sum_of_exponentials(const double* g, const double* costs, Index size, double shift, double epsilon) {
  double sum = 0;
  const double scale = 1 / epsilon;
#pragma omp simd reduction(+ : sum)
  for (Index j = 0; j < size; ++j) sum += vectorised::exp((shift + (g[j] - costs[j])) * scale);
  return sum;
}

/// p log(p / q) - p + q.
double divergence(double p, double q) { return p > 0 ? p * std::log(p / q) - p + q : q; }

}  // namespace

EntropicPlan::EntropicPlan(ConstPoints source, ConstPoints target, const SinkhornSettings& settings)
    : source_(copy_of(source)), target_(copy_of(target)), settings_(settings), f_(source.size()), g_(target.size()) {
  if (source.size() == 0 || target.size() == 0 || source.dimension() != target.dimension()) {
    throw UsageError(fmt::format("entropic transport: {} points in {} dimensions against {} in {}", source.size(),
                                 source.dimension(), target.size(), target.dimension()));
  }
  double largest = 0;  // cost, from above
  for (int k = 0; k < source.dimension(); ++k) {
    const auto [a, b] = std::minmax_element(source.coordinate(k), source.coordinate(k) + source.size());
    const auto [c, d] = std::minmax_element(target.coordinate(k), target.coordinate(k) + target.size());
    const double extent = std::max(*b - *c, *d - *a);
    largest += extent * extent;
  }
  if (!std::isfinite(largest)) throw UsageError("entropic transport: a coordinate is not finite");
  // Coarse epsilons only bring the potentials near.
  constexpr double rough = 0.1;
  constexpr long few = 10;
  for (double epsilon = largest; epsilon > 2 * settings.epsilon; epsilon /= 2) iterate(epsilon, rough, few);
  error_ = iterate(settings.epsilon, settings.tolerance, settings.iterations);
  if (!(error_ <= settings.tolerance)) {
    throw DivergedError(
        fmt::format("Sinkhorn's iteration with epsilon = {:g} stands at a marginal error of {:.2g} after {} iterations "
                    "(tolerance {:g}): take a larger epsilon, more iterations, or a larger tolerance",
                    settings.epsilon, error_, settings.iterations, settings.tolerance));
  }
  summarise();
}

double EntropicPlan::update(const PointArray& own, const PointArray& other, std::vector<double>& potential,
                            const std::vector<double>& other_potential, double epsilon) {
  const Index m = other.size();
  const double damping =
      std::isinf(settings_.mass_penalty) ? 1.0 : settings_.mass_penalty / (settings_.mass_penalty + epsilon);
  costs_.resize(m);
  double change = 0;
  for (Index i = 0; i < own.size(); ++i) {
    squared_distances(own, i, other, costs_.data());
    // The old potential keeps the exponents small; where it does not, their largest does.
    double shift = potential[i];
    double sum = sum_of_exponentials(other_potential.data(), costs_.data(), m, shift, epsilon);
    if (!(sum > 1e-100 && sum < 1e100)) {
      shift = std::numeric_limits<double>::infinity();
      for (Index j = 0; j < m; ++j) shift = std::min(shift, costs_[j] - other_potential[j]);
      sum = sum_of_exponentials(other_potential.data(), costs_.data(), m, shift, epsilon);
    }
    const double updated = damping * (shift - epsilon * std::log(sum / static_cast<double>(m)));
    change += std::abs(std::expm1(std::min((potential[i] - updated) / epsilon, 700.0)));
    potential[i] = updated;
  }
  return change / static_cast<double>(own.size());
}

double EntropicPlan::iterate(double epsilon, double tolerance, long most) {
  double error = std::numeric_limits<double>::infinity();
  for (long k = 0; k < most && !(error <= tolerance); ++k) {
    // After the second half step the columns are right; what the first half step of the next iteration changes is what
    // is still wrong in the rows.
    error = update(source_, target_, f_, g_, epsilon);
    update(target_, source_, g_, f_, epsilon);
    ++iterations_;
  }
  return error;
}

double EntropicPlan::row(Index i, double* out) const {
  squared_distances(source_, i, target_, out);
  const double scale = 1 / settings_.epsilon, weight = 1 / static_cast<double>(source_.size() * target_.size());
  const double shift = f_[i];
  const double* const g = g_.data();
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (Index j = 0; j < target_.size(); ++j) {
    out[j] = vectorised::exp((shift + (g[j] - out[j])) * scale) * weight;
    sum += out[j];
  }
  return sum;
}

void EntropicPlan::summarise() {
  const Index n = source_.size(), m = target_.size();
  std::vector<double> masses(m), columns(m, 0.0);
  double potentials = 0, penalty = 0;
  for (Index i = 0; i < n; ++i) {
    const double own = row(i, masses.data());
    squared_distances(source_, i, target_, costs_.data());
    for (Index j = 0; j < m; ++j) {
      transport_cost_ += costs_[j] * masses[j];
      potentials += (f_[i] + g_[j]) * masses[j];
      columns[j] += masses[j];
    }
    mass_ += own;
    penalty += divergence(own, 1 / static_cast<double>(n));
  }
  for (const double column : columns) penalty += divergence(column, 1 / static_cast<double>(m));
  // epsilon KL(pi | a x b) = sum (f + g - c) pi - epsilon (mass - 1), from the form of pi.
  value_ = potentials - settings_.epsilon * (mass_ - 1);
  if (!std::isinf(settings_.mass_penalty)) value_ += settings_.mass_penalty * penalty;
}

}  // namespace fortet::couplings
