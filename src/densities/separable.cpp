// Dense propagators of each axis, for generators L(t) = rate(t) sum_axis L_axis: exp(B L_axis) by uniformization of a
// short time and squaring. All terms are nonnegative, so every entry is accurate; one matrix product per axis reaches
// any time.
#include "axis_generator.hpp"
#include "fortet/parallel/threads.hpp"
#include "product_exits.hpp"
#include "split_generator.hpp"

namespace fortet::densities {

namespace {

using Vector = Lanes::Vector;

/// out = matrix (n x n, by rows) times the lines of a tile.
void multiply_tile(const double* matrix, Index n, const Lanes* in, Lanes* out) {
  constexpr Index rows = 12;
  for (Index first = 0; first < n; first += rows) {
    Vector sum[rows];
    for (Vector& s : sum) s = Vector{};
    const double* row[rows];
    for (Index r = 0; r < rows; ++r) row[r] = matrix + std::min(first + r, n - 1) * n;
    for (Index k = 0; k < n; ++k) {
      const Vector v = in[k].v;
#pragma GCC unroll 12
      for (Index r = 0; r < rows; ++r) sum[r] += row[r][k] * v;
    }
    for (Index r = 0; r < std::min(rows, n - first); ++r) out[first + r].v = sum[r];
  }
}

void multiply_lines(const double* matrix, const LineSet& lines, const double* in, double* out) {
  parallel::for_blocks(lines.tiles(), 1, [&](Index tile, Index) {
    thread_local std::vector<Lanes> from, to;
    from.resize(lines.length);
    to.resize(lines.length);
    load_tile(in, lines, tile, from.data());
    multiply_tile(matrix, lines.length, from.data(), to.data());
    store_tile(out, lines, tile, to.data());
  });
}

/// exp(time L) of one axis: entry (j, i) is the probability to be in cell j when started in cell i; `out` that of
/// having left.
struct AxisPropagator {
  double time = -1;
  std::vector<double> matrix, transposed;
  std::vector<double> out[2];
};

class Separable final : public Propagator {
 public:
  Separable(const processes::ProcessPtr& process, const GridPtr& grid)
      : process_(process),
        grid_(grid),
        clock_(*process),
        exchange_(*grid),
        propagators_(grid->dimension()),
        exits_(*process, *grid) {
    const Grid& g = *grid;
    for (int axis = 0; axis < g.dimension(); ++axis) {
      lines_.push_back(whole_lines(g, axis));
      generators_.emplace_back(*process_, *grid_, axis, clock_.reference());
    }
  }

  void forward(double t0, double t1, long, std::span<double> masses) override {
    prepare(clock_.elapsed(t0, t1));
    exits_.count(clock_.elapsed(t0, t1), masses.data());
    for (int axis = 0; axis < grid_->dimension(); ++axis) {
      on_lines(axis, masses.data(),
               [&](double* values) { multiply_lines(propagators_[axis].matrix.data(), lines_[axis], values, values); });
    }
    ++steps_taken_;
  }
  void backward(double t0, double t1, long, std::span<double> values) override {
    prepare(clock_.elapsed(t0, t1));
    for (int axis = 0; axis < grid_->dimension(); ++axis) {
      AxisPropagator& p = propagators_[axis];
      const Index n = grid_->cells(axis);
      if (p.transposed.empty()) {
        p.transposed.resize(n * n);
        for (Index j = 0; j < n; ++j) {
          for (Index i = 0; i < n; ++i) p.transposed[i * n + j] = p.matrix[j * n + i];
        }
      }
      on_lines(axis, values.data(), [&](double* v) { multiply_lines(p.transposed.data(), lines_[axis], v, v); });
    }
    ++steps_taken_;
  }
  Sides absorbed() const override { return exits_.absorbed(); }
  std::vector<double> counters() const override { return exits_.counters(); }
  void set_counters(const std::vector<double>& counters) override { exits_.set_counters(counters); }
  void exchange(io::State& state) override {
    exits_.exchange(state);
    double time = propagators_.front().time;  // other steps take this one's matrices if they differ by rounding only
    state.real("time", time);
    if (state.restores() && time >= 0) prepare(time);
  }
  bool is_exact_in_time() const override { return true; }
  double terms() const override { return terms_; }
  long steps_taken() const override { return steps_taken_; }

