/// Kind static_transport: optimal transport between the two ends of a bridge without time, exact or entropic, beside
/// what the bridge found along its way.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "fortet/comparisons/measure.hpp"
#include "fortet/couplings/transport.hpp"

namespace fortet::comparisons {

namespace {

/// The laws at both ends as masses of the cells of a grid, whole on every rank.
struct Ends {
  const densities::Grid& grid;
  std::vector<double> source, target;

  static Ends of(const densities::DensityPath& path, const parallel::Communicator& communicator) {
    const std::vector<double> volumes = path.grid->local_volumes();
    const auto masses = [&](const densities::Snapshot& snapshot) {
      std::vector<double> local(volumes.size());
      for (std::size_t c = 0; c < local.size(); ++c) local[c] = snapshot.values[c] * volumes[c];
      std::vector<double> all = communicator.gather_all(local);  // slabs of the last axis: in the order of the cells
      const double sum = std::accumulate(all.begin(), all.end(), 0.0);
      for (double& mass : all) mass /= sum;
      return all;
    };
    return {*path.grid, masses(path.snapshots.front()), masses(path.snapshots.back())};
  }
};

/// Sinkhorn's iteration on the cells for the cost |x - y|^2 between centres, in logarithms: as the kernel is a product
/// over the axes, a half step is one log-sum-exp along each axis (Solomon et al. 2015).
class EntropicTransport {
 public:
  EntropicTransport(const Ends& ends, double epsilon) : grid_(ends.grid), epsilon_(epsilon) {
    const std::vector<double> a = logarithms(ends.source), b = logarithms(ends.target);
    std::vector<double> u(a.size(), 0.0), v(b.size(), 0.0);  // potentials over epsilon
    constexpr int most = 20000;
    for (int iteration = 0;; ++iteration) {
      v = negative_convolution(sum(a, u));
      const std::vector<double> next = negative_convolution(sum(b, v));
      error_ = 0;  // of the source's masses, before they are met again
      for (std::size_t i = 0; i < u.size(); ++i) {
        if (ends.source[i] > 0) error_ += ends.source[i] * std::abs(std::expm1(u[i] - next[i]));
      }
      u = next;
      if (error_ < tolerance) break;
      if (!std::isfinite(error_) || iteration == most) {
        throw DivergedError(
            fmt::format("static entropic transport: after {} iterations the masses are off by {:g}, "
                        "expected {:g}; take more noise",
                        iteration, error_, tolerance));
      }
    }
    for (std::size_t i = 0; i < u.size(); ++i) {
      if (ends.source[i] > 0) value_ += epsilon_ * ends.source[i] * u[i];
      if (ends.target[i] > 0) value_ += epsilon_ * ends.target[i] * v[i];
    }
  }
  /// min int |x - y|^2 dpi + epsilon KL(pi | product), by its dual.
  double value() const { return value_; }

 private:
  static constexpr double tolerance = 1e-10;

  static std::vector<double> logarithms(const std::vector<double>& masses) {
    std::vector<double> result(masses.size());
    std::transform(masses.begin(), masses.end(), result.begin(), [](double mass) { return std::log(mass); });
    return result;
  }
  static std::vector<double> sum(const std::vector<double>& a, const std::vector<double>& b) {
    std::vector<double> result(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) result[i] = a[i] + b[i];
    return result;
  }

  /// -log sum_j exp(values_j - |x_i - x_j|^2 / epsilon).
  std::vector<double> negative_convolution(std::vector<double> values) const {
    Index stride = 1;
    for (int axis = 0; axis < grid_.dimension(); ++axis) {
      const Index n = grid_.cells(axis);
      const std::vector<double>& x = grid_.centres(axis);
      std::vector<double> line(n), terms(n);
      for (Index first = 0; first < static_cast<Index>(values.size()); ++first) {
        if (first / stride % n != 0) continue;  // no first cell of a line
        for (Index j = 0; j < n; ++j) line[j] = values[first + j * stride];
        for (Index i = 0; i < n; ++i) {
          double largest = -std::numeric_limits<double>::infinity(), total = 0;
          for (Index j = 0; j < n; ++j) {
            terms[j] = line[j] - (x[i] - x[j]) * (x[i] - x[j]) / epsilon_;
            largest = std::max(largest, terms[j]);
          }
          if (std::isfinite(largest)) {
            for (Index j = 0; j < n; ++j) total += std::exp(terms[j] - largest);
            largest += std::log(total);
          }
          values[first + i * stride] = largest;
        }
      }
      stride *= n;
    }
    for (double& value : values) value = -value;
    return values;
  }

