// Solution of the forward and backward equations: times, steps, diagnostics.
#include <chrono>

#include "assumptions.hpp"
#include "density_parameters.hpp"
#include "diagnostics.hpp"
#include "fluxes.hpp"
#include "fortet/densities/density.hpp"

namespace fortet::densities {

namespace {

/// Samples over the horizon of integrals over time where neither 'steps' nor the propagator's own steps set them.
constexpr double sample_count = 64;
constexpr double range_tolerance = 1e-6;    // of a backward function's range, before it is said
constexpr double balance_tolerance = 1e-6;  // of the mass; a hundred times what PETSc's linear solves lose

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// One number per cell of the slab.
void exchange_slab(io::State& state, const std::string& name, const Grid& grid, std::vector<double>& values) {
  values.resize(grid.local_count());
  state.rows(name, values, grid.cells(grid.dimension() - 1), grid.slab().begin, grid.layer_size());
}

/// Drives one propagator through the times of a density.
class Solver {
 public:
  Solver(const DensitySettings& settings, const DensityOptions& options)
      : settings_(settings), options_(options), grid_(*settings.grid) {
    path_ = unsolved(settings);
    path_.is_law = !options_.is_backward;
    boxes_ = named_boxes(settings);
    box_rates_.assign(boxes_.size(), {});
    outflow_.assign(boxes_.size(), 0.0);
    outflow_error_.assign(boxes_.size(), 0.0);
    const double start = seconds();
    propagator_ = make_propagator(options_.propagator, settings.process, settings.grid);
    path_.work["seconds_setup"] = seconds() - start;
  }

  DensityPath solve() {
    options_.is_backward ? solve_backward() : solve_forward();
    path_.work["seconds_solve"] = seconds_;
    path_.work["steps"] = static_cast<double>(propagator_->steps_taken());
    parallel::ExactSum terms;
    terms.add(propagator_->terms());
    path_.work["stencil_terms"] = grid_.communicator().sum(terms);
    path_.work["order_in_time"] = propagator_->is_exact_in_time() ? 0 : propagator_->order();
    path_.work["chooses_steps"] = propagator_->is_adaptive() ? 1 : 0;
    path_.work["negative_cells"] = static_cast<double>(negative_.count);
    path_.work["negative_mass"] = negative_.mass;
    if (const std::string note = propagator_->note(); !note.empty()) path_.notes.push_back(note);
    for (std::string& remark : remarks(*settings_.process, grid_)) path_.notes.push_back(std::move(remark));
    if (options_.steps > 0 && propagator_->is_exact_in_time() && !sees_steps())
      path_.notes.push_back("'steps' is not used: the propagator has no error in time");
    if (overshoot_ > range_tolerance)
      path_.notes.push_back(fmt::format(
          "values leave the range of the function at the horizon by {:.2g} of it; take smaller steps", overshoot_));
    if (negative_.count > 0) {
      path_.notes.push_back("negative cells were found (largest negative mass " + std::to_string(-negative_.mass) +
                            ")");
    }
    return std::move(path_);
  }

 private:
  void solve_forward() {
    Source source = initial_source(settings_, options_);
    values_ = std::move(source.masses);
    absorbed_at_start_ = std::move(source.absorbed);
    if (settings_.reference) reference_ = cell_masses(grid_, *settings_.reference);
    const std::vector<double> volumes = grid_.local_volumes();
    if (!restored()) {
      path_.step_times.push_back(0);
      record(0);
    }
    while (path_.snapshots.size() < settings_.at.size()) {
      const std::size_t k = path_.snapshots.size();
      const double t = k > 0 ? settings_.at[k - 1] : 0, target = settings_.at[k];
      if (target > t) {
        advance(t, target);
        check(target);
        record(target);
      }
      // At the start the law's own masses are kept: a source that is shared between cells is for what comes of it.
      Snapshot snapshot{target, target > 0 ? values_ : cell_masses(grid_, *settings_.initial)};
      for (std::size_t i = 0; i < volumes.size(); ++i) snapshot.values[i] /= volumes[i];
      path_.snapshots.push_back(std::move(snapshot));
      safe_point();
    }
  }

