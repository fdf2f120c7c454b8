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

/// All particles of this rank. Chunks of particles that fit the second-level cache go through all steps, block by block
/// within a step, so that what a field prepares for one time serves the whole chunk. Chunks begin at multiples of the
/// stepper's alignment: particles of the neighbour ranks that share a granule are computed here too and dropped.
class RankRun {
 public:
  RankRun(const Setup& setup, parallel::Range own, EnsemblePath& path, std::vector<double>& recorded)
      : setup_(setup),
        own_(own),
        path_(path),
        recorded_(recorded),
        initial_(setup.settings.seed, parallel::Purpose::initial_law, setup.settings.name) {}

  Counters run() {
    if (own_.size() == 0) return {};
    const Index alignment = setup_.stepper->alignment();
    const Index first = own_.begin / alignment, groups = (own_.end + alignment - 1) / alignment - first;
    const Index threads = parallel::thread_count();
    const Index fitting =
        setup_.stepper->is_adaptive() ? 1 : std::max<Index>(1, cache_values / (setup_.dimension() + 2) / alignment);
    const Index waves = (groups + fitting * threads - 1) / (fitting * threads);
    const Index chunk = std::max<Index>(1, (groups + threads * waves - 1) / (threads * waves));
    const std::thread::id caller = std::this_thread::get_id();
    std::atomic<Index> done = 0;
    parallel::for_blocks(groups, chunk, [&](Index begin, Index end) {
      if (failed_) return;
      try {
        run_chunk((first + begin) * alignment, (end - begin) * alignment);
      } catch (...) {
        failed_ = true;
        throw;
      }
      const Index finished = done += end - begin;
      if (setup_.settings.progress && std::this_thread::get_id() == caller) {
        setup_.settings.progress(static_cast<double>(finished) / static_cast<double>(groups));
      }
    });
    return counters_;
  }

  /// Sum over this rank's particles of the integral of |b|^2.
  const parallel::ExactSum& path_energy() const { return path_energy_; }

 private:
  static constexpr Index cache_values = 32768;  // doubles of one chunk: 256 KiB

  struct Chunk {
    std::int64_t first;
    PointArray x, before;
    std::vector<double> weights, log_density;
    std::vector<double> energy;  ///< per particle: sum of |b|^2 dt so far; empty unless asked for
  };

  void run_chunk(std::int64_t first, Index size) {
    const Stepper& stepper = *setup_.stepper;
    const Index capacity = stepper.is_adaptive() ? stepper.alignment() : block_size;
    Chunk chunk{first, PointArray(size, setup_.dimension()), {}, {}, {}, {}};
    Workspace workspace(capacity);
    start(chunk, capacity);
    std::size_t output = 0;
    keep(chunk, 0, output);
    for (std::size_t s = 0; s < setup_.grid.steps.size() && !failed_; ++s) {
      for (Index begin = 0; begin < size; begin += capacity) {
        move(setup_.grid.steps[s], setup_.prepared[s].get(), chunk, begin, std::min(capacity, size - begin), workspace);
      }
      keep(chunk, s + 1, output);
    }
    const std::scoped_lock lock(mutex_);
    counters_.particle_steps +=
        (std::min(own_.end, first + size) - std::max(own_.begin, first)) * static_cast<Index>(setup_.grid.steps.size());
    counters_.evaluations += workspace.evaluations;
    counters_.rejected += workspace.rejected;
    counters_.proposed += workspace.proposed;
    counters_.accepted += workspace.accepted;
    for (Index i = std::max<Index>(0, own_.begin - first); i < std::min<Index>(chunk.energy.size(), own_.end - first);
         ++i)
      path_energy_.add(chunk.energy[i]);
  }

