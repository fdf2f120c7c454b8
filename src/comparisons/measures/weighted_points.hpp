#pragma once
/// Averages over the law that a density or an ensemble holds at a time, for measures of fields.
#include "fortet/comparisons/measure.hpp"

namespace fortet::comparisons {

/// Cell centres with the masses of their cells, or particles with their weights: those of this rank.
struct WeightedPoints {
  PointArray x;
  std::vector<double> weights;
};

/// Throws ParameterError(key) unless the side is a density that is a law, or an ensemble, in `dimension` dimensions.
void require_snapshots(const Side& side, int dimension, const std::string& key);
/// Throws ParameterError(key) unless the side is a process.
processes::ProcessPtr require_process(const Side& side, const std::string& key);
/// Times of parameter `at`, or all that were recorded.
std::vector<double> measured_times(const Parameters& parameters, const Side& side);
WeightedPoints weighted_points(const Side& side, double time);

/// Parameter `in` of the measures of fields.
Parameter in_parameter();
Parameter at_parameter();

/// sum_i weights_i f_k(x_i) over all ranks for k < sums, where `values` evaluates f on a block: values(i, k). Same bits
/// for any partition. Collective.
std::vector<double> weighted_sums(const WeightedPoints& points, int sums,
                                  const std::function<void(ConstPoints x, Points values)>& values,
                                  const parallel::Communicator& communicator);

/// out[i] += |x_i|^2.
void add_squares(ConstPoints x, double* out);

}  // namespace fortet::comparisons
