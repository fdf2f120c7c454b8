#include "fortet/ensembles/ensemble.hpp"

namespace fortet::ensembles {
namespace {

Schema schema() {
  const std::vector<std::string> conditions{"none", "reflecting", "periodic", "absorbing"};
  return {
      "ensembles",
      "",
      "Particles of a process: an MPI-parallel Monte Carlo of its law",
      "",
      {required("process", {Type::reference}, "Process that moves the particles").of("processes"),
       required("initial", {Type::reference}, "Law of the particles at time 0").of("laws"),
       required("particles", {Type::integer}, "Number of particles over all ranks").between(0, 9e15),
       defaulted("stepper", {Type::kind}, {{"kind", "euler_maruyama"}}, "Time stepper").of("steppers"),
       optional("steps", {Type::integer},
                "Number of steps over the horizon; not for adaptive steppers, and not needed by exact ones")
           .at_least(1),
       defaulted("schedule", {Type::kind}, {{"kind", "uniform"}}, "Where the steps are").of("step_schedules"),
       optional("tolerance", {Type::real}, "Relative and absolute tolerance of an adaptive stepper").positive(),
       optional("at", {Type::reals}, "Times at which the particles are kept; default: the horizon").nonnegative(),
       optional("walls", {Type::record}, "Box with a condition per side")
           .with({required("lower", {Type::reals}, "Lower wall of each axis"),
                  required("upper", {Type::reals}, "Upper wall of each axis"),
                  required("conditions", {Type::sides},
                           "Per side: none, reflecting, periodic (both sides) or absorbing (weights of survival)")
                      .one_of(conditions)}),
       optional("trajectories", {Type::record}, "Positions of the first particles along the way")
           .with({required("particles", {Type::integer}, "How many").at_least(1),
                  defaulted("every", {Type::integer}, 1, "Kept every so many steps").at_least(1)}),
       defaulted("log_density", {Type::boolean}, false, "Carry log p along a deterministic flow: d/dt log p = -div b"),
       defaulted("divergence", {Type::kind}, "exact", "Of the drift, for log_density").of("divergences"),
       defaulted("denoise_to_zero", {Type::boolean}, false,
                 "At the horizon replace x by the data predicted from it, m + (x - m + sigma^2 score)/alpha: for a "
                 "reversal that stops before its noise is gone"),
       defaulted(
           "path_energy", {Type::boolean}, false,
           "Sum |b(x, t)|^2 dt over the steps, taken at the begin of each: the mean over the particles is the path "
           "energy E int |b|^2 dt, for the measure of this name"),
       defaulted("store", {Type::integer}, 100000, "How many particles go to the result file").between(0, 9e15),
       defaulted("error_budget", {Type::boolean}, true,
                 "Estimate the time-step error by a coarser run with the same Wiener increments")}};
}

const bool registered_schema = [] {
  SchemaCatalogue::instance().add(schema());
  return true;
}();

Wall wall_of(const Json& value) {
  const std::string name = value.get<std::string>();
  if (name == "reflecting") return Wall::reflecting;
  if (name == "periodic") return Wall::periodic;
  if (name == "absorbing") return Wall::absorbing;
  if (name == "none") return Wall::none;
  throw ParameterError("walls.conditions",
                       "unknown condition '" + name + "'; there are none, reflecting, periodic and absorbing");
}

std::array<Wall, 2> pair_of(const Json& value) {
  if (!value.is_array()) return {wall_of(value), wall_of(value)};
  if (value.size() != 2) throw ParameterError("walls.conditions", "an axis has two sides: [lower, upper]");
  return {wall_of(value[0]), wall_of(value[1])};
}

}  // namespace

Walls make_walls(const Parameters& parameters, int dimension) {
  Walls walls;
  if (!parameters.has("walls")) return walls;
  const Parameters record = parameters.child("walls");
  walls.lower = record.reals("lower");
  walls.upper = record.reals("upper");
  const Json& conditions = record.json().at("conditions");
  const std::size_t d = static_cast<std::size_t>(dimension);
  if (conditions.is_array()) {
    for (const Json& entry : conditions) walls.conditions.push_back(pair_of(entry));
  } else {
    walls.conditions.assign(d, pair_of(conditions));
  }
  if (walls.lower.size() != d || walls.upper.size() != d || walls.conditions.size() != d) {
    throw ParameterError("walls", "expected lower, upper and conditions for " + std::to_string(d) + " axes, found " +
                                      std::to_string(walls.lower.size()) + ", " + std::to_string(walls.upper.size()) +
                                      " and " + std::to_string(walls.conditions.size()));
  }
  return walls;
}

}  // namespace fortet::ensembles
