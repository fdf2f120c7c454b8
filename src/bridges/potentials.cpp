#include "potentials.hpp"

namespace fortet::bridges {

Potentials::Potentials(densities::GridPtr grid, std::unique_ptr<densities::Propagator> propagator, double horizon,
                       long steps, std::vector<double> source, std::vector<double> target)
    : grid_(std::move(grid)),
      propagator_(std::move(propagator)),
      horizon_(horizon),
      steps_(steps),
      source_(std::move(source)),
      target_(std::move(target)),
      hat_(source_.size()),
      phi0_(source_.size(), 1.0),
      phi1_(source_.size(), 0.0),
      work_(source_.size()) {}

double Potentials::sum(std::span<const double> terms) const {
  parallel::ExactSum sum;
  sum.add(terms);
  return grid_->communicator().sum(sum);
}

/// A cell with mass must be carried to by masses or values that are positive and finite in double precision.
void Potentials::require_reachable(std::span<const double> masses, std::span<const double> carried,
                                   const char* which) const {
  Index bad = -1;
  for (std::size_t i = 0; i < masses.size() && bad < 0; ++i) {
    if (masses[i] > 0 && !(carried[i] > 1e-290 && carried[i] < 1e290)) bad = static_cast<Index>(i);
  }
  parallel::together(grid_->communicator(), [&] {
    if (bad < 0) return;
    PointArray centre(1, grid_->dimension());
    grid_->local_centres(bad, centre);
    std::vector<double> x;
    for (int k = 0; k < centre.dimension(); ++k) x.push_back(centre(0, k));
    throw DivergedError(fmt::format(
        "the {} law has mass at ({:.4g}) where the reference process brings {:g}: it cannot get there, or only with a "
        "probability below the range of double precision. Take more noise, other walls, or a law without that mass",
        which, fmt::join(x, ", "), carried[bad]));
  });
}

/// One iteration; returns the L1 error of the marginals of the coupling hat_0 R phi_1 that it found.
double Potentials::sweep(double relaxation) {
  const std::size_t n = source_.size();
  for (std::size_t i = 0; i < n; ++i) hat_[i] = source_[i] > 0 ? source_[i] / phi0_[i] : 0;
  work_ = hat_;
  propagator_->forward(0, horizon_, steps_, work_);
  require_reachable(target_, work_, "target");
  std::vector<double> defect(n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    if (target_[i] == 0) continue;
    const double plain = target_[i] / work_[i];
    // phi_1 of the first iteration is no value to relax from.
    phi1_[i] = relaxation == 1 || phi1_[i] == 0 ? plain : phi1_[i] * std::pow(plain / phi1_[i], relaxation);
    defect[i] = std::abs(phi1_[i] * work_[i] - target_[i]);
  }
  double error = sum(defect);
  work_ = phi1_;
  propagator_->backward(0, horizon_, steps_, work_);
  require_reachable(source_, work_, "source");
  for (std::size_t i = 0; i < n; ++i) {
    defect[i] = std::abs(work_[i] * hat_[i] - source_[i]);
    phi0_[i] = relaxation == 1 || source_[i] == 0 ? work_[i] : phi0_[i] * std::pow(work_[i] / phi0_[i], relaxation);
  }
  return error + sum(defect);
}

Iteration Potentials::solve(const IterationLimits& limits) {
  Iteration now;
  double relaxation = limits.relaxation > 0 ? limits.relaxation : 1;
  double last_rate = 0, before = 0, rate = 0;
  bool relaxed = relaxation != 1, plain_rate_known = false;
  int growing = 0;
  for (now.iterations = 1; now.iterations <= limits.iterations; ++now.iterations) {
    before = now.error;
    now.error = sweep(relaxation);
    if (!std::isfinite(now.error)) throw DivergedError("the potentials are not finite; take more noise");
    if (now.iterations > 1 && before > 0) {
      last_rate = rate;
      rate = now.error / before;
    }
    if (!plain_rate_known) now.rate = rate;
    if (limits.report) limits.report(now);
    // Rounding ends the convergence before the tolerance may do so.
    const double left = now.error / (1 - std::clamp(rate, 0.0, 0.999999));
    if (now.iterations > 2 && (left <= limits.tolerance || now.error < 1e-14)) break;
    // The best exponent for a linear rate theta is 2 / (1 + sqrt(1 - theta)) (MATHS section 4).
    if (limits.relaxation == 0 && !relaxed && now.iterations >= 6 && rate < 1 &&
        std::abs(rate - last_rate) < 0.01 * (1 - rate)) {
      relaxed = plain_rate_known = true;
      relaxation = 2 / (1 + std::sqrt(1 - rate));
    }
    growing = rate > 1 ? growing + 1 : 0;
    if (relaxed && growing >= 8) {  // the exponent was too large for the potentials as they are
      relaxation = 1 + 0.5 * (relaxation - 1);
      growing = 0;
    }
  }
  if (now.iterations > limits.iterations) {
    throw DivergedError(
        fmt::format("the Schroedinger system is not solved after {} iterations: the error {:.3g} falls by {:.4g} per "
                    "iteration. Give "
                    "more iterations, more noise, or a larger tolerance",
                    limits.iterations, now.error, now.rate));
  }
  // A plain half iteration makes the target's marginal exact and the potentials a pair; then phi_0 = R^T phi_1
  // everywhere.
  now.error = sweep(1);
  return now;
}

}  // namespace fortet::bridges