  const densities::Grid& grid_;
  double epsilon_, error_ = 0, value_ = 0;
};

/// W_2^2 by quantiles on the line, by the network simplex otherwise.
double exact_value(const Ends& ends) {
  if (ends.grid.dimension() == 1) return couplings::line_cost(ends.grid.centres(0), ends.source, ends.target, 2);
  const auto n = static_cast<Index>(ends.source.size());
  std::vector<double> cost(n * n, 0.0);
  Index stride = 1;
  for (int axis = 0; axis < ends.grid.dimension(); ++axis) {
    const std::vector<double>& x = ends.grid.centres(axis);
    const Index cells = ends.grid.cells(axis);
    for (Index i = 0; i < n; ++i) {
      for (Index j = 0; j < n; ++j) cost[i * n + j] += std::pow(x[i / stride % cells] - x[j / stride % cells], 2);
    }
    stride *= cells;
  }
  return couplings::exact_cost(ends.source, ends.target, cost);
}

class StaticTransport : public Measure {
 public:
  StaticTransport(const Parameters& parameters, const MeasureContext& context) : parameters_(parameters) {
    const Side side = context.side(parameters.text("of"));
    if (!side.density) throw ParameterError("of", fmt::format("expected a bridge, found {}", side.name));
    const auto& snapshots = side.density->snapshots;
    const double horizon = side.density->process->horizon();
    if (snapshots.size() < 2 || snapshots.front().time > 0 || snapshots.back().time < horizon * (1 - 1e-12)) {
      throw ParameterError(
          "of", fmt::format("{} is not recorded at its two ends: let its 'at' hold 0 and {:g}", side.name, horizon));
    }
    const densities::Grid& grid = *side.density->grid;
    if (!parameters.has("sigma") && grid.dimension() > 1 && grid.cell_count() > largest_exact) {
      throw ParameterError("of", fmt::format("exact transport in several dimensions takes up to {} cells, found {}",
                                             largest_exact, grid.cell_count()));
    }
  }

  std::vector<Measurement> evaluate(const MeasureContext& context,
                                    const parallel::Communicator& communicator) override {
    const Side side = context.side(parameters_.text("of"));
    const bool entropic = parameters_.has("sigma");
    const auto& snapshots = side.density->snapshots;
    const Ends ends = Ends::of(*side.density, communicator);
    std::vector<double> value{0};
    parallel::together(communicator, [&] {
      if (!communicator.is_root()) return;
      const double sigma = entropic ? parameters_.real("sigma") : 0;
      value[0] = entropic ? EntropicTransport(ends, 2 * sigma * sigma).value() : exact_value(ends);
    });
    communicator.broadcast(value);
    Measurement cost;
    cost.quantity = entropic ? "static_entropic_cost" : "static_transport_cost";
    cost.time = snapshots.back().time;
    cost.value = value[0];
    const std::string along = entropic ? "entropic_cost" : "kinetic_energy";
    const auto dynamic = side.density->quantities.find(along);
    if (dynamic == side.density->quantities.end()) return {cost};
    Measurement difference = cost;
    difference.quantity = "relative_difference";
    difference.value = dynamic->second / value[0] - 1;
    difference.note = fmt::format("of {} of {}, {:.6g}", along, side.name, dynamic->second);
    return {cost, difference};
  }

 private:
  static constexpr Index largest_exact = 1600;
  Parameters parameters_;
};

const RegisteredMeasure registered_static_transport{
    {"measures",
     "static_transport",
     "Optimal transport between the first and the last law of a bridge on its cells, without time: W_2^2, or with "
     "`sigma` the value of min int |x - y|^2 dpi + 2 sigma^2 KL(pi | product); and how far the bridge's kinetic_energy "
     "or entropic_cost is from it",
     "Cuturi 2013; Leonard 2014",
     {required("of", {Type::reference}, "bridge, recorded at its two ends"),
      optional("sigma", {Type::real}, "noise of the Brownian reference; without it transport is exact").positive()}},
    [](const Parameters& parameters, const MeasureContext& context) -> std::unique_ptr<Measure> {
      return std::make_unique<StaticTransport>(parameters, context);
    }};
}  // namespace

}  // namespace fortet::comparisons
