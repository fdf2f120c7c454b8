#pragma once
/// An ensemble's settings, checked and turned into what the loop needs.
#include "fortet/ensembles/ensemble.hpp"
#include "time_grid.hpp"
#include "wall_rules.hpp"

namespace fortet::ensembles {

struct Setup {
  const EnsembleSettings& settings;
  std::vector<double> at;
  StepperPtr stepper;
  TimeGrid grid;
  std::vector<std::unique_ptr<const Prepared>> prepared;  ///< one per step
  WallRules walls;
  bool log_density;
  bool denoise_to_zero;
  std::int64_t trajectories;  ///< how many
  std::size_t every;          ///< recorded after every so many steps
  bool path_energy;           ///< summed along the way

  int dimension() const { return settings.process->dimension(); }
};

/// Throws ParameterError. Does not fill `prepared`. `factor`: fine steps per coarse step.
Setup make_setup(const EnsembleSettings& settings, int factor);

}  // namespace fortet::ensembles
