#include <atomic>
#include <chrono>
#include <cmath>
#include <mutex>
#include <thread>

#include "block_loops.hpp"
#include "diffusion_sampler.hpp"
#include "fortet/parallel/threads.hpp"
#include "setup.hpp"

namespace fortet::ensembles {

namespace {

struct Counters {
  std::int64_t particle_steps = 0, evaluations = 0, rejected = 0, proposed = 0, accepted = 0;
};

std::size_t record_count(const Setup& setup) { return setup.grid.steps.size() / setup.every + 1; }

/// Of a snapshot whose arrays have their sizes.
void exchange_particles(io::State& state, Snapshot& snapshot, bool weights, bool log_density, int sides) {
  for (int k = 0; k < snapshot.positions.dimension(); ++k) {
    const std::span<double> column(snapshot.positions.view().coordinate(k), snapshot.positions.size());
    state.rows("positions", column, snapshot.total, snapshot.first, 1);
  }
  for (int s = 0; s < sides; ++s) {
    const std::span<double> column(snapshot.exits.view().coordinate(s), snapshot.exits.size());
    state.rows("exits", column, snapshot.total, snapshot.first, 1);
  }
  if (weights) state.rows("weights", snapshot.weights, snapshot.total, snapshot.first, 1);
  if (log_density) state.rows("log_density", snapshot.log_density, snapshot.total, snapshot.first, 1);
}

/// All particles of this rank. Chunks of particles that fit the second-level cache go through all steps, block by block
/// within a step, so that what a field prepares for one time serves the whole chunk. Chunks begin at multiples of the
/// stepper's alignment: particles of the neighbour ranks that share a granule are computed here too and dropped.
class RankRun {
 public:
  /// Collective: throws on every rank if there is not enough memory on one.
  RankRun(const Setup& setup, const parallel::Communicator& communicator, EnsemblePath& path)
      : setup_(setup),
        communicator_(communicator),
        own_(communicator.share(setup.settings.particles)),
        path_(path),
        initial_(setup.settings.seed, parallel::Purpose::initial_law, setup.settings.name) {
    parallel::together(communicator_, [&] {
      for (const double t : setup_.at) path_.snapshots.push_back(make_snapshot(t));
      const std::int64_t followed = std::max<std::int64_t>(0, std::min(own_.end, setup_.trajectories) - own_.begin);
      if (followed > 0) recorded_.resize(record_count(setup_) * followed * setup_.dimension());
      if (setup_.path_energy) energy_.resize(own_.size());
    });
    path_.exits.sides = setup_.walls.sides();
    passed_.assign(setup_.walls.sides().size() * exit_bins(), 0);
  }

  /// Chunks in rounds, with a safe point after each. Collective.
  void run() {
    io::Checkpoints* const checkpoints = setup_.settings.checkpoints;
    const io::Exchange state = [this](io::State& s) { exchange(s); };
    if (checkpoints) checkpoints->restore(communicator_, state);
    const std::vector<parallel::Range> chunks = open_chunks();
    const Index threads = parallel::thread_count(), count = static_cast<Index>(chunks.size());
    const Index round = std::max(threads, (count / most_rounds + threads - 1) / threads * threads);
    const auto rounds = static_cast<Index>(communicator_.max(static_cast<double>((count + round - 1) / round)));
    const std::thread::id caller = std::this_thread::get_id();
    std::atomic<Index> finished = 0;
    for (Index r = 0; r < rounds; ++r) {
      const Index first = std::min(count, r * round), last = std::min(count, first + round);
      parallel::together(communicator_, [&] {
        parallel::for_blocks(last - first, 1, [&](Index begin, Index) {
          if (failed_) return;
          try {
            run_chunk(chunks[first + begin].begin, chunks[first + begin].size());
          } catch (...) {
            failed_ = true;
            throw;
          }
          const Index so_far = ++finished;
          if (setup_.settings.progress && std::this_thread::get_id() == caller) {
            setup_.settings.progress(static_cast<double>(so_far) / static_cast<double>(count));
          }
        });
      });
      for (Index c = first; c < last; ++c) {
        done_.push_back(std::max(chunks[c].begin, own_.begin));
        done_.push_back(std::min(chunks[c].end, own_.end));
      }
      if (checkpoints && r + 1 < rounds) checkpoints->pass(communicator_, state);
    }
  }

