#include "potentials.hpp"

#include "grid_sum.hpp"

namespace fortet::bridges {

namespace {
constexpr double minus_infinity = -std::numeric_limits<double>::infinity();
}

void IterationState::exchange(io::State& state, const densities::Grid& grid) {
  const Index first = grid.slab().begin * grid.layer_size();
  bool begun = !log_phi1.empty();
  state.flag("begun", begun);
  state.rows("log_phi_0", log_phi0, grid.cell_count(), first, 1);
  if (begun) {
    log_phi1.resize(log_phi0.size());
    state.rows("log_phi_1", log_phi1, grid.cell_count(), first, 1);
  }
  state.integer("iterations", now.iterations);
  state.real("error", now.error);
  state.real("plain_rate", now.rate);
  state.real("relaxation", relaxation);
  state.real("rate", rate);
  state.real("last_rate", last_rate);
  state.real("best", best);
  state.integer("best_iteration", best_iteration);
  state.integer("growing", growing);
  state.flag("relaxed", relaxed);
  state.flag("plain_rate_known", plain_rate_known);
  anderson.exchange(state, grid);
}

Potentials::Potentials(densities::GridPtr grid, Carrier& carrier, double horizon, const std::vector<double>& source,
                       const std::vector<double>& target, IterationState& state)
    : grid_(std::move(grid)),
      carrier_(carrier),
      horizon_(horizon),
      source_(source),
      target_(target),
      state_(state),
      log_source_(source.size()),
      log_target_(source.size()),
      log_hat_(source.size()),
      values_(source.size()) {
  take_logarithms(source_, 0, log_source_);
  take_logarithms(target_, 0, log_target_);
}

/// L1 distance of exp(logarithms) from masses.
double Potentials::distance(const std::vector<double>& logarithms, const std::vector<double>& masses) {
  exponentiate(logarithms, 0, values_);
  for (std::size_t i = 0; i < values_.size(); ++i) values_[i] = std::abs(values_[i] - masses[i]);
  return grid_sum(*grid_, values_);
}

/// A cell with mass must be brought something that the carrier can tell from nothing.
void Potentials::require_reachable(const std::vector<double>& masses, const char* which) const {
  const double least = carrier_.least();
  Index bad = -1;
  for (std::size_t i = 0; i < masses.size() && bad < 0; ++i) {
    if (masses[i] > 0 && !(work_[i] > least && work_[i] < -minus_infinity)) bad = static_cast<Index>(i);
  }
  const parallel::Communicator& ranks = grid_->communicator();
  const double first = ranks.min(bad < 0 ? ranks.size() : ranks.rank());
  if (first == ranks.size()) return;
  std::string message;
  if (ranks.rank() == static_cast<int>(first)) {
    PointArray centre(1, grid_->dimension());
    grid_->local_centres(bad, centre);
    std::vector<double> x;
    for (int k = 0; k < centre.dimension(); ++k) x.push_back(centre(0, k));
    message = fmt::format(
        "the {} law has mass at ({:.4g}) where the reference process brings {}: it cannot get there, or only with a "
        "probability below the range of double precision. Take more noise, domain: log, other walls, or a law without "
        "that mass",
        which, fmt::join(x, ", "),
        work_[bad] == minus_infinity ? std::string("nothing") : fmt::format("a factor e^{:.0f}", work_[bad]));
  }
  ranks.broadcast(message, static_cast<int>(first));
  throw Unreachable(message);
}

/// One iteration; returns the L1 error of the marginals of the coupling hat_0 R phi_1 that it found.
double Potentials::sweep(double relaxation) {
  const std::size_t n = source_.size();
  std::vector<double>&log_phi0 = state_.log_phi0, &log_phi1 = state_.log_phi1;
  for (std::size_t i = 0; i < n; ++i) log_hat_[i] = source_[i] > 0 ? log_source_[i] - log_phi0[i] : minus_infinity;
  work_ = log_hat_;
  carrier_.forward(0, horizon_, work_);
  require_reachable(target_, "target");
  // log phi_1 of the first iteration is no value to relax from.
  const bool plain = relaxation == 1 || log_phi1.empty();
  log_phi1.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    if (target_[i] > 0) {
      const double full = log_target_[i] - work_[i];
      log_phi1[i] = plain ? full : log_phi1[i] + relaxation * (full - log_phi1[i]);
      work_[i] += log_phi1[i];
    } else {
      log_phi1[i] = work_[i] = minus_infinity;
    }
  }
  double error = plain ? 0 : distance(work_, target_);
  work_ = log_phi1;
  carrier_.backward(0, horizon_, work_);
  require_reachable(source_, "source");
  for (std::size_t i = 0; i < n; ++i) {
    const double full = work_[i];
    work_[i] = source_[i] > 0 ? full + log_hat_[i] : minus_infinity;
    log_phi0[i] = relaxation == 1 || source_[i] == 0 ? full : log_phi0[i] + relaxation * (full - log_phi0[i]);
  }
  return error + distance(work_, source_);
}

