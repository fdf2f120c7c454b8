#include "samples.hpp"

#include "../side_masses.hpp"

namespace fortet::comparisons {
namespace {

/// The n particles from id `first` on, on every rank.
PointArray particles(const Side& side, double time, std::int64_t first, Index n,
                     const parallel::Communicator& communicator) {
  require_particles(side, time, communicator);
  const ensembles::Snapshot& snapshot = snapshot_at(*side.ensemble, time);
  const Index size = snapshot.positions.size(), begin = std::clamp<Index>(first - snapshot.first, 0, size),
              end = std::clamp<Index>(first + n - snapshot.first, 0, size);
  PointArray result(n, snapshot.positions.dimension());
  for (int k = 0; k < result.dimension(); ++k) {
    const std::vector<double> all = communicator.gather_all(std::span<const double>(
        snapshot.positions.view().coordinate(k) + begin, static_cast<std::size_t>(end - begin)));
    std::copy(all.begin(), all.end(), result.view().coordinate(k));
  }
  return result;
}

void require_equal_weights(const Side& side, const std::string& key) {
  for (const ensembles::Snapshot& snapshot : side.ensemble->snapshots) {
    if (snapshot.total == 0) throw ParameterError(key, fmt::format("{} has no particles", side.name));
    if (snapshot.weights.empty()) continue;
    throw ParameterError(key, fmt::format("{} carries weights of survival: distances between samples take particles of "
                                          "equal weight",
                                          side.name));
  }
}

int dimension_of(const Side& side) { return side.law ? side.law->dimension() : side.ensemble->process->dimension(); }

struct Sides {
  Side of, against;
  laws::LawPtr law;  ///< whose floor is known
};

Sides sides_of(const Parameters& parameters, const MeasureContext& context) {
  Sides sides{context.side(parameters.text("of")), context.side(parameters.text("against")), nullptr};
  sides.law = sides.against.law ? sides.against.law : sides.of.law;
  return sides;
}

}  // namespace

std::vector<Parameter> sample_parameters() {
  return {required("of", {Type::reference}, "Ensemble or law that is measured"),
          required("against", {Type::reference}, "Law or ensemble it should agree with"),
          optional("at", {Type::reals}, "Times of the ensembles; default: the last").nonnegative(),
          defaulted("points", {Type::integer}, 10000, "Points of each sample, at most; the first particles by id")
              .between(1, 100000),
          defaulted("samples", {Type::integer}, 1,
                    "The distance is the mean over so many samples; those of an ensemble share its particles")
              .between(1, 10000),
          defaulted("floor_samples", {Type::integer}, 3,
                    "The floor is the mean over so many pairs of independent samples of the law; 0: no floor")
              .between(0, 1000)};
}

void check_samples(const Parameters& parameters, const MeasureContext& context) {
  const Sides sides = sides_of(parameters, context);
  for (const auto& [key, side] : {std::pair{"of", &sides.of}, std::pair{"against", &sides.against}}) {
    if (!side->law && !side->ensemble)
      throw ParameterError(key, fmt::format("expected a law or an ensemble, found {}", side->name));
    if (side->ensemble) require_equal_weights(*side, key);
    if (side->law && !side->law->capabilities().sample)
      throw ParameterError(key, fmt::format("{} cannot be sampled", side->name));
  }
  if (dimension_of(sides.of) != dimension_of(sides.against)) {
    throw ParameterError("against", fmt::format("{} has {} dimensions, {} has {}", sides.against.name,
                                                dimension_of(sides.against), sides.of.name, dimension_of(sides.of)));
  }
}

PointArray law_samples(const laws::Law& law, Index n, std::uint64_t seed, const std::string& name) {
  PointArray result(n, law.dimension());
  const parallel::Stream stream(seed, parallel::Purpose::law_sample, name);
  for (Index begin = 0; begin < n; begin += block_size)
    law.sample(stream, begin, result.view().slice(begin, std::min<Index>(block_size, n - begin)));
  return result;
}

std::vector<double> shared_out(const std::vector<std::function<double()>>& jobs,
                               const parallel::Communicator& communicator) {
  std::vector<double> values(jobs.size());
  const std::size_t ranks = static_cast<std::size_t>(communicator.size());
  parallel::together(communicator, [&] {
    for (std::size_t k = static_cast<std::size_t>(communicator.rank()); k < jobs.size(); k += ranks)
      values[k] = jobs[k]();
  });
  for (std::size_t k = 0; k < jobs.size(); ++k)
    communicator.broadcast(std::span<double>(&values[k], 1), static_cast<int>(k % ranks));
  return values;
}

std::vector<Measurement> measure_samples(const Parameters& parameters, const MeasureContext& context,
                                         const std::string& quantity, const SampleDistance& distance,
                                         const parallel::Communicator& communicator) {
  const Sides sides = sides_of(parameters, context);
  const auto last_time = [](const Side& side) { return side.ensemble ? side.ensemble->snapshots.back().time : 0.0; };
  std::vector<std::optional<double>> times{std::nullopt};
  if (parameters.has("at")) {
    const std::vector<double> at = parameters.reals("at");
    times.assign(at.begin(), at.end());
  }
  const long samples = parameters.integer("samples");
  Index n = parameters.integer("points");
  for (const Side* side : {&sides.of, &sides.against}) {
    if (side->ensemble) n = std::min<Index>(n, side->ensemble->snapshots.back().total / samples);
  }
  const std::string& name = parameters.name();
  const auto sample = [&](const Side& side, const std::optional<double>& time, const std::string& which, long s) {
    return side.law ? law_samples(*side.law, n, context.seed, name + which + (s > 0 ? fmt::format(" {}", s) : ""))
                    : particles(side, time.value_or(last_time(side)), s * n, n, communicator);
  };

  // Samples of particles are gathered by all ranks together; the distances are then shared out.
  std::vector<std::pair<PointArray, PointArray>> pairs;
  for (const auto& time : times) {
    for (long s = 0; s < samples; ++s)
      pairs.emplace_back(sample(sides.of, time, ":of", s), sample(sides.against, time, ":against", s));
  }
  std::vector<std::function<double()>> jobs;
  for (const auto& pair : pairs) jobs.push_back([&] { return distance(pair.first, pair.second, name); });
  const long repetitions = sides.law ? parameters.integer("floor_samples") : 0;
  for (long r = 0; r < repetitions; ++r) {
    jobs.push_back([&, r] {
      return distance(law_samples(*sides.law, n, context.seed, fmt::format("{}:floor {}", name, 2 * r)),
                      law_samples(*sides.law, n, context.seed, fmt::format("{}:floor {}", name, 2 * r + 1)), name);
    });
  }
  const std::vector<double> values = shared_out(jobs, communicator);

  Measurement common;
  common.quantity = quantity;
  common.note = samples > 1 ? fmt::format("{} x {} points", samples, n) : fmt::format("{} points", n);
  if (repetitions > 0) {
    const std::span<const double> floors = std::span(values).subspan(pairs.size());
    const double mean = std::accumulate(floors.begin(), floors.end(), 0.0) / static_cast<double>(repetitions);
    common.floor = mean;
    if (repetitions > 1) {
      double square = 0;
      for (const double floor : floors) square += (floor - mean) * (floor - mean);
      common.floor_deviation = std::sqrt(square / static_cast<double>(repetitions - 1));
    }
  } else if (!sides.law) {
    common.note += "; no floor: neither side is a law that could be sampled again";
  }
  std::vector<Measurement> result(times.size(), common);
  for (std::size_t i = 0; i < times.size(); ++i) {
    result[i].time = times[i].value_or(std::max(last_time(sides.of), last_time(sides.against)));
    const auto own = values.begin() + static_cast<std::ptrdiff_t>(i) * samples;
    result[i].value = std::accumulate(own, own + samples, 0.0) / static_cast<double>(samples);
  }
  return result;
}

}  // namespace fortet::comparisons