  void start(Chunk& chunk, Index capacity) const {
    const Index size = chunk.x.size();
    if (setup_.walls.absorbing()) {
      chunk.before = PointArray(capacity, setup_.dimension());
      chunk.weights.assign(size, 1.0);
    }
    if (setup_.log_density) chunk.log_density.resize(size);
    if (setup_.path_energy) chunk.energy.assign(size, 0.0);
    for (Index begin = 0; begin < size; begin += block_size) {
      const Points x = chunk.x.view().slice(begin, std::min(block_size, size - begin));
      setup_.settings.initial->sample(initial_, chunk.first + begin, x);
      if (setup_.log_density) setup_.settings.initial->log_density(x, chunk.log_density.data() + begin);
      if (setup_.walls.any()) setup_.walls.admit(x, setup_.walls.absorbing() ? chunk.weights.data() + begin : nullptr);
      check(x, chunk.first + begin, 0, 0.0);
    }
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
                         workspace);
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
  parallel::Range own_;
  EnsemblePath& path_;
  std::vector<double>& recorded_;
  parallel::Stream initial_;
  std::mutex mutex_;
  Counters counters_;
  parallel::ExactSum path_energy_;
  std::atomic<bool> failed_ = false;
};

std::size_t record_count(const Setup& setup) { return setup.grid.steps.size() / setup.every + 1; }

/// From [rank][record][particle][coordinate] to [record][particle][coordinate].
Trajectories gather(const Setup& setup, const std::vector<double>& recorded,
                    const parallel::Communicator& communicator) {
  Trajectories result;
  if (setup.trajectories == 0) return result;
  const std::size_t records = record_count(setup), d = setup.dimension();
  result.count = setup.trajectories;
  result.dimension = setup.dimension();
  for (std::size_t r = 0; r < records; ++r)
    result.times.push_back(r == 0 ? 0.0 : setup.grid.steps[r * setup.every - 1].end);
  const std::vector<double> all = communicator.gather_all(recorded);
  result.values.resize(all.size());
  std::size_t offset = 0;
  for (int rank = 0; rank < communicator.size(); ++rank) {
    const parallel::Range own = communicator.share(setup.settings.particles, rank);
    const std::int64_t count = std::max<std::int64_t>(0, std::min(own.end, setup.trajectories) - own.begin);
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
  Setup setup = make_setup(settings, factor);  // the same on every rank
  for (const Step& step : setup.grid.steps) setup.prepared.push_back(setup.stepper->prepare(step));
  const parallel::Range own = communicator.share(settings.particles);
  std::vector<double> recorded;
  Counters counters;
  parallel::ExactSum path_energy;
  parallel::together(communicator, [&] {
    for (const double t : setup.at) {
      path.snapshots.push_back({t, own.begin, settings.particles, PointArray(own.size(), setup.dimension()), {}, {}});
      if (setup.walls.absorbing()) path.snapshots.back().weights.resize(own.size());
      if (setup.log_density) path.snapshots.back().log_density.resize(own.size());
    }
    const std::int64_t followed = std::max<std::int64_t>(0, std::min(own.end, setup.trajectories) - own.begin);
    if (followed > 0) recorded.resize(record_count(setup) * followed * setup.dimension());
    RankRun rank_run(setup, own, path, recorded);
    counters = rank_run.run();
    path_energy = rank_run.path_energy();
  });
  path.trajectories = gather(setup, recorded, communicator);

  std::array<std::int64_t, 5> sums{counters.particle_steps, counters.evaluations, counters.rejected, counters.proposed,
                                   counters.accepted};
  communicator.sum_counts(sums);
  path.work["particle_steps"] = static_cast<double>(sums[0]);
  path.work["drift_evaluations"] = static_cast<double>(sums[1]);
  if (setup.stepper->is_adaptive()) path.work["rejected_steps"] = static_cast<double>(sums[2]);
  if (sums[3] > 0) path.work["acceptance_rate"] = static_cast<double>(sums[4]) / static_cast<double>(sums[3]);
  if (setup.path_energy) {
    const double sum = communicator.sum(path_energy);
    path.work["path_energy"] = settings.particles > 0 ? sum / static_cast<double>(settings.particles) : 0.0;
  }
  path.work["seconds"] =
      communicator.max(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return path;
}

}  // namespace

EnsemblePath run_ensemble(const EnsembleSettings& settings, const parallel::Communicator& communicator) {
  return run(settings, communicator, 1);
}

EnsemblePath run_coarser(const EnsembleSettings& settings, const parallel::Communicator& communicator, int factor) {
  return run(settings, communicator, factor);
}

}  // namespace fortet::ensembles