  /// Over all ranks. Collective.
  Counters total_counters() const {
    std::array<std::int64_t, 5> sums{counters_.particle_steps, counters_.evaluations, counters_.rejected,
                                     counters_.proposed, counters_.accepted};
    communicator_.sum_counts(sums);
    return {sums[0], sums[1], sums[2], sums[3], sums[4]};
  }

  /// Mean over the particles of the integral of |b|^2. Collective.
  double path_energy() const {
    parallel::ExactSum sum;
    sum.add(energy_);
    const double total = communicator_.sum(sum);
    return setup_.settings.particles > 0 ? total / static_cast<double>(setup_.settings.particles) : 0.0;
  }

  Trajectories trajectories() const;

  /// The histogram of first passages over all ranks. Collective.
  void finish_exits() {
    Exits& exits = path_.exits;
    if (exits.sides.empty()) return;
    const auto bins = static_cast<std::size_t>(exit_bins());
    std::vector<std::int64_t> sums = passed_;
    communicator_.sum_counts(sums);
    const double horizon = setup_.grid.steps.empty() ? 0.0 : setup_.grid.steps.back().end;
    for (std::size_t b = 0; b <= bins; ++b)
      exits.edges.push_back(horizon * static_cast<double>(b) / static_cast<double>(bins));
    const auto particles = static_cast<double>(std::max<std::int64_t>(1, setup_.settings.particles));
    for (std::size_t s = 0; s < exits.sides.size(); ++s) {
      exits.masses.emplace_back();
      for (std::size_t b = 0; b < bins; ++b)
        exits.masses.back().push_back(static_cast<double>(sums[s * bins + b]) / exit_unit / particles);
    }
  }

 private:
  static constexpr Index cache_values = 32768;  // doubles of one chunk: 256 KiB
  static constexpr Index most_rounds = 64;
  static constexpr double exit_unit = 4294967296.0;  // sums of integers are the same in any order
  Index exit_bins() const {
    constexpr Index most = 128;
    return std::clamp<Index>(static_cast<Index>(setup_.grid.steps.size()), 1, most);
  }

  Snapshot make_snapshot(double t) const {
    Snapshot snapshot{t,  own_.begin, setup_.settings.particles, PointArray(own_.size(), setup_.dimension()), {},
                      {}, {}};
    if (setup_.walls.absorbing()) {
      snapshot.weights.resize(own_.size());
      snapshot.exits = PointArray(own_.size(), static_cast<int>(setup_.walls.sides().size()));
    }
    if (setup_.log_density) snapshot.log_density.resize(own_.size());
    return snapshot;
  }

  /// What is left of this rank's particles, in chunks that begin and end at multiples of the stepper's alignment.
  std::vector<parallel::Range> open_chunks() const {
    const Index alignment = setup_.stepper->alignment(), threads = parallel::thread_count();
    std::vector<parallel::Range> open;
    std::int64_t begin = own_.begin;
    for (std::size_t i = 0; i <= done_.size(); i += 2) {  // done_ is sorted when this is asked
      const std::int64_t end = i < done_.size() ? std::clamp(done_[i], begin, own_.end) : own_.end;
      if (end > begin) open.push_back({begin / alignment * alignment, (end + alignment - 1) / alignment * alignment});
      if (i < done_.size()) begin = std::max(begin, std::min(done_[i + 1], own_.end));
    }
    Index groups = 0;
    for (const parallel::Range& part : open) groups += part.size() / alignment;
    if (groups == 0) return {};
    const Index fitting =
        setup_.stepper->is_adaptive() ? 1 : std::max<Index>(1, cache_values / (setup_.dimension() + 2) / alignment);
    const Index waves = (groups + fitting * threads - 1) / (fitting * threads);
    const Index size = std::max<Index>(1, (groups + threads * waves - 1) / (threads * waves)) * alignment;
    std::vector<parallel::Range> chunks;
    for (const parallel::Range& part : open) {
      for (std::int64_t at = part.begin; at < part.end; at += size)
        chunks.push_back({at, std::min(part.end, at + size)});
    }
    return chunks;
  }

