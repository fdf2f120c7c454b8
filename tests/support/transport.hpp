#pragma once
// Short ways to solve dynamic transport in tests.
#include "fortet/bridges/bridge.hpp"
#include "support/densities.hpp"

namespace fortet::test {

struct TransportCase {
  laws::LawPtr source, target;
  densities::GridPtr grid;
  Json options = Json::object();  ///< intervals, tolerance, obstacle, ...
  std::vector<double> at = {0, 0.5, 1};

  bridges::BridgeSettings settings() const {
    bridges::BridgeSettings s;
    s.name = "transport";
    s.source = source;
    s.target = target;
    s.grid = grid;
    s.at = at;
    Json values{{"source", "source"}, {"target", "target"}, {"grid", "grid"}};
    values.update(options);
    s.parameters = Parameters::make("bridges", "benamou_brenier", values, "transport");
    return s;
  }
  bridges::BridgePath solve() const { return bridges::make_bridge(settings())->solve(); }
};

/// A cube of equal cells, closed on all sides.
inline Json cube(int dimension, int cells, double lower, double upper) {
  return {{"lower", std::vector<double>(dimension, lower)},
          {"upper", std::vector<double>(dimension, upper)},
          {"cells", std::vector<int>(dimension, cells)}};
}

/// Points of a law carried from time 0 to 1 by a process without noise (classical Runge-Kutta).
inline PointArray carry(const processes::Process& process, PointArray x, int steps) {
  const Index n = x.size();
  const int d = x.dimension();
  PointArray stage(n, d), slope(n, d), sum(n, d);
  const double dt = 1.0 / steps;
  for (int step = 0; step < steps; ++step) {
    const double t = step * dt, shifts[] = {0, 0.5, 0.5, 1}, weights[] = {1, 2, 2, 1};
    for (int part = 0; part < 4; ++part) {
      for (int k = 0; k < d; ++k) {
        for (Index i = 0; i < n; ++i) stage(i, k) = x(i, k) + (part ? shifts[part] * dt * slope(i, k) : 0);
      }
      process.drift(t + shifts[part] * dt, stage, slope);
      for (int k = 0; k < d; ++k) {
        for (Index i = 0; i < n; ++i) sum(i, k) = (part ? sum(i, k) : 0) + weights[part] * slope(i, k);
      }
    }
    for (int k = 0; k < d; ++k) {
      for (Index i = 0; i < n; ++i) x(i, k) += dt / 6 * sum(i, k);
    }
  }
  return x;
}

}  // namespace fortet::test
