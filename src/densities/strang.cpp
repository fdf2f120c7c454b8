// Default propagator: Strang splitting over the axes, each axis by uniformization along lines (Strang 1968; Jensen
// 1953). Positive, conservative, second order, exactly transposable; the same bits for any number of ranks and threads.
#include "edge_uniformization.hpp"
#include "product_exits.hpp"
#include "split_generator.hpp"

namespace fortet::densities {

namespace {

/// Diagonal D: exp(h/2 A_0) .. exp(h A_last) .. exp(h/2 A_0), generators of a time without clock frozen at the middle
/// of a step.
class Strang final : public Propagator {
 public:
  Strang(const processes::ProcessPtr& process, const GridPtr& grid, const DiffusionShape& shape,
         const std::string& scheme, double memory)
      : process_(process), grid_(grid), clock_(*process), generator_(*process, *grid, shape, scheme, memory) {
    if (clock_.is_known()) generator_.build(clock_.reference());
    // Sweeps in turn give the sides of commuting axes to first order only, and no steps are needed otherwise.
    if (grid->dimension() > 1 && is_exact_in_time()) exits_.emplace(*process, *grid);
  }

  void forward(double t0, double t1, long steps, std::span<double> masses) override {
    if (exits_) exits_->count(clock_.elapsed(t0, t1), masses.data());
    run(t0, t1, steps, masses.data(), true);
  }
  void backward(double t0, double t1, long steps, std::span<double> values) override {
    run(t0, t1, steps, values.data(), false);
  }
  bool has_transpose() const override { return generator_.has_transpose(); }
  Sides absorbed() const override { return exits_ ? exits_->absorbed() : generator_.absorbed(); }
  std::vector<double> counters() const override { return exits_ ? exits_->counters() : generator_.counters(); }
  void set_counters(const std::vector<double>& counters) override {
    exits_ ? exits_->set_counters(counters) : generator_.set_counters(counters);
  }
  void exchange(io::State& state) override { exits_ ? exits_->exchange(state) : generator_.exchange(state); }
  bool is_exact_in_time() const override {
    for (int axis = 0; axis < grid_->dimension(); ++axis) {
      if (!generator_.is_exact(axis)) return false;
    }
    // Generators of different axes commute when each depends on its own coordinate only.
    return clock_.is_known() && (grid_->dimension() == 1 || process_->is_axis_separable());
  }
  double terms() const override { return generator_.terms(); }
  long steps_taken() const override { return steps_taken_; }

 private:
  void run(double t0, double t1, long steps, double* values, bool is_forward) {
    const int last = grid_->dimension() - 1;
    const auto sweep = [&](int axis, double time) {
      is_forward ? generator_.forward(axis, time, values) : generator_.backward(axis, time, values);
    };
    double pending = 0;  // half a step of axis 0 that joins the first half of the next step
    for (long s = 0; s < steps; ++s) {
      const long step = is_forward ? s : steps - 1 - s;
      const double a = t0 + (t1 - t0) * (static_cast<double>(step) / static_cast<double>(steps));
      const double b =
          step + 1 == steps ? t1 : t0 + (t1 - t0) * (static_cast<double>(step + 1) / static_cast<double>(steps));
      const double time = clock_.elapsed(a, b);
      if (!clock_.is_known()) generator_.build(0.5 * (a + b));
      ++steps_taken_;
      if (last == 0) {
        sweep(0, time);
        continue;
      }
      sweep(0, pending + 0.5 * time);
      for (int axis = 1; axis < last; ++axis) sweep(axis, 0.5 * time);
      sweep(last, time);
      for (int axis = last - 1; axis > 0; --axis) sweep(axis, 0.5 * time);
      pending = 0.5 * time;
      if (!clock_.is_known() || s + 1 == steps) {
        sweep(0, pending);
        pending = 0;
      }
    }
  }

  processes::ProcessPtr process_;
  GridPtr grid_;
  Clock clock_;
  SplitGenerator generator_;
  std::optional<ProductExits> exits_;
  long steps_taken_ = 0;
};

/// D with cross terms: one uniformization on the Selling graph, frozen at the middle of a step.
class Unsplit final : public Propagator {
 public:
  Unsplit(const processes::ProcessPtr& process, const GridPtr& grid)
      : process_(process), clock_(*process), series_(*process, *grid) {
    if (clock_.is_known()) series_.build(clock_.reference());
  }
  void forward(double t0, double t1, long steps, std::span<double> masses) override {
    run(t0, t1, steps, true, [&](double time) { series_.forward(time, masses.data()); });
  }
  void backward(double t0, double t1, long steps, std::span<double> values) override {
    run(t0, t1, steps, false, [&](double time) { series_.backward(time, values.data()); });
  }
  Sides absorbed() const override { return series_.absorbed(); }
  std::vector<double> counters() const override { return series_.counters(); }
  void set_counters(const std::vector<double>& counters) override { series_.set_counters(counters); }
  void exchange(io::State& state) override {
    if (steps_taken_ == 0) series_.build(clock_.reference());
    series_.exchange(state);
  }
  bool is_exact_in_time() const override { return clock_.is_known(); }
  double terms() const override { return series_.terms(); }
  long steps_taken() const override { return steps_taken_; }

 private:
  template <class Apply>
  void run(double t0, double t1, long steps, bool is_forward, Apply apply) {
    steps_taken_ += steps;
    if (clock_.is_known()) return apply(clock_.elapsed(t0, t1));
    const double step = (t1 - t0) / static_cast<double>(steps);
    for (long s = 0; s < steps; ++s) {
      series_.build(t0 + (static_cast<double>(is_forward ? s : steps - 1 - s) + 0.5) * step);
      apply(step);
    }
  }
  processes::ProcessPtr process_;
  Clock clock_;
  EdgeUniformization series_;
  long steps_taken_ = 0;
};

const Schema strang_schema{
    "propagators",
    "strang",
    "Strang splitting over the axes, each axis by uniformization of its exponentially fitted Markov "
    "generator: e^{tL} = sum_k "
    "Pois(k; Lambda t) (I + L/Lambda)^k. Positive, conservative, order 2 in time (exact when the axes "
    "commute); axes without "
    "diffusion by transport schemes; diffusion tensors with cross terms unsplit on Selling edges.",
    "Strang 1968; Jensen 1953; Scharfetter and Gummel 1969; Fehrenbach and Mirebeau 2014",
    {defaulted("transport", {Type::choice}, "weno5",
               "scheme along axes without diffusion: weno5 (order 5; muscl on stretched axes), muscl "
               "(order 2), upwind (order 1, has a "
               "transpose for the backward equation); all positive")
         .one_of({"weno5", "muscl", "upwind"}),
     defaulted("memory", {Type::real}, 1.0,
               "gigabytes per rank for the rates of a process without a clock at times that come "
               "again, as in the iterations of a bridge; what does not fit is evaluated anew")
         .nonnegative()}};

const Registered<PropagatorFactory> registered_strang{
    strang_schema,
    [](const Parameters& p, const processes::ProcessPtr& process, const GridPtr& grid) -> std::unique_ptr<Propagator> {
      const DiffusionShape shape = diffusion_shape(*process, *grid);
      if (shape.cross > 0) return std::make_unique<Unsplit>(process, grid);
      return std::make_unique<Strang>(process, grid, shape, p.text("transport"), 1e9 * p.real("memory"));
    }};

}  // namespace

}  // namespace fortet::densities