  /// The finished particles, by pairs of ids [begin, end), and all that is known of them.
  void exchange(io::State& state) {
    std::vector<std::int64_t> done = all_done();
    state.list("done", done);
    Counters counters = total_counters();
    for (std::int64_t* count :
         {&counters.particle_steps, &counters.evaluations, &counters.rejected, &counters.proposed, &counters.accepted})
      state.integer("count", *count);
    const int sides = static_cast<int>(setup_.walls.sides().size());
    for (Snapshot& snapshot : path_.snapshots)
      exchange_particles(state, snapshot, setup_.walls.absorbing(), setup_.log_density, sides);
    std::vector<std::int64_t> passed = passed_;
    communicator_.sum_counts(passed);
    state.list("exits", passed);
    if (setup_.path_energy) state.rows("path_energy", energy_, setup_.settings.particles, own_.begin, 1);
    if (setup_.trajectories > 0) {
      const std::size_t records = record_count(setup_), part = recorded_.size() / records;
      for (std::size_t r = 0; r < records; ++r) {
        state.rows("trajectories", std::span(recorded_).subspan(r * part, part), setup_.trajectories,
                   std::min(own_.begin, setup_.trajectories), setup_.dimension());
      }
    }
    if (!state.restores()) return;
    done_ = std::move(done);
    counters_ = communicator_.is_root() ? counters : Counters{};
    if (communicator_.is_root())
      passed_ = std::move(passed);
    else
      std::fill(passed_.begin(), passed_.end(), 0);
  }

  /// Of all ranks, sorted and joined. Collective.
  std::vector<std::int64_t> all_done() const {
    std::vector<std::array<double, 2>> pairs;  // ids are exact in doubles
    for (std::size_t i = 0; i < done_.size(); i += 2) {
      const auto begin = static_cast<double>(done_[i]), end = static_cast<double>(done_[i + 1]);
      if (!pairs.empty() && pairs.back()[1] == begin) {
        pairs.back()[1] = end;
      } else {
        pairs.push_back({begin, end});
      }
    }
    std::vector<double> flat;
    for (const auto& pair : pairs) flat.insert(flat.end(), pair.begin(), pair.end());
    flat = communicator_.gather_all(flat);
    pairs.clear();
    for (std::size_t i = 0; i < flat.size(); i += 2) pairs.push_back({flat[i], flat[i + 1]});
    std::sort(pairs.begin(), pairs.end());
    std::vector<std::int64_t> all;
    for (const auto& pair : pairs) {
      const auto begin = static_cast<std::int64_t>(pair[0]), end = static_cast<std::int64_t>(pair[1]);
      if (!all.empty() && begin <= all.back()) {
        all.back() = std::max(all.back(), end);
      } else {
        all.insert(all.end(), {begin, end});
      }
    }
    return all;
  }

  struct Chunk {
    std::int64_t first;
    PointArray x, before;
    PointArray exits, exits_before;  ///< what the sides took so far, and until the last bin of time was closed
    std::vector<double> weights, log_density;
    std::vector<double> energy;  ///< per particle: sum of |b|^2 dt so far; empty unless asked for
  };

  void run_chunk(std::int64_t first, Index size) {
    const Stepper& stepper = *setup_.stepper;
    const Index capacity = stepper.is_adaptive() ? stepper.alignment() : block_size;
    Chunk chunk{first, PointArray(size, setup_.dimension()), {}, {}, {}, {}, {}, {}};
    std::vector<std::int64_t> passed(passed_.size(), 0);
    Workspace workspace(capacity);
    start(chunk, capacity);
    std::size_t output = 0;
    keep(chunk, 0, output);
    for (std::size_t s = 0; s < setup_.grid.steps.size() && !failed_; ++s) {
      for (Index begin = 0; begin < size; begin += capacity) {
        move(setup_.grid.steps[s], setup_.prepared[s].get(), chunk, begin, std::min(capacity, size - begin), workspace);
      }
      keep(chunk, s + 1, output);
      close_bin(chunk, s, passed);
    }
    const std::scoped_lock lock(mutex_);
    for (std::size_t i = 0; i < passed.size(); ++i) passed_[i] += passed[i];
    counters_.particle_steps +=
        (std::min(own_.end, first + size) - std::max(own_.begin, first)) * static_cast<Index>(setup_.grid.steps.size());
    counters_.evaluations += workspace.evaluations;
    counters_.rejected += workspace.rejected;
    counters_.proposed += workspace.proposed;
    counters_.accepted += workspace.accepted;
    for (Index i = std::max<Index>(0, own_.begin - first); i < std::min<Index>(chunk.energy.size(), own_.end - first);
         ++i)
      energy_[first + i - own_.begin] = chunk.energy[i];
  }

