#include "axis_generator.hpp"
#include "fortet/densities/log_propagator.hpp"
#include "log_kernel.hpp"
#include "split_generator.hpp"

namespace fortet::densities {

namespace {

/// All terms of the series that double can hold.
PoissonSeries whole_series(double events) {
  PoissonSeries series{{}, 1};
  double weight = std::exp(-events);
  for (int k = 1; weight > 1e-290; ++k) {
    series.weights.push_back(weight);
    weight *= events / k;
  }
  return series;
}

/// log e^{time L} by rows.
std::vector<double> log_exponential(const AxisGenerator& generator, double time) {
  const Index n = generator.cells();
  // A path over the whole axis is made of 2^doublings short ones. Each of them, with ten deviations to spare, must be
  // possible within the terms of the series.
  int doublings = 0;
  PoissonSeries series;
  for (;; ++doublings) {
    const double events = std::ldexp(generator.events() * time, -doublings),
                 jumps = std::ldexp(static_cast<double>(n), -doublings);
    if (events > 64) continue;
    series = whole_series(events);
    // Where next to nothing moves, no number of doublings is enough.
    if (static_cast<double>(series.weights.size()) >= jumps + 10 * std::sqrt(jumps) + 16 || doublings == 40) break;
  }
  std::vector<double> matrix(n * n, 0.0), square(n * n), left[2];
  for (Index i = 0; i < n; ++i) matrix[i * n + i] = 1;
  for (std::vector<double>& side : left) side.assign(n, 0.0);
  generator.advance(series, matrix, left);
  for (double& entry : matrix) entry = std::log(entry);
  for (int k = 0; k < doublings; ++k) {
    LogKernel(matrix, n, false).apply(generator.columns(), matrix.data(), square.data());
    matrix.swap(square);
    if (!generator.is_closed()) continue;
    // Squaring doubles a relative error; probabilities add up to one.
    for (Index i = 0; i < n; ++i) {
      double total = 0;
      for (Index j = 0; j < n; ++j) total += std::exp(matrix[j * n + i]);
      const double excess = std::log(total);
      for (Index j = 0; j < n; ++j) matrix[j * n + i] -= excess;
    }
  }
  return matrix;
}

struct AxisKernels {
  double time = -1;
  std::vector<double> logarithms;
  LogKernel forward, backward;
};

class LogSeparable final : public LogPropagator {
 public:
  LogSeparable(const processes::ProcessPtr& process, const GridPtr& grid)
      : process_(process), grid_(grid), clock_(*process), exchange_(*grid) {
    for (int axis = 0; axis < grid->dimension(); ++axis) {
      generators_.emplace_back(*process_, *grid_, axis, clock_.reference());
      lines_.push_back(whole_lines(*grid_, axis));
      first_equal_.push_back(0);
      while (!(generators_[first_equal_[axis]] == generators_[axis])) ++first_equal_[axis];
    }
    kernels_.resize(lines_.size());
  }
  void forward(double t0, double t1, std::span<double> log_masses) override {
    run(clock_.elapsed(t0, t1), log_masses.data(), &AxisKernels::forward, false);
  }
  void backward(double t0, double t1, std::span<double> log_values) override {
    run(clock_.elapsed(t0, t1), log_values.data(), &AxisKernels::backward, true);
  }

 private:
  void run(double time, double* values, LogKernel AxisKernels::*which, bool transposed) {
    for (int axis = 0; axis < grid_->dimension(); ++axis) {
      AxisKernels& kernels = kernels_[first_equal_[axis]];
      if (!(std::abs(kernels.time - time) <= 1e-14 * time)) {  // equal steps of a time differ by rounding
        kernels = {time, log_exponential(generators_[axis], time), {}, {}};
      }
      LogKernel& kernel = kernels.*which;
      if (kernel.is_empty()) kernel = LogKernel(kernels.logarithms, grid_->cells(axis), transposed);
      if (axis + 1 < grid_->dimension() || !exchange_.is_needed()) {
        kernel.apply(lines_[axis], values, values);
      } else {
        exchange_.to_lines(values, moved_);
        kernel.apply(lines_[axis], moved_.data(), moved_.data());
        exchange_.to_slab(moved_, values);
      }
    }
  }

  processes::ProcessPtr process_;
  GridPtr grid_;
  Clock clock_;
  LineExchange exchange_;
  std::vector<AxisGenerator> generators_;
  std::vector<LineSet> lines_;
  std::vector<int> first_equal_;
  std::vector<AxisKernels> kernels_;
  std::vector<double> moved_;
};

}  // namespace

bool has_log_propagator(const processes::Process& process) { return is_separable(process); }

std::unique_ptr<LogPropagator> make_log_propagator(const processes::ProcessPtr& process, const GridPtr& grid) {
  if (!is_separable(*process)) {
    throw UsageError(
        "logarithms are carried for processes whose axes are independent and whose rates have a common "
        "clock only");
  }
  return std::make_unique<LogSeparable>(process, grid);
}

}  // namespace fortet::densities
