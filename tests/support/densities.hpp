#pragma once
// Short ways to set up densities in tests.
#include <gtest/gtest.h>

#include <cmath>
#include <concepts>

#include "fortet/densities/density.hpp"
#include "fortet/laws/law.hpp"
#include "fortet/processes/process.hpp"
#include "support/ensembles.hpp"
#include "support/world.hpp"

namespace fortet::test {

inline densities::GridPtr grid(Json values) {
  return densities::Grid::make(Parameters::make("grids", "", std::move(values)), world());
}

struct DensityCase {
  processes::ProcessPtr process;
  laws::LawPtr initial;
  densities::GridPtr grid;
  std::vector<double> at;
  Json options = Json::object();  ///< propagator, steps, ...
  laws::LawPtr reference = nullptr;

  densities::DensitySettings settings() const {
    densities::DensitySettings s;
    s.name = "test";
    s.process = process;
    s.initial = initial;
    s.grid = grid;
    s.at = at;
    Json values = options;
    values["process"] = "p";
    values["grid"] = "g";
    s.parameters = Parameters::make("densities", "", values, "test");
    s.reference = reference;
    return s;
  }
  densities::DensityPath solve() const { return densities::solve_density(settings()); }
};

inline double total(const densities::Grid& g, const std::vector<double>& values) {
  const std::vector<double> volumes = g.local_volumes();
  parallel::ExactSum sum;
  for (std::size_t i = 0; i < values.size(); ++i) sum.add(values[i] * volumes[i]);
  return g.communicator().sum(sum);
}

/// sum of |mass - mass of the law| over all cells.
inline double l1_error(const densities::Grid& g, const std::vector<double>& values, const laws::Law& exact) {
  std::vector<double> masses(g.local_count());
  exact.cell_masses(g.local_edges(), masses);
  const std::vector<double> volumes = g.local_volumes();
  parallel::ExactSum sum;
  for (std::size_t i = 0; i < values.size(); ++i) sum.add(std::abs(values[i] * volumes[i] - masses[i]));
  return g.communicator().sum(sum);
}

/// sum of |value - f(x)| volume, f at the cell centres.
template <class Function>
requires std::invocable<Function, const double*>
double l1_error(const densities::Grid& g, const std::vector<double>& values, Function f) {
  const std::vector<double> volumes = g.local_volumes();
  const PointArray x = g.local_centres();
  parallel::ExactSum sum;
  for (Index i = 0; i < x.size(); ++i) {
    double point[3] = {};
    for (int k = 0; k < g.dimension(); ++k) point[k] = x(i, k);
    sum.add(std::abs(values[i] - f(point)) * volumes[i]);
  }
  return g.communicator().sum(sum);
}

/// Prints the errors and expects log2 of consecutive ratios (each resolution twice the one before) in [low, high].
inline void expect_order(const std::vector<double>& errors, double low, double high, const char* what) {
  for (std::size_t i = 0; i < errors.size(); ++i) {
    const double order = i ? std::log2(errors[i - 1] / errors[i]) : 0;
    if (world().is_root()) std::printf("%s: error %.3e order %.2f\n", what, errors[i], order);
    if (i) {
      EXPECT_GE(order, low) << what;
      EXPECT_LE(order, high) << what;
    }
  }
}

}  // namespace fortet::test