  void start(Chunk& chunk, Index capacity) const {
    const Index size = chunk.x.size();
    if (setup_.walls.absorbing()) {
      chunk.before = PointArray(capacity, setup_.dimension());
      chunk.weights.assign(size, 1.0);
      chunk.exits = PointArray(size, static_cast<int>(setup_.walls.sides().size()));
    }
    if (setup_.log_density) chunk.log_density.resize(size);
    if (setup_.path_energy) chunk.energy.assign(size, 0.0);
    for (Index begin = 0; begin < size; begin += block_size) {
      const Points x = chunk.x.view().slice(begin, std::min(block_size, size - begin));
      setup_.settings.initial->sample(initial_, chunk.first + begin, x);
      if (setup_.log_density) setup_.settings.initial->log_density(x, chunk.log_density.data() + begin);
      if (setup_.walls.any()) {
        setup_.walls.admit(x, setup_.walls.absorbing() ? chunk.weights.data() + begin : nullptr,
                           chunk.exits.view().slice(begin, setup_.walls.absorbing() ? x.size() : 0));
      }
      check(x, chunk.first + begin, 0, 0.0);
    }
    chunk.exits_before = PointArray(chunk.exits.size(), chunk.exits.dimension());  // what left at once counts as first
  }

  /// Counts what the chunk's own particles lost since the last bin of time that was closed, when step s ends one.
  void close_bin(Chunk& chunk, std::size_t s, std::vector<std::int64_t>& passed) const {
    const int sides = chunk.exits.dimension();
    if (sides == 0) return;
    const std::vector<Step>& steps = setup_.grid.steps;
    const double horizon = steps.back().end;
    const auto bins = static_cast<double>(exit_bins());
    const auto bin_of = [&](const Step& step) {
      return static_cast<Index>(std::clamp(0.5 * (step.begin + step.end) / horizon * bins, 0.0, bins - 1));
    };
    const Index bin = bin_of(steps[s]);
    if (s + 1 < steps.size() && bin_of(steps[s + 1]) == bin) return;
    const Index begin = std::max<Index>(own_.begin - chunk.first, 0),
                end = std::min<Index>(own_.end - chunk.first, chunk.x.size());
    for (int side = 0; side < sides; ++side) {
      std::int64_t sum = 0;
      for (Index i = begin; i < end; ++i)
        sum += std::llround(exit_unit * (chunk.exits(i, side) - chunk.exits_before(i, side)));
      passed[static_cast<std::size_t>(side * exit_bins() + bin)] += sum;
    }
    copy(chunk.exits.view(), chunk.exits_before.view());
  }

  void move(const Step& step, const Prepared* prepared, Chunk& chunk, Index begin, Index size,
            Workspace& workspace) const {
    workspace.release();
    const std::int64_t first = chunk.first + begin;
    Block block{first, chunk.x.view().slice(begin, size),
                setup_.log_density ? chunk.log_density.data() + begin : nullptr,
                std::clamp<Index>(own_.begin - first, 0, size), std::clamp<Index>(own_.end - first, 0, size)};
    const Points before = setup_.walls.absorbing() ? chunk.before.view().slice(0, size) : Points();
    if (setup_.walls.absorbing()) copy(block.x, before);
    if (setup_.path_energy) {
      add_energy(step, block.x, chunk.energy.data() + begin, workspace);
      workspace.release();
    }
    setup_.stepper->apply(step, prepared, block, workspace);
    if (setup_.denoise_to_zero && step.end == setup_.settings.process->horizon()) {
      const processes::Denoising& denoising = *setup_.settings.process->denoising();
      predict_data(denoising, noise_level(denoising, step.end), block.x, workspace);
    }
    if (setup_.walls.any()) {
      setup_.walls.apply(step, before, block.x, setup_.walls.absorbing() ? chunk.weights.data() + begin : nullptr,
                         chunk.exits.view().slice(begin, setup_.walls.absorbing() ? size : 0), workspace);
    }
    check(block.x, first, step.number + step.parts.size(), step.end);
  }

