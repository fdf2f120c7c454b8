#include "dynamic_transport.hpp"

#include "fortet/base/error.hpp"
#include "fortet/parallel/threads.hpp"
#include "grid_sum.hpp"

namespace fortet::bridges {

namespace {

constexpr double relaxation = 1.8;  // of both steps, below 2
constexpr long measured_every = 10;

enum Sum { dual_change, primal_square, dual_square, energy, value, primal_change };

double total(const SpaceTime& domain, std::span<const double> terms) { return grid_sum(*domain.grid, terms); }

/// A length by which lengths are divided so that velocities are of order one: Gelbrich's lower bound of W_2 from the
/// moments along the axes, or a share of the width of the laws when they hardly move.
double length_of(const TransportProblem& problem) {
  const densities::Grid& grid = *problem.grid;
  const PointArray centres = grid.local_centres();
  double moved = 0, spread = 0;
  for (int axis = 0; axis < grid.dimension(); ++axis) {
    const double* x = centres.view().coordinate(axis);
    double mean[2], deviation[2];
    for (const int end : {0, 1}) {
      const std::vector<double>& mass = end == 0 ? problem.source : problem.target;
      parallel::ExactSum first, second;
      for (std::size_t i = 0; i < mass.size(); ++i) first.add(mass[i] * x[i]);
      mean[end] = grid.communicator().sum(first);
      for (std::size_t i = 0; i < mass.size(); ++i) second.add(mass[i] * (x[i] - mean[end]) * (x[i] - mean[end]));
      deviation[end] = std::sqrt(std::max(0.0, grid.communicator().sum(second)));
    }
    moved += std::pow(mean[1] - mean[0], 2) + std::pow(deviation[1] - deviation[0], 2);
    spread += deviation[0] * deviation[1] + std::pow(grid.width(axis, 0), 2);
  }
  return std::sqrt(moved + 0.1 * spread);
}

/// The density where most of the mass is: int rho^2 of a law of mass one.
double density_of(const TransportProblem& problem) {
  parallel::ExactSum sum;
  for (const std::vector<double>* mass : {&problem.source, &problem.target}) {
    for (const double m : *mass) sum.add(m * m);
  }
  double volume = 1;
  for (int axis = 0; axis < problem.grid->dimension(); ++axis) volume *= problem.grid->width(axis, 0);
  return 0.5 * problem.grid->communicator().sum(sum) / volume;
}

/// Calls body(plane) for all planes, in blocks shared by the threads.
template <class Body>
void for_planes(const SpaceTime& domain, const Body& body) {
  parallel::for_blocks(domain.planes, domain.block(), [&](Index begin, Index end) {
    for (Index j = begin; j < end; ++j) body(j);
  });
}

}  // namespace

DynamicTransport::DynamicTransport(TransportProblem problem)
    : problem_(std::move(problem)),
      length_unit_(length_of(problem_)),
      density_unit_(density_of(problem_)),
      domain_(problem_.grid, problem_.intervals, length_unit_),
      poisson_(domain_),
      density_(domain_, domain_.plane() + domain_.layer),
      extrapolated_density_(density_),
      dual_density_(domain_),
      potential_(domain_) {
  for (int axis = 0; axis < domain_.dimension(); ++axis) {
    for (auto* arrays : {&momentum_, &extrapolated_momentum_, &dual_momentum_}) {
      arrays->emplace_back(domain_);
    }
  }
  for (auto& column : columns_) column.resize(domain_.planes * domain_.layer);
  double volume = 1;
  for (int axis = 0; axis < domain_.dimension(); ++axis) volume *= domain_.grid->width(axis, 0);
  const double unit = 1 / (volume * density_unit_);
  for (Index j = 0; j < domain_.planes; ++j) {
    for (Index k = 0; k <= domain_.intervals; ++k) {
      const double t = static_cast<double>(k) * domain_.time_step;
      for (Index l = 0; l < domain_.layer; ++l) {
        const Index cell = j * domain_.layer + l;
        density_.plane(j)[k * domain_.layer + l] = unit * ((1 - t) * problem_.source[cell] + t * problem_.target[cell]);
      }
    }
  }
  if (!problem_.cost.empty()) {
    cost_ = PlaneArray(domain_);
    for (Index j = 0; j < domain_.planes; ++j) {
      for (Index i = 0; i < domain_.plane(); ++i) {
        cost_.plane(j)[i] = problem_.cost[j * domain_.layer + i % domain_.layer];
      }
    }
    cost_.receive_upper(domain_);
    const bool closed = std::any_of(problem_.cost.begin(), problem_.cost.end(), [](double c) { return c == 0; });
    if (domain_.grid->communicator().any(closed)) dual_difference_.assign(domain_.dimension(), PlaneArray(domain_));
  }
  // The ends of time stay in the extrapolated density, where nothing else writes.
  extrapolated_density_ = density_;
  project();
}

/// Makes (rho, m) satisfy the continuity equation, to rounding.
void DynamicTransport::project() {
  const int d = domain_.dimension();
  const Index plane = domain_.plane(), layer = domain_.layer;
  momentum_[d - 1].receive_lower(domain_);
  poisson_.solve(potential_, [&](Index j) {
    double* r = potential_.plane(j);
    const double* rho = density_.plane(j);
    for (Index i = 0; i < plane; ++i) r[i] = (rho[i] - rho[i + layer]) / domain_.time_step;
    for (int axis = 0; axis < d; ++axis) {
      const double* m = momentum_[axis].plane(j);
      const Index stride = domain_.stride(axis);
      for (Index i = 0; i < plane; ++i) r[i] += (m[i - stride] - m[i]) / domain_.widths[axis];
    }
  });
  potential_.receive_upper(domain_);
  for_planes(domain_, [&](Index j) {
    const double* phi = potential_.plane(j);
    double* rho = density_.plane(j);
    for (Index i = layer; i < plane; ++i) rho[i] -= (phi[i] - phi[i - layer]) / domain_.time_step;
    for (int axis = 0; axis < d; ++axis) {
      double* m = momentum_[axis].plane(j);
      const Index stride = domain_.stride(axis);
      const double* inverse = domain_.inverse_widths(axis, j);
      for (Index i = 0; i < plane; ++i) m[i] -= (phi[i + stride] - phi[i]) * inverse[i];
    }
  });
}

/// phi of the gradient in K^T W: - Laplace phi = - div K^T W.
void DynamicTransport::solve_for_potential() {
  const Index plane = domain_.plane(), layer = domain_.layer;
  poisson_.solve(potential_, [&](Index j) {
    double* __restrict r = potential_.plane(j);
    const double* __restrict a = dual_density_.plane(j);
    const double half_rate = 0.5 / domain_.time_step;
    for (Index i = 0; i < layer; ++i) r[i] = -half_rate * (a[i] + a[i + layer]);
    for (Index i = layer; i < plane - layer; ++i) r[i] = half_rate * (a[i - layer] - a[i + layer]);
    for (Index i = plane - layer; i < plane; ++i) r[i] = half_rate * (a[i - layer] + a[i]);
    for (int axis = 0; axis < domain_.dimension(); ++axis) {
      const double* __restrict b = dual_momentum_[axis].plane(j);
      const Index stride = domain_.stride(axis);
      const bool is_last = axis + 1 == domain_.dimension();
      const double* __restrict above = domain_.inverse_widths(axis, j);
      const double* __restrict below = is_last ? domain_.inverse_widths(axis, j - 1) : above - stride;
      for (Index i = 0; i < plane; ++i) {
        r[i] += 0.5 * (below[i] * (b[i - stride] + b[i]) - above[i] * (b[i] + b[i + stride]));
      }
      if (dual_difference_.empty()) continue;
      const double* __restrict c = dual_difference_[axis].plane(j);
      for (Index i = 0; i < plane; ++i) {
        r[i] += 0.5 * (below[i] * (c[i] - c[i - stride]) - above[i] * (c[i + stride] - c[i]));
      }
    }
  });
  potential_.receive_upper(domain_);
}

/// (rho, m) moves by -tau times the part of K^T W without divergence.
void DynamicTransport::primal_step(bool measured) {
  const Index plane = domain_.plane(), layer = domain_.layer;
  for_planes(domain_, [&](Index j) {
    const double* __restrict phi = potential_.plane(j);
    double* column = columns_[primal_change].data() + j * layer;
    if (measured) std::fill_n(column, layer, 0.0);
    const auto move = [&](double gradient, double* __restrict value, double* __restrict extrapolated, Index i) {
      const double change = -tau_ * gradient;
      extrapolated[i] = value[i] + 2 * change;
      value[i] += relaxation * change;
    };
    // What was moved is half of what was extrapolated, less what is over-relaxed.
    const auto count = [&](const double* value, const double* extrapolated, Index begin) {
      for (Index k = begin; k < plane; k += layer) {
        for (Index l = 0; l < layer; ++l) {
          const double change = (extrapolated[k + l] - value[k + l]) / (2 - relaxation);
          column[l] += change * change;
        }
      }
    };
    {
      const double* __restrict a = dual_density_.plane(j);
      double* __restrict rho = density_.plane(j);
      double* __restrict extrapolated = extrapolated_density_.plane(j);
      const double rate = 1 / domain_.time_step;
      for (Index i = layer; i < plane; ++i) {
        move(0.5 * (a[i - layer] + a[i]) - (phi[i] - phi[i - layer]) * rate, rho, extrapolated, i);
      }
      if (measured) count(rho, extrapolated, layer);
    }
    for (int axis = 0; axis < domain_.dimension(); ++axis) {
      const double* __restrict b = dual_momentum_[axis].plane(j);
      const double* __restrict inverse = domain_.inverse_widths(axis, j);
      double* __restrict m = momentum_[axis].plane(j);
      double* __restrict extrapolated = extrapolated_momentum_[axis].plane(j);
      const Index stride = domain_.stride(axis);
      const double half = 0.5 * domain_.widths[axis];
      if (dual_difference_.empty()) {
        for (Index i = 0; i < plane; ++i) {
          move(inverse[i] * (half * (b[i] + b[i + stride]) - (phi[i + stride] - phi[i])), m, extrapolated, i);
        }
      } else {
        const double* __restrict c = dual_difference_[axis].plane(j);
        for (Index i = 0; i < plane; ++i) {
          const double mean = half * ((b[i] + b[i + stride]) + (c[i + stride] - c[i]));
          move(inverse[i] * (mean - (phi[i + stride] - phi[i])), m, extrapolated, i);
        }
      }
      if (measured) count(m, extrapolated, 0);
    }
  });
}

namespace {

/// max(1, y) with y the largest root of y^3 = beta y^2 + c, c >= 0: Newton's iteration from above, where the cubic is
/// convex. From c^(3/8) >= c^(1/3) six steps reach rounding for all c that occur.
inline double root(double beta, double c) {
  const double square = std::sqrt(c), quarter = std::sqrt(square), eighth = std::sqrt(quarter);
  double y = std::max(beta, 1.0) + std::min(c, quarter * eighth);
  for (int step = 0; step < 6; ++step) {
    y = std::max(1.0, (y * y * (2 * y - beta) + c) / (y * (3 * y - 2 * beta)));
  }
  return y;
}

}  // namespace

/// W moves to its projection onto the paraboloid, see Papadakis, Peyre, Oudet 2014, section 4.2, for its cubic.
template <int dimension, bool weighted>
void DynamicTransport::dual_step(bool measured) {
  const Index plane = domain_.plane(), layer = domain_.layer;
  for_planes(domain_, [&](Index j) {
    double* __restrict a = dual_density_.plane(j);
    const double* __restrict rho = extrapolated_density_.plane(j);
    const double* __restrict cost = weighted ? cost_.plane(j) : nullptr;
    double* __restrict b[dimension];
    const double* __restrict m[dimension];
    Index stride[dimension];
    for (int axis = 0; axis < dimension; ++axis) {
      b[axis] = dual_momentum_[axis].plane(j);
      m[axis] = extrapolated_momentum_[axis].plane(j);
      stride[axis] = domain_.stride(axis);
    }
    const double sigma = sigma_, half_sigma = 0.5 * sigma_;
    const auto update = [&](Index i, auto... sums_of_columns) {
      const double kappa = weighted ? (cost[i] > 0 ? cost[i] : 1.0) : 1.0;
      const double moved_a = a[i] + half_sigma * (rho[i] + rho[i + layer]);
      double moved_b[dimension], square = 0;
      for (int axis = 0; axis < dimension; ++axis) {
        moved_b[axis] = b[axis][i] + half_sigma * (m[axis][i - stride[axis]] + m[axis][i]);
        square += moved_b[axis] * moved_b[axis];
      }
      double y = weighted ? root(1 + moved_a / kappa, 0.5 * square / (kappa * kappa)) : root(1 + moved_a, 0.5 * square);
      if (weighted) y = cost[i] > 0 ? y : 1.0;  // an obstacle: rho = 0 and m = 0 whatever W
      const double new_a = moved_a - kappa * (y - 1), scale = 1 / y;
      if constexpr (sizeof...(sums_of_columns) > 0) {
        const std::array<double*, 5> column{sums_of_columns...};
        const auto add = [&](double before, double moved, double now) {
          const double primal = (moved - now) / sigma;
          column[dual_change][i % layer] += (now - before) * (now - before);
          column[primal_square][i % layer] += primal * primal;
          column[dual_square][i % layer] += now * now;
          column[energy][i % layer] += primal * now;
          column[value][i % layer] += (moved - before) / sigma * now;
        };
        add(a[i], moved_a, new_a);
        for (int axis = 0; axis < dimension; ++axis) add(b[axis][i], moved_b[axis], moved_b[axis] * scale);
      }
      a[i] += relaxation * (new_a - a[i]);
      for (int axis = 0; axis < dimension; ++axis) b[axis][i] += relaxation * (moved_b[axis] * scale - b[axis][i]);
    };
    if (measured) {
      std::array<double*, 5> column;
      for (int s = 0; s < 5; ++s) {
        column[s] = columns_[s].data() + j * layer;
        std::fill_n(column[s], layer, 0.0);
      }
      for (Index i = 0; i < plane; ++i) update(i, column[0], column[1], column[2], column[3], column[4]);
    } else {
#pragma omp simd
      for (Index i = 0; i < plane; ++i) update(i);
    }
  });
}

/// In closed cells half the difference of the two m is to vanish, too.
void DynamicTransport::difference_step() {
  for_planes(domain_, [&](Index j) {
    const double* cost = cost_.plane(j);
    for (int axis = 0; axis < domain_.dimension(); ++axis) {
      double* __restrict c = dual_difference_[axis].plane(j);
      const double* __restrict m = extrapolated_momentum_[axis].plane(j);
      const Index stride = domain_.stride(axis);
      const double step = 0.5 * relaxation * sigma_;
      for (Index i = 0; i < domain_.plane(); ++i) c[i] += cost[i] > 0 ? 0.0 : step * (m[i - stride] - m[i]);
    }
  });
}

void DynamicTransport::step(bool measured) {
  const int last = domain_.dimension() - 1;
  solve_for_potential();
  primal_step(measured);
  extrapolated_momentum_[last].receive_lower(domain_);
  const bool weighted = !problem_.cost.empty();
  if (last == 0) weighted ? dual_step<1, true>(measured) : dual_step<1, false>(measured);
  if (last == 1) weighted ? dual_step<2, true>(measured) : dual_step<2, false>(measured);
  if (last == 2) weighted ? dual_step<3, true>(measured) : dual_step<3, false>(measured);
  dual_momentum_[last].receive_lower(domain_);
  dual_momentum_[last].receive_upper(domain_);
  if (dual_difference_.empty()) return;
  difference_step();
  dual_difference_[last].receive_lower(domain_);
  dual_difference_[last].receive_upper(domain_);
}

void DynamicTransport::measure() {
  std::array<double, sums> found;
  for (int s = 0; s < sums; ++s) found[s] = total(domain_, columns_[s]);
  state_.primal = std::sqrt(found[dual_change] / found[primal_square]) / sigma_;
  state_.dual = std::sqrt(found[primal_change] / found[dual_square]) / tau_;
  double volume = domain_.time_step;
  for (int axis = 0; axis < domain_.dimension(); ++axis) volume *= domain_.grid->width(axis, 0);
  state_.energy = 2 * found[value] * density_unit_ * length_unit_ * length_unit_ * volume;
}

TransportState DynamicTransport::solve(const TransportLimits& limits) {
  while (state_.iterations < limits.iterations && state_.residual() > limits.tolerance) {
    ++state_.iterations;
    const bool measured = state_.iterations % measured_every == 0 || state_.iterations == limits.iterations;
    step(measured);
    if (measured) {
      measure();
      if (!std::isfinite(state_.residual())) {
        throw DivergedError(
            "the values of the dynamic transport are not finite: the laws are too narrow or too far apart for double "
            "precision on this grid. Take wider laws or a smaller domain");
      }
      if (limits.report) limits.report(state_);
      if (state_.residual() <= limits.tolerance) break;
      // Balances the residuals (Goldstein, Esser, Baraniuk 2013); ever smaller changes keep the convergence.
      const double factor = std::clamp(std::sqrt(state_.primal / state_.dual), 1 / (1 + adaptation_), 1 + adaptation_);
      sigma_ *= factor;
      tau_ /= factor;
      adaptation_ *= 0.95;
    }
    if (limits.pass) limits.pass();
  }
  project();  // rounding of many steps
  return state_;
}

void DynamicTransport::exchange(io::State& state) {
  const densities::Grid& grid = *domain_.grid;
  const int d = domain_.dimension();
  const auto planes = [&](const std::string& name, PlaneArray& array) {
    state.rows(name, array.owned(), grid.cells(d - 1), grid.slab().begin, array.plane_size());
  };
  state.integer("iterations", state_.iterations);
  state.real("primal_residual", state_.primal);
  state.real("dual_residual", state_.dual);
  state.real("energy", state_.energy);
  state.real("tau", tau_);
  state.real("sigma", sigma_);
  state.real("adaptation", adaptation_);
  planes("density", density_);
  planes("dual_density", dual_density_);
  for (int axis = 0; axis < d; ++axis) {
    const std::string name = "axis_" + std::to_string(axis);
    planes(name + "_momentum", momentum_[axis]);
    planes(name + "_dual_momentum", dual_momentum_[axis]);
    if (!dual_difference_.empty()) planes(name + "_dual_difference", dual_difference_[axis]);
  }
  if (!state.restores()) return;
  for (auto* arrays : {&dual_momentum_, &dual_difference_}) {
    if (arrays->empty()) continue;
    arrays->back().receive_lower(domain_);
    arrays->back().receive_upper(domain_);
  }
}

std::vector<double> DynamicTransport::density(double time) const {
  const Index layer = domain_.layer, n = domain_.intervals;
  // Means of the intervals are what the energy keeps from being negative. Knot 0: t = 0, knot k: the middle of interval
  // k - 1, knot n + 1: t = 1.
  const double position = std::clamp(time, 0.0, 1.0) * static_cast<double>(n) + 0.5;
  const Index knot = std::clamp<Index>(static_cast<Index>(position), 0, n);
  const auto place = [&](Index k) {
    return k == 0 ? 0.5 : k == n + 1 ? static_cast<double>(n) + 0.5 : static_cast<double>(k);
  };
  const double part = (position - place(knot)) / (place(knot + 1) - place(knot));
  std::vector<double> result(domain_.planes * layer);
  for (Index j = 0; j < domain_.planes; ++j) {
    const auto at_knot = [&](Index k) {  // its two levels
      return std::pair{density_.plane(j) + std::max<Index>(k - 1, 0) * layer,
                       density_.plane(j) + std::min(k, n) * layer};
    };
    const auto [before_low, before_high] = at_knot(knot);
    const auto [after_low, after_high] = at_knot(knot + 1);
    for (Index l = 0; l < layer; ++l) {
      const double before = 0.5 * (before_low[l] + before_high[l]), after = 0.5 * (after_low[l] + after_high[l]);
      result[j * layer + l] = density_unit_ * (part == 0   ? before
                                               : part == 1 ? after
                                                           : before + part * (after - before));
    }
  }
  return result;
}

std::vector<double> DynamicTransport::velocity(int axis) {
  const Index plane = domain_.plane(), stride = domain_.stride(axis);
  std::vector<double> result(domain_.count());
  for (Index j = 0; j < domain_.planes; ++j) {
    const double* b = dual_momentum_[axis].plane(j);
    const double* inverse = domain_.inverse_widths(axis, j);
    const double* cost = problem_.cost.empty() ? nullptr : cost_.plane(j);
    for (Index i = 0; i < plane; ++i) {
      if (inverse[i] == 0 || (cost && (cost[i] == 0 || cost[i + stride] == 0))) continue;
      result[j * plane + i] =
          0.5 * length_unit_ * (cost ? b[i] / cost[i] + b[i + stride] / cost[i + stride] : b[i] + b[i + stride]);
    }
  }
  return result;
}

}  // namespace fortet::bridges
