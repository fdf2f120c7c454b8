#include "wall_rules.hpp"

#include <cmath>

#include "block_loops.hpp"
#include "fortet/base/vector_math.hpp"

namespace fortet::ensembles {

WallRules::WallRules(const Walls& walls, const processes::Process& process) : process_(process), walls_(walls) {
  if (walls.lower.empty()) return;
  const std::size_t d = static_cast<std::size_t>(process.dimension());
  if (walls.lower.size() != d || walls.upper.size() != d || walls.conditions.size() != d) {
    throw ParameterError("walls",
                         "walls need lower, upper and conditions for each of the " + std::to_string(d) + " axes");
  }
  for (std::size_t k = 0; k < d; ++k) {
    const auto [low, high] = walls.conditions[k];
    if (!(walls.lower[k] < walls.upper[k])) {
      throw ParameterError("walls.upper",
                           "the upper wall of axis " + std::to_string(k + 1) + " must lie above the lower one");
    }
    if ((low == Wall::periodic) != (high == Wall::periodic)) {
      throw ParameterError("walls.conditions", "axis " + std::to_string(k + 1) + " is periodic on one side only");
    }
    any_ |= low != Wall::none || high != Wall::none;
  }
  sides_ = absorbing_sides(walls);
}

std::vector<ExitSide> absorbing_sides(const Walls& walls) {
  std::vector<ExitSide> sides;
  for (std::size_t k = 0; k < walls.conditions.size(); ++k) {
    for (const int side : {0, 1}) {
      if (walls.conditions[k][side] == Wall::absorbing) sides.push_back({static_cast<int>(k), side});
    }
  }
  return sides;
}

void WallRules::fold(Points x) const {
  const processes::Underdamped* underdamped = process_.underdamped();
  for (int k = 0; k < x.dimension(); ++k) {
    const auto [low, high] = walls_.conditions[k];
    const double lower = walls_.lower[k], upper = walls_.upper[k], width = upper - lower;
    double* const xk = x.coordinate(k);
    if (low == Wall::periodic) {
#pragma omp simd
      for (Index i = 0; i < x.size(); ++i) {
        const double wrapped = xk[i] - width * std::floor((xk[i] - lower) / width);
        xk[i] = wrapped >= upper ? lower : wrapped < lower ? lower : wrapped;
      }
    } else if (low == Wall::reflecting || high == Wall::reflecting) {
      double* const velocity =
          underdamped && k < underdamped->positions ? x.coordinate(k + underdamped->positions) : nullptr;
      for (Index i = 0; i < x.size(); ++i) {
        bool turned = false;
        if (low == Wall::reflecting && high == Wall::reflecting) {
          const double y = (xk[i] - lower) / width, cell = std::floor(y);
          turned = std::fmod(cell, 2.0) != 0;
          if (cell != 0) xk[i] = turned ? lower + width * (1 - (y - cell)) : lower + width * (y - cell);
        } else if (low == Wall::reflecting ? xk[i] < lower : xk[i] > upper) {
          turned = true;
          xk[i] = 2 * (low == Wall::reflecting ? lower : upper) - xk[i];
        }
        if (turned && velocity) velocity[i] = -velocity[i];
      }
    }
  }
}

void WallRules::admit(Points x, double* weights, Points exits) const {
  fold(x);
  for (std::size_t s = 0; s < sides_.size(); ++s) {
    const auto [k, side] = sides_[s];
    double* const taken = exits.coordinate(static_cast<int>(s));
    for (Index i = 0; i < x.size(); ++i) {
      const bool beyond = side == 0 ? x(i, k) <= walls_.lower[k] : x(i, k) >= walls_.upper[k];
      taken[i] = beyond ? weights[i] : 0.0;
      if (beyond) weights[i] = 0;
    }
  }
}

void WallRules::apply(const Step& step, ConstPoints before, Points x, double* weights, Points exits,
                      Workspace& workspace) const {
  fold(x);
  if (absorbing()) survive(step, before, x, weights, exits, workspace);
}

void WallRules::survive(const Step& step, ConstPoints before, Points x, double* weights, Points exits,
                        Workspace& workspace) const {
  const Index n = x.size();
  const int d = x.dimension();
  const double h = step.size();
  const processes::NoiseShape shape = process_.noise_shape();
  Points diffusion;
  double uniform = 0;
  if (shape == processes::NoiseShape::uniform) {
    uniform = process_.noise_level(step.begin) * process_.noise_level(step.begin);
  } else if (shape != processes::NoiseShape::none) {
    diffusion = workspace.points(n, d * (d + 1) / 2);
    process_.diffusion(step.begin, before, diffusion);
  }
  const int sides = static_cast<int>(sides_.size());
  const Points variance = workspace.points(n, 1), alive = workspace.points(n, 1), kept = workspace.points(n, sides);
  for (Index i = 0; i < n; ++i) alive(i, 0) = weights[i];
  for (int s = 0; s < sides; ++s) {
    const auto [k, side] = sides_[s];
    const int diagonal = k * d - k * (k - 1) / 2;
    double* const a = variance.coordinate(0);
    if (diffusion.size() > 0)
      std::copy_n(diffusion.coordinate(diagonal), n, a);
    else
      std::fill_n(a, n, uniform);
    const double wall = side == 0 ? walls_.lower[k] : walls_.upper[k], inward = side == 0 ? 1 : -1;
    const double *const x0 = before.coordinate(k), *const x1 = x.coordinate(k);
    double *const w = alive.coordinate(0), *const stay = kept.coordinate(s);
#pragma omp simd
    for (Index i = 0; i < n; ++i) {
      const double d0 = inward * (x0[i] - wall), d1 = inward * (x1[i] - wall);
      const double crossed = a[i] > 0 ? vectorised::exp(-2 * d0 * d1 / (a[i] * h)) : 0.0;
      stay[i] = d1 > 0 && d0 > 0 ? 1 - crossed : 0.0;
      w[i] *= stay[i];
    }
  }
  for (Index i = 0; i < n; ++i) {
    const double lost = weights[i] - alive(i, 0);
    if (lost > 0) share(lost, i, kept, exits);
    weights[i] = alive(i, 0);
  }
  for (int k = 0; k < d; ++k) {
    double* const xk = x.coordinate(k);
    const double* const previous = before.coordinate(k);
    for (Index i = 0; i < n; ++i) xk[i] = alive(i, 0) > 0 ? xk[i] : previous[i];
  }
}

void WallRules::share(double lost, Index i, ConstPoints kept, Points exits) {
  const int sides = kept.dimension();
  int beyond = 0;
  double hazard = 0;
  for (int s = 0; s < sides; ++s) {
    beyond += kept(i, s) == 0;
    hazard -= kept(i, s) > 0 ? std::log(kept(i, s)) : 0;
  }
  for (int s = 0; s < sides; ++s) {
    if (beyond > 0)
      exits(i, s) += kept(i, s) == 0 ? lost / beyond : 0;
    else if (hazard > 0)
      exits(i, s) -= lost * std::log(kept(i, s)) / hazard;
  }
}

}  // namespace fortet::ensembles
