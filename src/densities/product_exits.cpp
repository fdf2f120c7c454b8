#include "product_exits.hpp"

#include "assumptions.hpp"
#include "fortet/parallel/threads.hpp"
#include "uniformization.hpp"

namespace fortet::densities {

namespace {

/// Gauss's rule with eight points on [0, 1].
constexpr std::array<double, 8> points{0.01985507175123188, 0.10166676129318664, 0.23723379504183550,
                                       0.40828267875217510, 0.59171732124782490, 0.76276620495816450,
                                       0.89833323870681336, 0.98014492824876812};
constexpr std::array<double, 8> weights{0.05061426814518813, 0.11119051722668724, 0.15685332293894364,
                                        0.18134189168918099, 0.18134189168918099, 0.15685332293894364,
                                        0.11119051722668724, 0.05061426814518813};

/// Times of [0, whole] and their weights: intervals halve towards zero until nothing happens in the first.
std::vector<std::pair<double, double>> times_of(double whole, double largest_rate) {
  std::vector<double> ends{whole};
  while (ends.back() * largest_rate > 0.5) ends.push_back(0.5 * ends.back());
  ends.push_back(0);
  std::reverse(ends.begin(), ends.end());
  std::vector<std::pair<double, double>> times;
  for (std::size_t i = 0; i + 1 < ends.size(); ++i) {
    const double length = ends[i + 1] - ends[i];
    for (std::size_t k = 0; k < points.size(); ++k)
      times.emplace_back(ends[i] + length * points[k], length * weights[k]);
  }
  return times;
}

/// Functions of one axis carried backwards together: survival, and the flux through the lower and the upper side.
class AxisFunctions {
 public:
  AxisFunctions(const processes::Process& process, const Grid& grid, int axis, double t)
      : cells_(grid.cells(axis)),
        is_periodic_(grid.is_periodic(axis)),
        rates_({&process, &grid, LineSet{axis, 0, cells_, 1, 3, 0}, true}),
        values_(3 * cells_, 0.0) {
    rates_.build(t);
    largest_ = rates_.largest();
    std::fill_n(values_.begin(), cells_, 1.0);
    if (is_open(grid, axis, 0)) values_[cells_] = rates_.down(0)[1].v[0];
    if (is_open(grid, axis, 1)) values_[3 * cells_ - 1] = rates_.up(0)[cells_].v[0];
    events_ = 1.0625 * largest_;
    rates_.scale(events_);
  }
  double largest() const { return largest_; }
  void advance_to(double time) {
    uniformize_backward(rates_, is_periodic_, poisson_series(events_ * (time - time_)), values_.data());
    time_ = time;
  }
  const double* survival() const { return values_.data(); }
  const double* flux(int side) const { return values_.data() + (1 + side) * cells_; }

 private:
  Index cells_;
  bool is_periodic_;
  LineRates rates_;
  std::vector<double> values_;
  double largest_ = 0, events_ = 0, time_ = 0;
};

}  // namespace

ProductExits::ProductExits(const processes::Process& process, const Grid& grid)
    : process_(&process),
      grid_(&grid),
      reference_(Clock(process).reference()),
      absorbed_(grid.dimension()),
      weights_(grid.dimension()) {
  for (int axis = 0; axis < grid.dimension(); ++axis) {
    for (int side = 0; side < 2; ++side) any_ = any_ || is_open(grid, axis, side);
  }
}

void ProductExits::prepare(double time) {
  if (std::abs(time_ - time) <= 1e-14 * time) return;
  time_ = time;
  const int d = grid_->dimension();
  const Index n = grid_->local_count();
  std::vector<AxisFunctions> axes;
  double largest = 0;
  for (int axis = 0; axis < d; ++axis) {
    axes.emplace_back(*process_, *grid_, axis, reference_);
    largest = std::max(largest, axes.back().largest());
    for (int side = 0; side < 2; ++side) weights_[axis][side].assign(is_open(*grid_, axis, side) ? n : 0, 0.0);
  }
  const Index nx = grid_->local_cells(0), ny = d > 1 ? grid_->local_cells(1) : 1,
              nz = d > 2 ? grid_->local_cells(2) : 1;
  const std::array<Index, 3> sizes{nx, ny, nz};
  const Index first = grid_->slab().begin;  // of the last axis
  const auto local = [&](int axis, const double* values) { return values + (axis + 1 == d ? first : 0); };
  static const std::array<double, 1> one{1.0};
  std::array<const double*, 3> survival{one.data(), one.data(), one.data()};
  for (const auto& [u, weight] : times_of(time, largest)) {
    for (AxisFunctions& axis : axes) axis.advance_to(u);
    for (int axis = 0; axis < d; ++axis) survival[axis] = local(axis, axes[axis].survival());
    for (int axis = 0; axis < d; ++axis) {
      for (int side = 0; side < 2; ++side) {
        std::vector<double>& sum = weights_[axis][side];
        if (sum.empty()) continue;
        std::array<const double*, 3> factor = survival;
        factor[axis] = local(axis, axes[axis].flux(side));
        parallel::for_blocks(ny * nz, 16, [&, weight = weight](Index begin, Index end) {
          for (Index line = begin; line < end; ++line) {
            const double across = weight * factor[1][line % ny] * factor[2][line / ny];
            double* __restrict to = sum.data() + line * nx;
            const double* __restrict along = factor[0];
#pragma omp simd
            for (Index x = 0; x < nx; ++x) to[x] += across * along[x];
          }
        });
      }
    }
  }
  for (AxisFunctions& axis : axes) axis.advance_to(time);
  for (int axis = 0; axis < d; ++axis) survival[axis] = local(axis, axes[axis].survival());
  for (Index i = 0; i < n; ++i) {
    Index rest = i;
    double kept = 1, taken = 0;
    for (int axis = 0; axis < d; ++axis) {
      kept *= survival[axis][rest % sizes[axis]];
      rest /= sizes[axis];
      for (const std::vector<double>& w : weights_[axis]) taken += w.empty() ? 0 : w[i];
    }
    const double factor = taken > 0 ? (1 - kept) / taken : 0;
    for (auto& sides : weights_) {
      for (std::vector<double>& w : sides) {
        if (!w.empty()) w[i] *= std::max(factor, 0.0);
      }
    }
  }
}

void ProductExits::count(double time, const double* masses) {
  if (!any_ || !(time > 0)) return;
  parallel::together(grid_->communicator(), [&] { prepare(time); });
  std::vector<parallel::ExactSum> sums(2 * weights_.size());
  for (std::size_t s = 0; s < sums.size(); ++s) {
    const std::vector<double>& w = weights_[s / 2][s % 2];
    for (std::size_t i = 0; i < w.size(); ++i) sums[s].add(w[i] * masses[i]);
  }
  const std::vector<double> totals = grid_->communicator().sum(sums);
  for (std::size_t s = 0; s < totals.size(); ++s) absorbed_[s / 2][s % 2] += totals[s];
}

std::vector<double> ProductExits::counters() const {
  std::vector<double> all;
  for (const auto& axis : absorbed_) all.insert(all.end(), axis.begin(), axis.end());
  return all;
}

void ProductExits::set_counters(const std::vector<double>& counters) {
  for (std::size_t s = 0; s < counters.size(); ++s) absorbed_[s / 2][s % 2] = counters[s];
}

void ProductExits::exchange(io::State& state) {
  for (auto& axis : absorbed_) state.span("absorbed", std::span<double>(axis));
}

}  // namespace fortet::densities