  /// energy[i] += |b(x_i, t)|^2 dt at the begin of the step.
  void add_energy(const Step& step, ConstPoints x, double* energy, Workspace& workspace) const {
    const Points drift = workspace.points(x.size(), x.dimension());
    setup_.settings.process->drift(step.begin, x, drift);
    const double length = step.end - step.begin;
    for (int k = 0; k < x.dimension(); ++k) {
      const double* const b = drift.coordinate(k);
#pragma omp simd
      for (Index i = 0; i < x.size(); ++i) energy[i] += b[i] * b[i] * length;
    }
  }

  /// Throws DivergedError for the first particle that is not finite.
  void check(ConstPoints x, std::int64_t first, std::size_t step, double t) const {
    const Index size = std::min<Index>(x.size(), setup_.settings.particles - first);
    double sum = 0;  // zero, or NaN
    for (int k = 0; k < x.dimension(); ++k) {
      const double* const xk = x.coordinate(k);
#pragma omp simd reduction(+ : sum)
      for (Index i = 0; i < size; ++i) sum += 0.0 * xk[i];
    }
    if (sum == 0) return;
    for (Index i = 0; i < size; ++i) {
      for (int k = 0; k < x.dimension(); ++k) {
        if (std::isfinite(x(i, k))) continue;
        throw DivergedError("ensembles." + setup_.settings.name + ": particle " + std::to_string(first + i) +
                            " is not finite after step " + std::to_string(step) + ", at time " + std::to_string(t) +
                            ": take shorter steps, or check the process");
      }
    }
  }

  /// Copies the chunk's own particles where an output or a recording is due after `steps` steps.
  void keep(const Chunk& chunk, std::size_t steps, std::size_t& output) {
    const Index begin = std::max<Index>(own_.begin - chunk.first, 0),
                end = std::min<Index>(own_.end - chunk.first, chunk.x.size());
    const Index place = chunk.first + begin - own_.begin;
    if (output < setup_.grid.outputs.size() && setup_.grid.outputs[output] == steps) {
      Snapshot& snapshot = path_.snapshots[output++];
      copy(chunk.x.view().slice(begin, end - begin), snapshot.positions.view().slice(place, end - begin));
      if (!chunk.weights.empty())
        std::copy(chunk.weights.begin() + begin, chunk.weights.begin() + end, snapshot.weights.begin() + place);
      if (chunk.exits.dimension() > 0)
        copy(chunk.exits.view().slice(begin, end - begin), snapshot.exits.view().slice(place, end - begin));
      if (!chunk.log_density.empty()) {
        std::copy(chunk.log_density.begin() + begin, chunk.log_density.begin() + end,
                  snapshot.log_density.begin() + place);
      }
    }
    if (steps % setup_.every == 0 && !recorded_.empty()) {
      const Index count = std::min(setup_.trajectories, own_.end) - own_.begin;  // followed particles of this rank
      for (Index i = begin; i < std::min<Index>(end, setup_.trajectories - chunk.first); ++i) {
        for (int k = 0; k < setup_.dimension(); ++k) {
          recorded_[((steps / setup_.every) * count + place + i - begin) * setup_.dimension() + k] = chunk.x(i, k);
        }
      }
    }
  }

