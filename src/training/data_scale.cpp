#include "data_scale.hpp"

#include <fmt/format.h>

#include <cmath>

namespace fortet::training {

namespace {
constexpr Index scale_points = 4096;

/// Initial networks answer with numbers of order one to inputs of order one (LeCun et al. 1998, section 4.3).
constexpr double smallest_deviation = 0.05, largest_deviation = 20, largest_offset = 20;

bool is_far(double mean, double deviation) {
  if (std::abs(mean) > largest_offset && std::abs(mean) > largest_offset * deviation) return true;
  return deviation > 0 && (deviation < smallest_deviation || deviation > largest_deviation);
}
}  // namespace

Parameter standardise_parameter() {
  return defaulted(
      "standardise", {Type::boolean}, false,
      "networks see the data less their mean, over their deviation, per coordinate (and at each time), and "
      "what they answer is scaled back: for data that are not of order one; changes the weight of times "
      "and coordinates in the loss, not its minimum");
}

DataScale data_scale(const laws::Law& law, std::uint64_t seed, const std::string& stream) {
  const int d = law.dimension();
  PointArray points(scale_points, d);
  law.sample(parallel::Stream(seed, parallel::Purpose::training, stream), 0, points);
  DataScale scale{Eigen::VectorXd(d), Eigen::VectorXd(d)};
  for (int k = 0; k < d; ++k) {
    // About the first point, so that equal values have the deviation 0 and values far from the origin keep theirs.
    const double origin = points(0, k);
    double sum = 0, squares = 0;
    for (Index i = 0; i < scale_points; ++i) sum += points(i, k) - origin;
    const double offset = sum / scale_points;
    for (Index i = 0; i < scale_points; ++i) squares += std::pow(points(i, k) - origin - offset, 2);
    scale.mean[k] = origin + offset;
    scale.deviation[k] = std::sqrt(squares / scale_points);
  }
  return scale;
}

DataScale data_scale(const Parameters& parameters, const ModelContext& context, const std::string& role) {
  return data_scale(*context.law(parameters.text(role)), context.seed, parameters.name() + "." + role + ".scale");
}

/// No units make ends of different sizes alike.
static std::vector<std::string> steepness_notes(const Parameters& parameters, const ModelContext& context) {
  if (!parameters.has("source") || !parameters.has("target")) return {};
  const DataScale source = data_scale(parameters, context, "source"),
                  target = data_scale(parameters, context, "target");
  for (Eigen::Index k = 0; k < source.mean.size(); ++k) {
    const double s0 = source.deviation[k], s1 = target.deviation[k];
    if (s0 == 0 || s1 == 0 || std::max(s0 / s1, s1 / s0) <= largest_deviation) continue;
    return {
        fmt::format("in coordinate {} the source has the deviation {:.3g} and the target {:.3g}: the flow between "
                    "them is steep at its narrow end and needs short steps there; give both the same scale",
                    k, s0, s1)};
  }
  return {};
}

std::vector<std::string> scale_notes(const Parameters& parameters, const ModelContext& context) {
  std::vector<std::string> notes;
  if (parameters.integer("steps") == 0) return notes;
  const bool can_standardise = parameters.has("standardise");
  if (can_standardise && parameters.boolean("standardise")) return steepness_notes(parameters, context);
  for (const char* role : {"source", "target", "data"}) {
    if (!parameters.has(role) || !context.law(parameters.text(role))->capabilities().sample) continue;
    const DataScale scale = data_scale(parameters, context, role);
    for (Eigen::Index k = 0; k < scale.mean.size(); ++k) {
      if (!is_far(scale.mean[k], scale.deviation[k])) continue;
      notes.push_back(
          fmt::format("coordinate {} of laws.{} has the mean {:.3g} and the deviation {:.3g}; networks learn "
                      "from numbers of order one: {}",
                      k, parameters.text(role), scale.mean[k], scale.deviation[k],
                      can_standardise ? "set standardise: true" : "scale the data"));
      break;  // one coordinate of a law is enough to say it
    }
  }
  return notes;
}

}  // namespace fortet::training