  void solve_backward() {
    values_ = final_values(settings_, options_);
    find_range();
    if (!restored()) path_.step_times.push_back(settings_.process->horizon());
    while (path_.snapshots.size() < settings_.at.size()) {
      const std::size_t left = settings_.at.size() - path_.snapshots.size();
      const double from = left < settings_.at.size() ? settings_.at[left] : settings_.process->horizon();
      const double t = settings_.at[left - 1];
      if (t < from) advance(t, from);
      path_.snapshots.insert(path_.snapshots.begin(), Snapshot{t, values_});
      const double nan = std::numeric_limits<double>::quiet_NaN();
      Diagnostics numbers;
      numbers.time = t;
      numbers.mass = numbers.entropy = numbers.kinetic_energy = numbers.action = numbers.boundary_mass =
          numbers.reference_kl = nan;
      numbers.smallest = grid_.communicator().min(*std::min_element(values_.begin(), values_.end()));
      path_.diagnostics.insert(path_.diagnostics.begin(), numbers);
      check_masses(grid_, t, values_, settings_.name);
      check_range(t);
      safe_point();
    }
  }

  /// A conditional mean lies between the least and the largest value of the function, and 0 beyond open sides.
  void find_range() {
    lowest_ = grid_.communicator().min(*std::min_element(values_.begin(), values_.end()));
    highest_ = grid_.communicator().max(*std::max_element(values_.begin(), values_.end()));
    if (!has_open_sides(grid_)) return;
    lowest_ = std::min(lowest_, 0.0);
    highest_ = std::max(highest_, 0.0);
  }
  void check_range(double t) {
    const double least = grid_.communicator().min(*std::min_element(values_.begin(), values_.end()));
    const double most = grid_.communicator().max(*std::max_element(values_.begin(), values_.end()));
    const double scale = std::max({highest_ - lowest_, 1e-9 * std::abs(highest_), 1e-300});
    overshoot_ = std::max({overshoot_, (lowest_ - least) / scale, (most - highest_) / scale});
    constexpr double most_overshoot = 0.1;
    if (overshoot_ <= most_overshoot) return;
    throw DivergedError(
        fmt::format("density '{}' at t = {:g} has values in [{:.6g}, {:.6g}], the function at the horizon in [{:.6g}, "
                    "{:.6g}]: its integrator is unstable; take smaller steps or the propagator strang",
                    settings_.name, t, least, most, lowest_, highest_));
  }

  bool restored() {
    return settings_.checkpoints &&
           settings_.checkpoints->restore(grid_.communicator(), [this](io::State& state) { exchange(state); });
  }
  void safe_point() {
    if (settings_.checkpoints)
      settings_.checkpoints->pass(grid_.communicator(), [this](io::State& state) { exchange(state); });
  }

  /// All that changes from step to step.
  void exchange(io::State& state) {
    densities::exchange(state, path_);
    exchange_slab(state, "masses", grid_, values_);
    propagator_->exchange(state);
    state.integer("pieces", pieces_);
    state.real("done", done_);
    state.real("scale", scale_);
    state.real("proposed_step", proposed_);
    state.real("action", action_);
    state.real("last_energy", last_energy_);
    state.integer("negative_cells", negative_.count);
    state.real("negative_mass", negative_.mass);
    state.list("rate_times", rate_times_);
    state.list("outflow", outflow_);
    state.list("outflow_error", outflow_error_);
    for (std::vector<double>& rates : box_rates_) state.list("box_rates", rates);
  }

  /// From t0 to t1 (or back), with the steps of a given list, a fixed number, or by step doubling.
  void advance(double t0, double t1) {
    const double begin = seconds();
    const double horizon = settings_.process->horizon();
    const double over_horizon = options_.steps > 0 ? static_cast<double>(options_.steps) : sample_count;
    const long samples = std::max(1L, static_cast<long>(std::ceil(over_horizon * (t1 - t0) / horizon - 1e-9)));
    if (propagator_->is_adaptive()) {
      sees_steps() ? fixed(t0, t1, samples) : step(t0, t1, 1);
    } else if (!options_.step_times.empty()) {
      follow(t0, t1);
    } else if (propagator_->is_exact_in_time()) {
      fixed(t0, t1, sees_steps() ? samples : 1);
    } else if (options_.steps > 0) {
      fixed(t0, t1, samples);
    } else {
      adaptive(t0, t1);
    }
    pieces_ = 0;
    done_ = 0;
    seconds_ += seconds() - begin;
  }

  void apply(double t0, double t1, long steps) {
    options_.is_backward ? propagator_->backward(t0, t1, steps, values_) : propagator_->forward(t0, t1, steps, values_);
  }

  /// Steps between t0 < t1 that count as taken.
  void step(double t0, double t1, long steps) {
    apply(t0, t1, steps);
    for (long s = 1; s <= steps; ++s) {
      const double fraction = static_cast<double>(s) / static_cast<double>(steps);
      path_.step_times.push_back(options_.is_backward ? t1 + (t0 - t1) * fraction
                                 : s == steps         ? t1
                                                      : t0 + (t1 - t0) * fraction);
    }
    if (options_.is_backward) path_.step_times.back() = t0;
    if (settings_.progress) {
      const double horizon = settings_.process->horizon();
      settings_.progress(options_.is_backward ? (horizon - t0) / horizon : t1 / horizon);
    }
    if (sees_steps()) observe(t0, t1);
  }

