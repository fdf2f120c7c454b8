#include "fortet/comparisons/check.hpp"

#include "bootstrap.hpp"
#include "fortet/comparisons/interval_statistic.hpp"
#include "fortet/comparisons/statistic.hpp"
#include "side_masses.hpp"

namespace fortet::comparisons {

namespace {

const Schema& schema() {
  static const Schema checks{
      "checks",
      "",
      "Compares two descriptions of one law: densities, ensembles or laws, at given times.",
      "",
      {required("compare", {Type::references}, "the two sides: [ensembles.sde, densities.noising]"),
       optional("at", {Type::reals}, "times; default: all times that both sides have (needed when one side is a law)"),
       defaulted("by", {Type::kinds}, "cells", "statistics").of("statistics"),
       optional("tolerance", {Type::real},
                "largest value that still agrees, for comparisons without particles; default: twice the estimated "
                "discretisation error")
           .positive(),
       optional("bins", {Type::integer}, "at most so many bins in total; default: what suits each statistic")
           .at_least(2),
       optional("name", {Type::text}, "name in the table of results; default: the two sides")}};
  return checks;
}

[[maybe_unused]] const bool registered_check = (SchemaCatalogue::instance().add(schema()), true);

const StatisticFactory& factory_of(const Parameters& statistic) {
  return Registry<StatisticFactory>::instance().find("statistics", statistic.kind());
}

/// Null for a statistic of masses on bins.
const IntervalStatistic* interval_statistic(const Parameters& statistic) {
  const auto& registry = Registry<IntervalStatistic>::instance();
  return registry.contains(statistic.kind()) ? &registry.find("statistics", statistic.kind()) : nullptr;
}

int dimension_of(const Side& side) {
  if (side.density) return side.density->grid->dimension();
  if (side.ensemble) return side.ensemble->process->dimension();
  return side.law->dimension();
}

/// Bins for one statistic: those of a grid if a side has one, otherwise around the particles or the law.
Bins choose_bins(const CheckSettings& settings, double time, Index limit, const parallel::Communicator& communicator) {
  for (const Side* side : {&settings.first, &settings.second}) {
    if (side->density) return Bins::from_grid(*side->density->grid, limit);
  }
  for (const Side* side : {&settings.first, &settings.second}) {
    if (side->ensemble) return Bins::around(snapshot_at(*side->ensemble, time), communicator, limit);
  }
  return Bins::around(*settings.first.law, limit);
}

double absolute_sum(std::span<const double> values) {
  double sum = 0;
  for (const double v : values) sum += std::abs(v);
  return sum;
}

void fill_budget(Result& result, const SideMasses& reference, const SideMasses& observed, double inverse_size) {
  for (const SideMasses* side : {&reference, &observed}) {
    for (const auto& [source, error] : side->budget) result.budget[source] += error;
  }
  if (inverse_size > 0) {
    double sampling = 0;
    for (const double p : reference.masses) sampling += std::sqrt(2 * std::max(0.0, p * (1 - p)) * inverse_size / M_PI);
    result.budget["sampling"] = sampling;
  }
  double largest = 0;
  for (const auto& [source, error] : result.budget) {
    if (error > largest) {
      largest = error;
      result.dominating = source;
    }
  }
}

/// Ratio of variances of the difference of two sides: each counts by its share of 1/N + 1/M.
std::vector<double> pooled_ratio(const SideMasses& observed, const SideMasses& reference) {
  std::vector<double> result;
  if (observed.variance_ratio.empty() && reference.variance_ratio.empty()) return result;
  for (std::size_t b = 0; b < observed.masses.size(); ++b) {
    double sum = 0;
    for (const SideMasses* side : {&observed, &reference})
      sum += side->inverse_size * (side->variance_ratio.empty() ? 1 : side->variance_ratio[b]);
    result.push_back(sum / (observed.inverse_size + reference.inverse_size));
  }
  return result;
}

/// A result that names the check it belongs to.
void label(Result& result, const CheckSettings& settings, const Parameters& statistic, double time) {
  result.check = settings.parameters.has("name") ? settings.parameters.text("name") : settings.name;
  if (result.statistic.empty()) result.statistic = statistic.kind();
  result.first = settings.first.name;
  result.second = settings.second.name;
  result.time = time;
}

void require_finite(const Result& result) {
  if (!std::isfinite(result.value)) {
    throw DivergedError(fmt::format("{}: {} at t = {} is not finite", result.check, result.statistic, result.time));
  }
}

Result compare(const CheckSettings& settings, const Parameters& statistic_parameters, double time,
               const parallel::Communicator& communicator) {
  const StatisticFactory& factory = factory_of(statistic_parameters);
  for (const Side* side : {&settings.first, &settings.second}) require_particles(*side, time, communicator);
  const bool sampled = settings.first.has_particles() || settings.second.has_particles();
  Index limit = sampled ? factory.bins_with_particles : factory.bins_deterministic;
  if (settings.parameters.has("bins")) limit = std::min<Index>(limit, settings.parameters.integer("bins"));
  const Bins bins = choose_bins(settings, time, limit, communicator);

  // The reference is the side without particles; a law that cannot give cell masses is sampled.
  const bool swap = settings.first.has_particles() || (settings.second.law && !settings.first.law);
  const Side& reference_side = swap ? settings.second : settings.first;
  const Side& observed_side = swap ? settings.first : settings.second;
  const SideMasses observed = side_masses(observed_side, time, bins, settings, communicator);
  const SideMasses reference = side_masses(reference_side, time, bins, settings, communicator);

  Sampling sampling;
  sampling.inverse_size = observed.inverse_size + reference.inverse_size;
  sampling.reference_inverse_size = reference.inverse_size;
  sampling.variance_ratio = pooled_ratio(observed, reference);
  std::vector<double> null_law = reference.masses;
  if (reference.inverse_size > 0 && observed.inverse_size > 0) {  // pooled
    const double weight = reference.inverse_size / sampling.inverse_size;
    for (std::size_t b = 0; b < null_law.size(); ++b) null_law[b] += weight * (observed.masses[b] - null_law[b]);
  }
  std::vector<double> bias(null_law.size());
  double bias_size = 0;
  for (std::size_t b = 0; b < bias.size(); ++b) {
    bias[b] = observed.bias[b] - reference.bias[b];
    bias_size += bias[b] * bias[b] / std::max({null_law[b], sampling.inverse_size, std::numeric_limits<double>::min()});
  }
  if (const double noise = observed.bias_noise + reference.bias_noise; noise > 0)
    sampling.bias_signal = std::max(0.0, 1 - noise / bias_size);

  const auto statistic = factory.make(statistic_parameters, {bins, null_law, sampling, settings.seed});
  Result result;
  label(result, settings, statistic_parameters, time);
  result.defect_unit = statistic->defect_unit();
  fill_budget(result, reference, observed, sampling.inverse_size);
  result.note = observed.note + reference.note;

  std::vector<double> shifted = null_law;
  for (std::size_t b = 0; b < shifted.size(); ++b) shifted[b] += bias[b];
  if (sampling.inverse_size == 0) {
    result.value = statistic->value(reference.masses, observed.masses);
    result.expected = statistic->value(reference.masses, shifted);
    result.tolerance =
        settings.parameters.has("tolerance") ? settings.parameters.real("tolerance") : 2 * result.expected + round_off;
    result.smallest_visible_defect = std::max(0.0, *result.tolerance - result.value);
    result.defect_unit = "the statistic itself";
    result.agree = result.value <= *result.tolerance;
  } else {
    // With pooling, the difference of the two sides is compared with the null law's spread.
    std::vector<double> difference = null_law;
    for (std::size_t b = 0; b < difference.size(); ++b) difference[b] += observed.masses[b] - reference.masses[b];
    result.value = statistic->value(null_law, difference);
    std::optional<Null> null = statistic->null(result.value, null_law, bias);
    if (!null) {
      result.value = statistic->value(reference.masses, observed.masses);
      const auto sampled_side = [&](const SideMasses& side) {
        return side.inverse_size > 0 ? Sampled{null_law, 1 / side.inverse_size, side.variance_ratio}
                                     : Sampled{side.masses, 0, {}};
      };
      Replication replication{sampled_side(observed), sampled_side(reference), {}};
      if (absolute_sum(bias) > 0) replication.biased_law = shifted;
      null = bootstrap(*statistic, result.value, replication, settings.seed, communicator);
    }
    result.expected = null->mean;
    result.deviation = null->deviation;
    result.p_value = std::min(1.0, 2 * std::min(null->upper, null->lower));
    result.smallest_visible_defect = null->smallest_visible_defect;
    if (std::isinf(result.smallest_visible_defect))
      result.note += "too few particles for this statistic: nothing could be seen; ";
  }
  if (absolute_sum(bias) > 0.5) result.note += "discretisation error is large; ";
  auto picture = std::make_shared<Picture>();
  picture->edges = bins.edges();
  picture->expected = reference.masses;
  picture->observed = observed.masses;
  picture->variance_ratio = sampling.variance_ratio;
  picture->count = sampling.inverse_size > 0 ? 1 / sampling.inverse_size : 0;
  result.picture = std::move(picture);
  return result;
}

}  // namespace

void check_check(const CheckSettings& settings) {
  const int d = dimension_of(settings.first), e = dimension_of(settings.second);
  if (d != e) {
    throw ParameterError(
        "compare", fmt::format("{} has {} dimensions, {} has {}", settings.first.name, d, settings.second.name, e));
  }
  if (settings.first.law && settings.second.law && settings.first.law == settings.second.law) {
    throw ParameterError("compare", "a law is compared with itself");
  }
  if (settings.first.name == settings.second.name) {
    throw ParameterError("compare", fmt::format("{} is compared with itself", settings.first.name));
  }
  const bool sampled = settings.first.has_particles() || settings.second.has_particles();
  for (const Side* side : {&settings.first, &settings.second}) {
    if (side->density && !side->density->is_law) {
      throw ParameterError(
          "compare", fmt::format("{} is not a law: its equation gives a function of the starting point", side->name));
    }
    if (side->ensemble && !side->ensemble->snapshots.empty() && side->ensemble->snapshots.front().total == 0) {
      throw ParameterError("compare", fmt::format("{} has no particles", side->name));
    }
    if (!side->law) continue;
    const laws::Capabilities can = side->law->capabilities();
    if (!can.cell_masses && !sampled) {
      throw ParameterError(
          "compare",
          fmt::format("{} has no cell masses (it has no density), which a comparison without particles needs",
                      side->name));
    }
    if (!can.cell_masses && !can.sample)
      throw ParameterError("compare", fmt::format("{} has neither cell masses nor samples", side->name));
  }
  if (settings.parameters.has("tolerance") && sampled) {
    throw ParameterError("tolerance",
                         "a comparison with particles is judged by its law under agreement and takes no tolerance");
  }
  for (const Parameters& statistic : settings.parameters.children("by")) {
    if (const IntervalStatistic* interval = interval_statistic(statistic)) {
      interval->check(settings, statistic);
      continue;
    }
    const StatisticFactory& factory = factory_of(statistic);
    if (d > factory.highest_dimension) {
      throw ParameterError("by", fmt::format("'{}' compares laws in up to {} dimensions, not {}", statistic.kind(),
                                             factory.highest_dimension, d));
    }
  }
}

void check_times(const CheckSettings& settings) {
  for (const Parameters& statistic : settings.parameters.children("by")) {
    const IntervalStatistic* interval = interval_statistic(statistic);
    if (interval && !interval->from_start && settings.times.size() < 2) {
      throw ParameterError("at", fmt::format("'{}' compares what happened between two times, found {}",
                                             statistic.kind(), settings.times.size()));
    }
  }
}

std::vector<Result> run_check(const CheckSettings& settings, const parallel::Communicator& communicator) {
  std::vector<Result> results;
  const auto keep = [&](Result result) {
    require_finite(result);
    results.push_back(std::move(result));
  };
  for (std::size_t i = 0; i < settings.times.size(); ++i) {
    for (const Parameters& statistic : settings.parameters.children("by")) {
      const IntervalStatistic* interval = interval_statistic(statistic);
      if (!interval) {
        keep(compare(settings, statistic, settings.times[i], communicator));
      } else if (i > 0 || (interval->from_start && settings.times[0] > 0)) {
        const double from = i > 0 ? settings.times[i - 1] : 0;
        for (Result& result : interval->evaluate(settings, statistic, from, settings.times[i], communicator)) {
          label(result, settings, statistic, settings.times[i]);
          keep(std::move(result));
        }
      }
    }
  }
  return results;
}

void judge(std::vector<Result>& results, double false_alarm_rate) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i].p_value) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return *results[a].p_value < *results[b].p_value; });
  double adjusted = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    Result& result = results[order[i]];
    adjusted = std::max(adjusted, std::min(1.0, static_cast<double>(order.size() - i) * *result.p_value));
    result.adjusted_p = adjusted;
    result.agree = adjusted >= false_alarm_rate;
  }
}

}  // namespace fortet::comparisons
