#pragma once
/// Data noised by a linear process, X_t = m + alpha(t) (X_0 - m) + sigma(t) z: what scores are learned from.
#include "../network_model.hpp"
#include "../training_points.hpp"
#include "fortet/processes/linear_noising.hpp"

namespace fortet::training {

/// alpha, sigma and their rates at one time.
struct NoiseLevel {
  double alpha, sigma, attraction, noise;  ///< noise: g(t)
  static NoiseLevel at(const processes::LinearNoising& process, double t);
};

/// The process of a deck as a member of the linear noising family; throws ParameterError("process", ..) for others.
std::shared_ptr<const processes::LinearNoising> linear_noising(const processes::ProcessPtr& process,
                                                               const std::string& name, int dimension);

/// Draws data, times and noises of a batch.
class NoisedData {
 public:
  NoisedData(const Parameters& parameters, const ModelContext& context,
             std::shared_ptr<const processes::LinearNoising> process, double smallest_time);
  const processes::LinearNoising& process() const { return *process_; }
  const std::shared_ptr<const processes::LinearNoising>& shared_process() const { return process_; }
  int dimension() const { return points_.dimension(); }
  const TrainingDraws& draws() const { return draws_; }
  double time(double uniform) const { return smallest_time_ + (process_->horizon() - smallest_time_) * uniform; }
  /// Of a head that learns from these data.
  std::function<PathPoint(double t)> path() const;
  /// X_0 - m and the noises z.
  void points(std::uint32_t step, Index first, Points centred, Points z) const;

 private:
  TrainingPoints points_;
  TrainingDraws draws_;
  std::shared_ptr<const processes::LinearNoising> process_;
  double smallest_time_;
};

}  // namespace fortet::training