  /// The propagator's steps are followed one by one, for integrals over time.
  bool sees_steps() const { return options_.action || !boxes_.empty(); }

  /// Trapezoidal rules over the step that ends now.
  void observe(double t0, double t1) {
    const Fluxes flux = fluxes(*settings_.process, grid_, t1, values_, boxes_);
    if (options_.action) {
      const double energy = kinetic_energy(grid_, flux, values_);
      action_ += 0.5 * (t1 - t0) * (last_energy_ + energy);
      last_energy_ = energy;
    }
    if (boxes_.empty()) return;
    rate_times_.push_back(t1);
    for (std::size_t b = 0; b < boxes_.size(); ++b) {
      outflow_[b] += 0.5 * (t1 - t0) * (box_rates_[b].back() + flux.boxes[b]);
      box_rates_[b].push_back(flux.boxes[b]);
    }
  }

  /// Adds the estimated errors of the boxes' integrals since the last record: a third of the difference to the rule on
  /// every second step.
  void close_integrals() {
    const std::size_t n = rate_times_.size();
    for (std::size_t b = 0; b < boxes_.size(); ++b) {
      const std::vector<double>& rate = box_rates_[b];
      double difference = 0;
      for (std::size_t i = 0; i + 1 < n; i += 2) {
        if (i + 2 < n) {
          const double h = rate_times_[i + 1] - rate_times_[i], k = rate_times_[i + 2] - rate_times_[i + 1];
          difference +=
              0.5 * (h * (rate[i] + rate[i + 1]) + k * (rate[i + 1] + rate[i + 2]) - (h + k) * (rate[i] + rate[i + 2]));
        } else if (n == 2) {  // one step alone: the distance to the rectangle rule bounds it
          difference += 1.5 * (rate_times_[1] - rate_times_[0]) * (rate[1] - rate[0]);
        }
      }
      outflow_error_[b] += std::abs(difference) / 3;
    }
  }

  void record_boxes(double t, const Fluxes& flux) {
    close_integrals();
    rate_times_ = {t};
    std::vector<parallel::ExactSum> sums(boxes_.size());
    const std::int64_t first = grid_.slab().begin * grid_.layer_size();
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const std::array<Index, 3> cell = cell_index(grid_, first + static_cast<std::int64_t>(i));
      for (std::size_t b = 0; b < boxes_.size(); ++b) {
        if (contains(boxes_[b], cell)) sums[b].add(values_[i]);
      }
    }
    const std::vector<double> masses = grid_.communicator().sum(sums);
    for (std::size_t b = 0; b < boxes_.size(); ++b) {
      box_rates_[b] = {flux.boxes[b]};
      path_.boxes[b].mass.push_back(masses[b]);
      path_.boxes[b].outflow.push_back(outflow_[b]);
      path_.boxes[b].outflow_error.push_back(outflow_error_[b]);
    }
  }

  void fixed(double t0, double t1, long steps) {
    if (!sees_steps() && !settings_.progress && !settings_.checkpoints) return step(t0, t1, steps);
    // In pieces, so that integrals over time see every step and progress some.
    const long pieces = sees_steps() ? steps : std::min(steps, 20L);
    while (pieces_ < pieces) {
      const long from = steps * pieces_ / pieces, to = steps * (pieces_ + 1) / pieces;
      const auto time = [&](long s) {
        return s == steps ? t1 : t0 + (t1 - t0) * (static_cast<double>(s) / static_cast<double>(steps));
      };
      if (options_.is_backward)
        step(time(steps - to), time(steps - from), to - from);
      else
        step(time(from), time(to), to - from);
      if (++pieces_ < pieces) safe_point();
    }
  }

  void follow(double t0, double t1) {
    std::vector<double> times;
    for (double t : options_.step_times) {
      if (t > t0 && t < t1) times.push_back(t);
    }
    times.push_back(t0);
    times.push_back(t1);
    std::sort(times.begin(), times.end());
    if (options_.is_backward) std::reverse(times.begin(), times.end());
    const auto pieces = static_cast<std::int64_t>(times.size()) - 1;
    while (pieces_ < pieces) {
      step(std::min(times[pieces_], times[pieces_ + 1]), std::max(times[pieces_], times[pieces_ + 1]), 1);
      if (++pieces_ < pieces) safe_point();
    }
  }

