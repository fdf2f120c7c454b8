#include "noised_data.hpp"

namespace fortet::training {

NoiseLevel NoiseLevel::at(const processes::LinearNoising& process, double t) {
  return {process.decay(0, t), std::sqrt(process.variance(0, t)), process.attraction(t), process.noise_level(t)};
}

std::shared_ptr<const processes::LinearNoising> linear_noising(const processes::ProcessPtr& process,
                                                               const std::string& name, int dimension) {
  auto noising = std::dynamic_pointer_cast<const processes::LinearNoising>(process);
  if (!noising) {
    throw ParameterError("process", fmt::format("processes.{} does not noise linearly with one number for all "
                                                "coordinates (vp, ve, sub_vp, ou, ddpm do)",
                                                name));
  }
  if (process->dimension() != dimension) {
    throw ParameterError("data", fmt::format("the data have {} dimensions, but processes.{} has {}", dimension, name,
                                             process->dimension()));
  }
  return noising;
}

NoisedData::NoisedData(const Parameters& parameters, const ModelContext& context,
                       std::shared_ptr<const processes::LinearNoising> process, double smallest_time)
    : points_(training_points(parameters, context, context.law(parameters.text("data")), "data")),
      draws_(context.seed, parameters.name()),
      process_(std::move(process)),
      smallest_time_(smallest_time) {
  if (!(smallest_time_ < process_->horizon())) {
    throw ParameterError("smallest_time",
                         fmt::format("expected a time before the horizon {:g} of the process", process_->horizon()));
  }
}

std::function<PathPoint(double t)> NoisedData::path() const {
  return [process = process_](double t) {
    const NoiseLevel level = NoiseLevel::at(*process, t);
    return PathPoint{level.alpha, 0, level.sigma};
  };
}

void NoisedData::points(std::uint32_t step, Index first, Points centred, Points z) const {
  points_.draw(step, first, centred);
  draws_.normals(step, first, z);
  for (int k = 0; k < centred.dimension(); ++k) {
    const double mean = process_->mean()[k];
    for (Index i = 0; i < centred.size(); ++i) centred(i, k) -= mean;
  }
}

}  // namespace fortet::training