 private:
  template <class Body>
  void on_lines(int axis, double* values, Body body) {
    if (axis + 1 < grid_->dimension() || !exchange_.is_needed()) return body(values);
    exchange_.to_lines(values, moved_);
    body(moved_.data());
    exchange_.to_slab(moved_, values);
  }
  void prepare(double time) {
    for (int axis = 0; axis < grid_->dimension(); ++axis) {
      // Equal steps of a time differ by rounding; so do the propagators that they are given.
      if (std::abs(propagators_[axis].time - time) <= 1e-14 * time) continue;
      int twin = 0;
      while (twin < axis && !(generators_[twin] == generators_[axis])) ++twin;
      if (twin < axis)
        propagators_[axis] = propagators_[twin];
      else
        exponentiate(axis, time);
    }
  }
  void exponentiate(int axis, double time) {
    const Index n = grid_->cells(axis);
    AxisPropagator& p = propagators_[axis];
    p.time = time;
    p.transposed.clear();
    p.matrix.assign(n * n, 0.0);
    for (Index i = 0; i < n; ++i) p.matrix[i * n + i] = 1;
    for (std::vector<double>& side : p.out) side.assign(n, 0.0);
    // A short time by the series, as cheap as one product of dense matrices, then doublings.
    const double events = generators_[axis].events() * time;
    int doublings = 0;
    while (std::ldexp(events, -doublings) > 64) ++doublings;
    const PoissonSeries series = poisson_series(std::ldexp(events, -doublings));
    generators_[axis].advance(series, p.matrix, p.out);
    terms_ += static_cast<double>(series.terms() * n * n);
    std::vector<double> square(n * n), left(n);
    for (int k = 0; k < doublings; ++k) {
      multiply_lines(p.matrix.data(), generators_[axis].columns(), p.matrix.data(), square.data());
      std::vector<double> total(n, 0.0);
      for (std::vector<double>& side : p.out) {
        for (Index i = 0; i < n; ++i) left[i] = side[i];
        for (Index j = 0; j < n; ++j) {
          for (Index i = 0; i < n; ++i) left[i] += side[j] * p.matrix[j * n + i];
        }
        side = left;
        for (Index i = 0; i < n; ++i) total[i] += side[i];
      }
      p.matrix.swap(square);
      // Squaring doubles a relative error; probabilities of all that can happen add up to one.
      for (Index j = 0; j < n; ++j) {
        for (Index i = 0; i < n; ++i) total[i] += p.matrix[j * n + i];
      }
      for (double& sum : total) sum = 1 / sum;
      for (Index j = 0; j < n; ++j) {
        for (Index i = 0; i < n; ++i) p.matrix[j * n + i] *= total[i];
      }
      for (std::vector<double>& side : p.out) {
        for (Index i = 0; i < n; ++i) side[i] *= total[i];
      }
    }
  }

  processes::ProcessPtr process_;
  GridPtr grid_;
  Clock clock_;
  LineExchange exchange_;
  std::vector<LineSet> lines_;
  std::vector<AxisGenerator> generators_;
  std::vector<AxisPropagator> propagators_;
  ProductExits exits_;
  std::vector<double> moved_;
  double terms_ = 0;
  long steps_taken_ = 0;
};

const Schema separable_schema{
    "propagators",
    "separable",
    "Dense propagators exp(B L_axis), B = int rate, for generators L(t) = rate(t) sum_axis L_axis of independent axes "
    "(Ornstein-Uhlenbeck, VP, VE, Brownian): exact in time in one application, positive and conservative.",
    "Moler and Van Loan 2003; Jensen 1953",
    {}};

const Registered<PropagatorFactory> registered_separable{
    separable_schema,
    [](const Parameters&, const processes::ProcessPtr& process, const GridPtr& grid) -> std::unique_ptr<Propagator> {
      if (!is_separable(*process)) {
        throw ParameterError(
            "propagator",
            "'separable' needs a process whose axes are independent and whose rates have a common clock; "
            "use strang");
      }
      return std::make_unique<Separable>(process, grid);
    }};

/// Whether dense matrices take less than a quarter of what the series takes over the horizon, where that is long at
/// all. Rates as measured on one core of 2023 (docs/performance.md); a choice must not depend on the machine.
bool is_cheaper_dense(const processes::Process& process, const Grid& grid) {
  constexpr double product = 2.5e-11, term = 1e-9, lonely_term = 1.6e-8;  // seconds: per multiplication, per cell
  constexpr double not_worth_it = 2;
  const Clock clock(process);
  double dense = 0, series = 0;
  for (int axis = 0; axis < grid.dimension(); ++axis) {
    if (grid.cells(axis) > 4096) return false;
    const auto n = static_cast<double>(grid.cells(axis));
    const double events =
        AxisGenerator(process, grid, axis, clock.reference()).events() * clock.elapsed(0, process.horizon());
    dense += product * n * n * n * std::max(std::log2(std::max(events, 1.0)), 1.0);
    // The vectors of a tile hold eight lines; a single line leaves seven places empty.
    series += events * static_cast<double>(grid.cell_count()) * (grid.dimension() > 1 ? term : lonely_term);
  }
  return series > not_worth_it && dense < 0.25 * series;
}

const Schema automatic{
    "propagators",
    "automatic",
    "separable where it is exact and cheap (independent axes, all with diffusion: 2 or 3 of them with at most 512 "
    "cells each, or up to 4096 where the rates are so stiff that its dense matrices cost less than the series of "
    "strang), otherwise strang.",
    "",
    {}};

const Registered<PropagatorFactory> registered_automatic{
    automatic,
    [](const Parameters& p, const processes::ProcessPtr& process, const GridPtr& grid) -> std::unique_ptr<Propagator> {
      return make_propagator(Parameters::make("propagators", prefers_dense(*process, *grid) ? "separable" : "strang",
                                              Json::object(), p.name()),
                             process, grid);
    }};

}  // namespace

bool prefers_dense(const processes::Process& process, const Grid& grid) {
  if (!is_separable(process) || process.noise_shape() == processes::NoiseShape::none) return false;
  const DiffusionShape shape = diffusion_shape(process, grid);
  if (!(*std::min_element(shape.axis.begin(), shape.axis.end()) > 0)) return false;
  bool small = grid.dimension() > 1;
  for (int axis = 0; axis < grid.dimension(); ++axis) small = small && grid.cells(axis) <= 512;
  return small || is_cheaper_dense(process, grid);
}

std::unique_ptr<Propagator> make_propagator(const Parameters& parameters, const processes::ProcessPtr& process,
                                            const GridPtr& grid) {
  if (process->dimension() != grid->dimension()) {
    throw UsageError("the process has " + std::to_string(process->dimension()) + " dimensions and the grid " +
                     std::to_string(grid->dimension()));
  }
  return Registry<PropagatorFactory>::instance().find("propagators", parameters.kind())(parameters, process, grid);
}

}  // namespace fortet::densities