  /// Step doubling: two half steps are kept (they are positive, an extrapolation would not be), their distance to one
  /// whole step divided by 2^order - 1 estimates their error.
  void adaptive(double t0, double t1) {
    const double horizon = settings_.process->horizon(), order = propagator_->order();
    if (proposed_ == 0) proposed_ = horizon / 100;
    const double length = t1 - t0;
    if (options_.is_backward && done_ == 0) {  // masses add up to one; a backward function is measured by its own size
      parallel::ExactSum sum;
      for (double v : values_) sum.add(std::abs(v));
      scale_ = std::max(grid_.communicator().sum(sum), 1e-300);
    }
    while (done_ < length) {
      double h = proposed_;
      if (h >= length - done_)
        h = length - done_;
      else if (2 * h > length - done_)
        h = 0.5 * (length - done_);
      const bool is_final = h == length - done_;
      const double from = options_.is_backward ? (is_final ? t0 : t1 - done_ - h) : t0 + done_;
      const double to = options_.is_backward ? t1 - done_ : (is_final ? t1 : t0 + done_ + h);
      const std::vector<double> saved = values_, counters = propagator_->counters();
      apply(from, to, 1);
      const std::vector<double> coarse = std::exchange(values_, saved);
      const Sides left = propagator_->absorbed();
      propagator_->set_counters(counters);
      apply(from, to, 2);
      double difference = l1_distance(grid_, values_, coarse);
      if (has_open_sides(grid_) && !options_.is_backward) difference += distance(left, propagator_->absorbed());
      const double error = difference / scale_ / (std::pow(2.0, order) - 1);
      const double allowed = options_.tolerance * h / horizon;
      if (!std::isfinite(error))
        throw DivergedError("density '" + settings_.name + "' is not finite at t = " + std::to_string(to));
      const double factor = std::clamp(0.9 * std::pow(allowed / std::max(error, 1e-300), 1 / order), 0.2, 3.0);
      if (error <= allowed || h < 1e-10 * horizon) {
        if (error > allowed)
          throw DivergedError("density '" + settings_.name + "' needs steps below 1e-10 of the horizon at t = " +
                              std::to_string(from) + "; its coefficients may be singular there");
        done_ = is_final ? length : done_ + h;
        const double middle = from + 0.5 * (to - from);
        path_.step_times.push_back(middle);
        path_.step_times.push_back(options_.is_backward ? from : to);
        if (settings_.progress) settings_.progress(options_.is_backward ? (horizon - from) / horizon : to / horizon);
        if (sees_steps()) observe(from, to);
        if (!is_final || factor < 1)
          proposed_ = h * factor;
        else
          proposed_ = std::max(proposed_, h * factor);
        if (!is_final) safe_point();
      } else {
        values_ = saved;
        propagator_->set_counters(counters);
        proposed_ = h * factor;
      }
    }
  }

  static double distance(const Sides& a, const Sides& b) {
    double sum = 0;
    for (std::size_t s = 0; s < 2 * a.size(); ++s) sum += std::abs(a[s / 2][s % 2] - b[s / 2][s % 2]);
    return sum;
  }

  void check(double t) {
    const Negative found = check_masses(grid_, t, values_, settings_.name);
    negative_.count += found.count;
    negative_.mass = std::min(negative_.mass, found.mass);
    if (-found.mass > options_.negative_mass_limit) {
      throw DivergedError("density '" + settings_.name + "' has " + std::to_string(found.count) +
                          " negative cells with mass " + std::to_string(found.mass) + " at t = " + std::to_string(t) +
                          ", beyond negative_mass_limit " + std::to_string(options_.negative_mass_limit) +
                          "; take smaller steps or the propagator strang");
    }
  }

  Sides absorbed() const {
    Sides sides = propagator_->absorbed();
    for (std::size_t k = 0; k < sides.size(); ++k) {
      for (int side = 0; side < 2; ++side) sides[k][side] += absorbed_at_start_[k][side];
    }
    return sides;
  }

  void record(double t) {
    Diagnostics numbers = diagnose(*settings_.process, grid_, t, values_, reference_);
    numbers.absorbed = absorbed();
    if (options_.action) {
      if (path_.diagnostics.empty()) last_energy_ = numbers.kinetic_energy;
      numbers.action = action_;
    }
    if (!boxes_.empty()) record_boxes(t, fluxes(*settings_.process, grid_, t, values_, boxes_));
    if (options_.boundary_mass_limit >= 0 && numbers.boundary_mass > options_.boundary_mass_limit) {
      throw UsageError("the grid of density '" + settings_.name +
                       "' is too small for its law: its outermost cells hold a mass of " +
                       std::to_string(numbers.boundary_mass) + " at t = " + std::to_string(t) +
                       " (boundary_mass_limit " + std::to_string(options_.boundary_mass_limit) + ")");
    }
    path_.diagnostics.push_back(std::move(numbers));
    check_balance();
  }

