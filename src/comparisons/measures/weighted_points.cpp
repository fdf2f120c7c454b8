#include "weighted_points.hpp"

#include <cmath>

namespace fortet::comparisons {

void require_snapshots(const Side& side, int dimension, const std::string& key) {
  if (!side.density && !side.ensemble) {
    throw ParameterError(key, fmt::format("expected a density or an ensemble, found {}", side.name));
  }
  if (side.density && !side.density->is_law) {
    throw ParameterError(key, fmt::format("{} is a function of the starting point, not a law", side.name));
  }
  const int found = side.density ? side.density->grid->dimension() : side.ensemble->process->dimension();
  if (found != dimension) {
    throw ParameterError(key, fmt::format("expected {} dimensions, found {} of {}", dimension, found, side.name));
  }
}

processes::ProcessPtr require_process(const Side& side, const std::string& key) {
  if (!side.process) throw ParameterError(key, fmt::format("expected a process, found {}", side.name));
  return side.process;
}

std::vector<double> measured_times(const Parameters& parameters, const Side& side) {
  if (parameters.has("at")) return parameters.reals("at");
  std::vector<double> times;
  if (side.density) {
    for (const densities::Snapshot& snapshot : side.density->snapshots) times.push_back(snapshot.time);
  } else {
    for (const ensembles::Snapshot& snapshot : side.ensemble->snapshots) times.push_back(snapshot.time);
  }
  return times;
}

WeightedPoints weighted_points(const Side& side, double time) {
  WeightedPoints result;
  if (side.density) {
    const densities::Grid& grid = *side.density->grid;
    result.x = grid.local_centres();
    result.weights = grid.local_volumes();
    const std::vector<double>& values = side.density->at(time).values;
    for (std::size_t i = 0; i < values.size(); ++i) result.weights[i] *= values[i];
    return result;
  }
  for (const ensembles::Snapshot& snapshot : side.ensemble->snapshots) {
    if (std::abs(snapshot.time - time) > 1e-12 * std::max(1.0, std::abs(time))) continue;
    result.x = snapshot.positions;
    result.weights = snapshot.weights;
    result.weights.resize(static_cast<std::size_t>(result.x.size()), 1.0);
    for (double& weight : result.weights) weight /= static_cast<double>(snapshot.total);
    return result;
  }
  throw UsageError(fmt::format("{} is not recorded at time {:g}", side.name, time));
}

Parameter in_parameter() {
  return required("in", {Type::reference}, "density or ensemble whose law the average is over: \"section.name\"");
}

Parameter at_parameter() {
  return optional("at", {Type::reals}, "times; default: all that were recorded").nonnegative();
}

std::vector<double> weighted_sums(const WeightedPoints& points, int sums,
                                  const std::function<void(ConstPoints x, Points values)>& values,
                                  const parallel::Communicator& communicator) {
  std::vector<parallel::ExactSum> parts(static_cast<std::size_t>(sums));
  PointArray found(block_size, sums);
  parallel::together(communicator, [&] {
    for (Index begin = 0; begin < points.x.size(); begin += block_size) {
      const Index n = std::min(block_size, points.x.size() - begin);
      const Points block = found.view().slice(0, n);
      values(points.x.view().slice(begin, n), block);
      for (int k = 0; k < sums; ++k) {
        for (Index i = 0; i < n; ++i) parts[k].add(points.weights[begin + i] * block(i, k));
      }
    }
  });
  return communicator.sum(parts);
}

void add_squares(ConstPoints x, double* out) {
  for (int k = 0; k < x.dimension(); ++k) {
    const double* const xk = x.coordinate(k);
    for (Index i = 0; i < x.size(); ++i) out[i] += xk[i] * xk[i];
  }
}

}  // namespace fortet::comparisons
