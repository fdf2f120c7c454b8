#pragma once
// Schroedinger bridges between normal laws on the line and their closed forms (MATHS section 5).
#include "fortet/bridges/bridge.hpp"
#include "support/kinds.hpp"
#include "support/world.hpp"

namespace fortet::test {

/// The bridge N(m0, s0^2) -> N(m1, s1^2) on the line: Dm = sqrt(4 s0^2 s1^2 + sigma^4), C = cov(X_0, X_1) = (Dm -
/// sigma^2) / 2.
struct Line {
  double m0, s0, m1, s1, sigma;
  double dm() const { return std::sqrt(4 * s0 * s0 * s1 * s1 + std::pow(sigma, 4)); }
  double covariance() const { return 0.5 * (dm() - sigma * sigma); }
  double rate() const { return (dm() - sigma * sigma) / (dm() + sigma * sigma); }
  double mean(double t) const { return (1 - t) * m0 + t * m1; }
  double variance(double t) const {
    return (1 - t) * (1 - t) * s0 * s0 + t * t * s1 * s1 + t * (1 - t) * (2 * covariance() + sigma * sigma);
  }
  double drift(double t, double x) const {
    const double p = t * s1 * s1 + (1 - t) * covariance(), q = (1 - t) * s0 * s0 + t * covariance();
    return m1 - m0 + (p - q - t * sigma * sigma) / variance(t) * (x - mean(t));
  }
  double transport_cost() const { return std::pow(m1 - m0, 2) + s0 * s0 + s1 * s1 - 2 * covariance(); }
  /// min int |x - y|^2 dpi + 2 sigma^2 KL(pi | product).
  double entropic_cost() const {
    const double s = sigma * sigma;
    return std::pow(m1 - m0, 2) + s0 * s0 + s1 * s1 - dm() + s * (1 - std::log(2 * s)) + s * std::log(dm() + s);
  }
  double relative_entropy() const {
    const double conditional = s1 * s1 - std::pow(covariance() / s0, 2);
    return 0.5 * (std::log(sigma * sigma / conditional) + transport_cost() / (sigma * sigma) - 1);
  }
};

struct Solved {
  std::unique_ptr<bridges::BridgeSolver> solver;
  bridges::BridgePath path;
  processes::ProcessPtr flow;
};

inline Solved solve(const Line& line, int cells, Json more = Json::object(), double half_width = 9,
                    bool with_flow = false) {
  bridges::BridgeSettings settings;
  settings.name = "bridge";
  settings.source = law("gaussian", {{"mean", {line.m0}}, {"deviation", line.s0}});
  settings.target = law("gaussian", {{"mean", {line.m1}}, {"deviation", line.s1}});
  settings.reference = process("brownian", {{"dimension", 1}, {"sigma", line.sigma}, {"horizon", 1.0}});
  settings.grid = densities::Grid::make(
      Parameters::make("grids", "", {{"lower", {-half_width}}, {"upper", {half_width}}, {"cells", {cells}}}, "line"),
      world());
  settings.at = {0, 0.25, 0.5, 1};
  Json values{
      {"process", "reference"}, {"source", "source"}, {"target", "target"}, {"grid", "line"}, {"tolerance", 1e-11}};
  values.update(more);
  settings.parameters = Parameters::make("bridges", "schroedinger", values, "bridge");
  Solved solved{bridges::make_bridge(settings), {}, {}};
  if (with_flow) solved.flow = solved.solver->flow();
  solved.path = solved.solver->solve();
  return solved;
}

inline std::pair<double, double> mean_and_variance(const densities::DensityPath& path, double t) {
  const auto& snapshot = path.at(t);
  double mass = 0, first = 0, second = 0;
  for (Index i = 0; i < path.grid->cells(0); ++i) {
    const double x = path.grid->centres(0)[i], p = snapshot.values[i] * path.grid->width(0, i);
    mass += p;
    first += p * x;
    second += p * x * x;
  }
  first /= mass;
  return {first, second / mass - first * first};
}

}  // namespace fortet::test