  /// Mass inside and what has left make what there was.
  void check_balance() const {
    const auto total = [](const Diagnostics& numbers) {
      double sum = numbers.mass;
      for (const auto& axis : numbers.absorbed) sum += axis[0] + axis[1];
      return sum;
    };
    const double before = total(path_.diagnostics.front()), after = total(path_.diagnostics.back());
    if (std::abs(after - before) <= balance_tolerance) return;
    throw DivergedError(fmt::format(
        "density '{}' does not keep its mass: {:.9g} at the start became {:.9g} at t = {:g} (with what left through "
        "the "
        "sides); its integrator is unstable or its linear solves are too coarse: take smaller steps or the propagator "
        "strang",
        settings_.name, before, after, path_.diagnostics.back().time));
  }

  const DensitySettings& settings_;
  DensityOptions options_;
  const Grid& grid_;
  DensityPath path_;
  std::unique_ptr<Propagator> propagator_;
  std::vector<double> values_, reference_;
  Sides absorbed_at_start_;
  double lowest_ = 0, highest_ = 0, overshoot_ = 0;  ///< of a backward function
  double seconds_ = 0, proposed_ = 0, action_ = 0, last_energy_ = 0;
  // Where the way to the next time of `at` stands: pieces of it, or the part of it in time.
  std::int64_t pieces_ = 0;
  double done_ = 0, scale_ = 1;
  Negative negative_;
  std::vector<Box> boxes_;
  std::vector<double> rate_times_, outflow_, outflow_error_;  ///< times of box_rates_; integrals from the start
  std::vector<std::vector<double>> box_rates_;                ///< outward fluxes since the last record, by box
};

}  // namespace

void exchange(io::State& state, DensityPath& path) {
  const Grid& grid = *path.grid;
  state.flag("is_law", path.is_law);
  state.size("snapshots", path.snapshots);
  for (Snapshot& snapshot : path.snapshots) {
    state.real("time", snapshot.time);
    exchange_slab(state, "values", grid, snapshot.values);
  }
  state.size("diagnostics", path.diagnostics);
  for (Diagnostics& d : path.diagnostics) {
    for (double* number :
         {&d.time, &d.mass, &d.entropy, &d.kinetic_energy, &d.action, &d.boundary_mass, &d.smallest, &d.reference_kl})
      state.real("number", *number);
    for (Sides* sides : {&d.absorbed, &d.flux, &d.absorbed_error}) {
      state.size("sides", *sides);
      for (auto& side : *sides) state.span("side", std::span<double>(side));
    }
  }
  for (BoxBalance& box : path.boxes) {
    state.list("mass", box.mass);
    state.list("outflow", box.outflow);
    state.list("outflow_error", box.outflow_error);
  }
  state.list("step_times", path.step_times);
  io::exchange(state, "quantities", path.quantities);
  io::exchange(state, "quantity_errors", path.quantity_errors);
  io::exchange(state, "work", path.work);
  state.size("notes", path.notes);
  for (std::string& note : path.notes) state.text("note", note);
  state.size("errors", path.errors);
  for (DensityPath::ErrorEstimate& error : path.errors) {
    for (double* number : {&error.space, &error.time, &error.boundary}) state.real("error", *number);
    exchange_slab(state, "defect", grid, error.defect);
  }
}

DensityPath unsolved(const DensitySettings& settings) {
  DensityPath path;
  path.name = settings.name;
  path.grid = settings.grid;
  path.process = settings.process;
  for (const Box& box : named_boxes(settings)) path.boxes.push_back({box, {}, {}, {}});
  return path;
}

DensityPath solve_density(const DensitySettings& settings) {
  check_density(settings);
  return solve_with(settings, density_options(settings));
}

DensityPath solve_with(const DensitySettings& settings, const DensityOptions& options) {
  return options.is_steady() ? solve_steady(settings, options) : Solver(settings, options).solve();
}

const Snapshot& DensityPath::at(double time) const {
  for (const Snapshot& snapshot : snapshots) {
    if (std::abs(snapshot.time - time) <= 1e-12 * std::max(1.0, std::abs(time))) return snapshot;
  }
  throw UsageError("density '" + name + "' has no snapshot at t = " + std::to_string(time) + "; add it to its 'at'");
}

}  // namespace fortet::densities