/// A plain iteration and Anderson's step from it; the error is that of the plain one. Where a step leads astray, it is
/// taken back, and what it was made of is forgotten.
double Potentials::accelerated_sweep() {
  IterationState& state = state_;
  std::vector<double> start = state.log_phi0;
  const auto plain_sweep = [&] {
    double error = 0;
    try {
      error = sweep(1);
    } catch (const Unreachable&) {
      error = std::numeric_limits<double>::infinity();
      if (state.anderson.is_at_start()) throw;
    }
    return error;
  };
  double error = plain_sweep();
  if (!state.anderson.is_at_start() && !(error <= 2 * state.best)) {
    start = state.log_phi0 = state.anderson.restart();
    error = plain_sweep();
  }
  state.log_phi0 = state.anderson.next(*grid_, source_, start, state.log_phi0);
  return error;
}

Iteration Potentials::solve(const IterationLimits& limits) {
  IterationState& state = state_;
  Iteration& now = state.now;
  if (now.iterations == 0) {
    state.relaxation = limits.relaxation > 0 ? limits.relaxation : 1;
    state.relaxed = state.relaxation != 1;
  }
  constexpr long patience = 500;
  // A run that goes on from here, with other limits, is not to be judged by what was before.
  const auto forgive = [&] {
    state.best = std::numeric_limits<double>::infinity();
    state.best_iteration = now.iterations;
  };
  for (;;) {
    if (now.iterations >= limits.iterations) {
      forgive();
      throw DivergedError(
          fmt::format("the Schroedinger system is not solved after {} iterations: the error {:.3g} falls by {:.4g} per "
                      "iteration. Give more iterations, more noise, or a larger tolerance",
                      now.iterations, now.error, now.rate));
    }
    const double before = now.error;
    if (limits.acceleration == Acceleration::anderson) {
      now.error = accelerated_sweep();
    } else {
      now.error = sweep(state.relaxation);
    }
    ++now.iterations;
    if (!std::isfinite(now.error)) throw DivergedError("the potentials are not finite; take more noise");
    if (now.iterations > 1 && before > 0) {
      state.last_rate = state.rate;
      state.rate = now.error / before;
    }
    if (!state.plain_rate_known) now.rate = state.rate;
    if (limits.report) limits.report(now);
    // Rounding ends the convergence before the tolerance may do so.
    const double left = now.error / (1 - std::clamp(state.rate, 0.0, 0.999999));
    if (now.iterations > 2 && (left <= limits.tolerance || now.error < 1e-14)) break;
    if (now.error < state.best) {
      state.best = now.error;
      state.best_iteration = now.iterations;
    }
    if (now.iterations - state.best_iteration >= patience) {
      const double best = state.best;
      forgive();
      throw DivergedError(
          fmt::format("the Schroedinger system stalls: the best error of the marginals, {:.3g}, is {} iterations old. "
                      "Give a larger tolerance, more noise, or relaxation: 1",
                      best, patience));
    }
    // The best exponent for a linear rate theta is 2 / (1 + sqrt(1 - theta)) (MATHS section 4).
    if (limits.acceleration == Acceleration::relaxation && limits.relaxation == 0 && !state.relaxed &&
        now.iterations >= 6 && state.rate < 1 && std::abs(state.rate - state.last_rate) < 0.01 * (1 - state.rate)) {
      state.relaxed = state.plain_rate_known = true;
      state.relaxation = 2 / (1 + std::sqrt(1 - state.rate));
    }
    state.growing = state.rate > 1 ? state.growing + 1 : 0;
    if (state.relaxed && state.growing >= 8) {  // the exponent was too large for the potentials as they are
      state.relaxation = 1 + 0.5 * (state.relaxation - 1);
      state.growing = 0;
    }
    if (limits.pass) limits.pass();
  }
  // A plain half iteration makes the target's marginal exact and the potentials a pair; then phi_0 = R^T phi_1
  // everywhere.
  now.error = sweep(1);
  return now;
}

}  // namespace fortet::bridges
