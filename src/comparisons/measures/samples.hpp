#pragma once
/// Samples of the two sides of a measure, and the floor that sampling puts under a distance between them.
#include "fortet/comparisons/measure.hpp"

namespace fortet::comparisons {

/// The parameters all distances between samples have: of, against, at, points, floor_samples.
std::vector<Parameter> sample_parameters();

/// A distance of two samples of equal size; `name` tells the random numbers of one evaluation from those of another.
using SampleDistance = std::function<double(ConstPoints first, ConstPoints second, const std::string& name)>;

/// Throws ParameterError for sides that have no samples or differ in dimension.
void check_samples(const Parameters& parameters, const MeasureContext& context);

/// The distance at each time in `at` (default: the last snapshot), and its floor: mean and standard deviation of the
/// distance of two independent samples of the law in `against` (or, failing that, in `of`). The evaluations are shared
/// between the ranks. Collective.
std::vector<Measurement> measure_samples(const Parameters& parameters, const MeasureContext& context,
                                         const std::string& quantity, const SampleDistance& distance,
                                         const parallel::Communicator& communicator);

/// Points 0 .. n - 1 of the stream of that name.
PointArray law_samples(const laws::Law& law, Index n, std::uint64_t seed, const std::string& name);

/// values[k] = jobs[k](), each computed by one rank. Collective.
std::vector<double> shared_out(const std::vector<std::function<double()>>& jobs,
                               const parallel::Communicator& communicator);

}  // namespace fortet::comparisons
