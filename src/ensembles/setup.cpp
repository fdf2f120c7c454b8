#include "setup.hpp"

#include "divergences.hpp"
#include "fortet/ensembles/step_schedule.hpp"

namespace fortet::ensembles {

namespace {
std::string number(double value) { return Json(value).dump(); }

std::vector<double> output_times(const EnsembleSettings& settings) {
  const double horizon = settings.process->horizon();
  std::vector<double> at = settings.at;
  if (at.empty()) at = {horizon};
  for (std::size_t i = 0; i < at.size(); ++i) {
    if (!(at[i] >= 0) || at[i] > horizon) {
      throw ParameterError(
          "at", "time " + number(at[i]) + " lies outside [0, " + number(horizon) + "], the horizon of the process");
    }
    if (i > 0 && !(at[i] > at[i - 1])) throw ParameterError("at", "the times must increase");
  }
  return at;
}

/// A potential that differs at the two ends of a periodic axis has no law e^{-V} that a chain could keep.
void require_single_valued(const processes::Process& process, const Walls& walls) {
  constexpr int points = 32;
  const int d = process.dimension();
  for (int axis = 0; axis < d && !walls.lower.empty(); ++axis) {
    if (walls.conditions[axis][0] != Wall::periodic) continue;
    PointArray x(2 * points, d);
    for (int i = 0; i < points; ++i) {
      for (int k = 0; k < d; ++k) {
        const double place = std::fmod(0.5 + 0.618033988749895 * (i + 1) * (k + 1), 1.0);
        const double inside = walls.lower[k] + place * (walls.upper[k] - walls.lower[k]);
        x(i, k) = k == axis ? walls.lower[k] : inside;
        x(points + i, k) = k == axis ? walls.upper[k] : inside;
      }
    }
    std::vector<double> potential(x.size());
    process.potential(x, potential.data());
    double jump = 0, scale = 1;
    for (int i = 0; i < points; ++i) {
      jump = std::max(jump, std::abs(potential[points + i] - potential[i]));
      scale = std::max(scale, std::abs(potential[i]));
    }
    if (jump > 1e-9 * scale) {
      throw ParameterError("stepper", fmt::format("the potential of the process differs by {:.3g} at the two ends of "
                                                  "periodic axis {}: there is no law e^-V to be kept; take "
                                                  "euler_maruyama, which follows the force",
                                                  jump, axis));
    }
  }
}

std::vector<double> schedule_times(const EnsembleSettings& settings, const Stepper& stepper, bool recorded) {
  const Parameters& parameters = settings.parameters;
  const double horizon = settings.process->horizon();
  const std::string kind = parameters.child("stepper").kind();
  if (stepper.is_adaptive() && parameters.has("steps") && !recorded) {
    throw ParameterError(
        "steps", "stepper " + kind +
                     " chooses its steps itself: give a tolerance (steps only say where trajectories are recorded)");
  }
  if (!parameters.has("steps")) {
    if (recorded) throw ParameterError("steps", "trajectories need the number of steps over the horizon");
    if (stepper.is_adaptive() || stepper.is_exact()) return {0, horizon};
    throw ParameterError("steps", "stepper " + kind + " needs the number of steps over the horizon");
  }
  return make_step_schedule(parameters)(*settings.process, parameters.integer("steps"));
}
}  // namespace

Setup make_setup(const EnsembleSettings& settings, int factor) {
  const Parameters& parameters = settings.parameters;
  const processes::Process& process = *settings.process;
  const int d = process.dimension();
  if (settings.initial->dimension() != d) {
    throw ParameterError("initial", "the law has dimension " + std::to_string(settings.initial->dimension()) +
                                        ", the process " + std::to_string(d));
  }
  if (settings.particles < 0) throw ParameterError("particles", "the number of particles must not be negative");
  if (!settings.initial->capabilities().sample) throw ParameterError("initial", "the law cannot be sampled");
  const bool log_density = parameters.boolean("log_density");
  if (log_density && !settings.initial->capabilities().log_density) {
    throw ParameterError("log_density", "the initial law has no log density");
  }
  std::vector<double> at = output_times(settings);
  WallRules walls(settings.walls, process);
  if (log_density && walls.any()) throw ParameterError("log_density", "log densities cannot be carried through walls");

  const StepperContext context{settings.process,
                               parallel::Stream(settings.seed, parallel::Purpose::increment, settings.name),
                               parallel::Stream(settings.seed, parallel::Purpose::acceptance, settings.name),
                               log_density,
                               settings.particles,
                               at.back(),
                               factor,
                               parameters.has("tolerance") ? parameters.real("tolerance") : 0.0,
                               parameters.has("steps") ? parameters.integer("steps") : 0,
                               parallel::Stream(settings.seed, parallel::Purpose::corrector, settings.name),
                               divergence_probes(parameters.child("divergence")),
                               parallel::Stream(settings.seed, parallel::Purpose::probe, settings.name)};
  if (context.probes > 0 && !log_density) {
    throw ParameterError("divergence", "an estimate of the divergence serves log densities: set log_density: true");
  }
  StepperPtr stepper = make_stepper(parameters.child("stepper"), context);
  if (const processes::Regularity known = process.regularity();
      known.noise == Smoothness::jumping && known.reading != 0) {
    throw ParameterError("process",
                         "its noise jumps and is not read in the sense of Ito: at a jump particles would have to be "
                         "reflected with a skew probability, which no stepper does; write convention: ito, or solve a "
                         "density");
  }
  if (stepper->uses_potential()) require_single_valued(process, settings.walls);
  if (stepper->is_adaptive() && walls.any()) {
    throw ParameterError("walls", "stepper " + parameters.child("stepper").kind() +
                                      " takes steps of its own and sees no walls: use rk4");
  }
  const bool denoise = parameters.boolean("denoise_to_zero");
  if (denoise && !process.denoising()) {
    throw ParameterError("denoise_to_zero", "the process is not the time_reversal of a linear noising process");
  }
  if (denoise && log_density) {
    throw ParameterError("denoise_to_zero", "log densities cannot be carried through the prediction of the data");
  }
  const bool path_energy = parameters.boolean("path_energy");
  if (path_energy && (stepper->is_adaptive() || !parameters.has("steps"))) {
    throw ParameterError("path_energy",
                         "the path energy is summed over steps: give their number, and a stepper that "
                         "does not choose its own");
  }
  if (path_energy && walls.absorbing()) {
    throw ParameterError("path_energy", "the path energy of particles that are absorbed on the way is not defined");
  }
  const bool recorded = parameters.has("trajectories");
  TimeGrid grid = make_time_grid(schedule_times(settings, *stepper, recorded), at, process.horizon(),
                                 stepper->is_adaptive() ? 1 : factor);

  std::int64_t trajectories = 0;
  std::size_t every = 1;
  if (recorded && factor == 1) {
    const Parameters record = parameters.child("trajectories");
    trajectories = std::min<std::int64_t>(record.integer("particles"), settings.particles);
    every = static_cast<std::size_t>(record.integer("every"));
  }
  return {settings,    std::move(at), std::move(stepper), std::move(grid), {},         std::move(walls),
          log_density, denoise,       trajectories,       every,           path_energy};
}

void check_ensemble(const EnsembleSettings& settings) { make_setup(settings, 1); }

bool has_step_error(const EnsembleSettings& settings) { return !make_setup(settings, 1).stepper->is_exact(); }

}  // namespace fortet::ensembles