  const Setup& setup_;
  const parallel::Communicator& communicator_;
  parallel::Range own_;
  EnsemblePath& path_;
  std::vector<double> recorded_, energy_;  ///< of this rank's particles
  std::vector<std::int64_t> done_;         ///< finished particles, by pairs of ids; of all ranks after a restart
  parallel::Stream initial_;
  std::mutex mutex_;
  Counters counters_;
  std::vector<std::int64_t> passed_;  ///< [side][bin], in units of 1 / exit_unit particles
  std::atomic<bool> failed_ = false;
};

/// From [rank][record][particle][coordinate] to [record][particle][coordinate].
Trajectories RankRun::trajectories() const {
  Trajectories result;
  if (setup_.trajectories == 0) return result;
  const std::size_t records = record_count(setup_), d = setup_.dimension();
  result.count = setup_.trajectories;
  result.dimension = setup_.dimension();
  for (std::size_t r = 0; r < records; ++r)
    result.times.push_back(r == 0 ? 0.0 : setup_.grid.steps[r * setup_.every - 1].end);
  const std::vector<double> all = communicator_.gather_all(recorded_);
  result.values.resize(all.size());
  std::size_t offset = 0;
  for (int rank = 0; rank < communicator_.size(); ++rank) {
    const parallel::Range own = communicator_.share(setup_.settings.particles, rank);
    const std::int64_t count = std::max<std::int64_t>(0, std::min(own.end, setup_.trajectories) - own.begin);
    for (std::size_t r = 0; r < records; ++r) {
      std::copy_n(all.begin() + offset, count * d,
                  result.values.begin() + (r * result.count + own.begin) * d * (count > 0));
      offset += count * d;
    }
  }
  return result;
}

EnsemblePath run(const EnsembleSettings& settings, const parallel::Communicator& communicator, int factor) {
  const auto start = std::chrono::steady_clock::now();
  EnsemblePath path;
  path.name = settings.name;
  path.process = settings.process;
  path.walls = settings.walls;
  Setup setup = make_setup(settings, factor);  // the same on every rank
  for (const Step& step : setup.grid.steps) setup.prepared.push_back(setup.stepper->prepare(step));
  RankRun rank_run(setup, communicator, path);
  rank_run.run();
  path.trajectories = rank_run.trajectories();
  rank_run.finish_exits();

  const Counters counters = rank_run.total_counters();
  path.work["particle_steps"] = static_cast<double>(counters.particle_steps);
  path.work["drift_evaluations"] = static_cast<double>(counters.evaluations);
  if (setup.stepper->is_adaptive()) path.work["rejected_steps"] = static_cast<double>(counters.rejected);
  if (counters.proposed > 0)
    path.work["acceptance_rate"] = static_cast<double>(counters.accepted) / static_cast<double>(counters.proposed);
  if (setup.path_energy) path.work["path_energy"] = rank_run.path_energy();
  path.work["seconds"] =
      communicator.max(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return path;
}

}  // namespace

void exchange(io::State& state, EnsemblePath& path, const parallel::Communicator& communicator) {
  state.size("snapshots", path.snapshots);
  for (Snapshot& snapshot : path.snapshots) {
    std::int64_t dimension = snapshot.positions.dimension();
    bool weights = communicator.any(!snapshot.weights.empty());
    auto sides = static_cast<std::int64_t>(snapshot.exits.dimension());
    state.integer("sides", sides);
    bool log_density = communicator.any(!snapshot.log_density.empty());
    state.real("time", snapshot.time);
    state.integer("total", snapshot.total);
    state.integer("dimension", dimension);
    state.flag("weights", weights);
    state.flag("log_density", log_density);
    if (state.restores()) {
      const parallel::Range own = communicator.share(snapshot.total);
      snapshot.first = own.begin;
      parallel::together(communicator, [&] {
        snapshot.positions = PointArray(own.size(), static_cast<int>(dimension));
        snapshot.weights.resize(weights ? own.size() : 0);
        snapshot.exits = PointArray(sides > 0 ? own.size() : 0, static_cast<int>(sides));
        snapshot.log_density.resize(log_density ? own.size() : 0);
      });
    }
    exchange_particles(state, snapshot, weights, log_density, static_cast<int>(sides));
  }
  state.size("sides", path.exits.sides);
  state.size("exits", path.exits.masses);
  for (ExitSide& side : path.exits.sides) {
    std::int64_t axis = side.axis, which = side.side;
    state.integer("axis", axis);
    state.integer("side", which);
    side = {static_cast<int>(axis), static_cast<int>(which)};
  }
  state.list("exit_edges", path.exits.edges);
  for (std::vector<double>& masses : path.exits.masses) state.list("exit_masses", masses);
  std::int64_t dimension = path.trajectories.dimension;
  state.list("times", path.trajectories.times);
  state.integer("count", path.trajectories.count);
  state.integer("dimension", dimension);
  path.trajectories.dimension = static_cast<int>(dimension);
  state.list("trajectories", path.trajectories.values);
  state.real("stationary_correlation", path.stationary_correlation);
  io::exchange(state, "work", path.work);
}

EnsemblePath run_ensemble(const EnsembleSettings& settings, const parallel::Communicator& communicator) {
  return run(settings, communicator, 1);
}

EnsemblePath run_coarser(const EnsembleSettings& settings, const parallel::Communicator& communicator, int factor) {
  return run(settings, communicator, factor);
}

}  // namespace fortet::ensembles
