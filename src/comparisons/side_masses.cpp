#include "side_masses.hpp"

namespace fortet::comparisons {

const ensembles::Snapshot& snapshot_at(const ensembles::EnsemblePath& path, double time) {
  for (const ensembles::Snapshot& snapshot : path.snapshots) {
    if (std::abs(snapshot.time - time) <= 1e-12 * std::max(1.0, std::abs(time))) return snapshot;
  }
  throw UsageError(fmt::format("ensembles.{} has no particles at t = {}", path.name, time));
}

void require_particles(const Side& side, double time, const parallel::Communicator& communicator) {
  for (const ensembles::EnsemblePath* path : {side.ensemble, side.coarser}) {
    if (!path) continue;
    const ensembles::Snapshot& snapshot = snapshot_at(*path, time);
    if (snapshot.total <= 0) throw UsageError(side.name + " has no particles to compare");
    const ConstPoints x = snapshot.positions;
    std::int64_t faulty = 0;
    for (int k = 0; k < x.dimension(); ++k) {
      faulty += std::count_if(x.coordinate(k), x.coordinate(k) + x.size(),
                              [](double value) { return !std::isfinite(value); });
    }
    faulty += std::count_if(snapshot.weights.begin(), snapshot.weights.end(),
                            [](double weight) { return !(weight >= 0 && weight <= 1); });
    faulty = communicator.sum_count(faulty);
    if (faulty > 0) {
      throw DivergedError(
          fmt::format("{} at t = {}: {} coordinates are not finite or weights not in [0, 1]", side.name, time, faulty));
    }
  }
}

namespace {

SideMasses of_density(const densities::DensityPath& path, double time, const Bins& bins,
                      const parallel::Communicator& communicator) {
  SideMasses result;
  const densities::Snapshot& snapshot = path.at(time);
  const std::vector<double> volumes = path.grid->local_volumes();
  std::vector<double> cell_masses(snapshot.values.size());
  for (std::size_t c = 0; c < cell_masses.size(); ++c) cell_masses[c] = snapshot.values[c] * volumes[c];
  result.masses = bins.masses(path, cell_masses, communicator);
  result.bias.assign(result.masses.size(), 0.0);
  const std::size_t index = static_cast<std::size_t>(&snapshot - path.snapshots.data());
  if (index < path.errors.size()) {
    const densities::DensityPath::ErrorEstimate& error = path.errors[index];
    result.bias = bins.masses(path, error.defect, communicator);
    double inside = 0;
    for (std::size_t b = 0; b + 1 < result.bias.size(); ++b) inside += result.bias[b];
    result.bias.back() = -inside;
    result.budget = {{"space", error.space}, {"time", error.time}, {"boundary", error.boundary}};
  }
  return result;
}

void set_counts(SideMasses& result, const Histogram& histogram) {
  result.inverse_size = 1 / std::max(1.0, histogram.particles);
  for (std::size_t b = 0; b < histogram.weight.size(); ++b) {
    result.masses.push_back(histogram.weight[b] * result.inverse_size);
    if (!histogram.squared_weight.empty()) {
      result.variance_ratio.push_back(histogram.weight[b] > 0 ? histogram.squared_weight[b] / histogram.weight[b] : 1);
    }
  }
  result.bias.assign(result.masses.size(), 0.0);
}

/// Bias of the time step from the same particles with twice the step: for a method of weak order one the difference
/// estimates the bias, for higher orders it bounds it. The particles that changed their bin measure how much of its
/// squared size is noise.
void add_step_bias(SideMasses& result, const Side& side, double time, const Bins& bins,
                   const parallel::Communicator& communicator) {
  const ensembles::Snapshot &fine = snapshot_at(*side.ensemble, time), &coarse = snapshot_at(*side.coarser, time);
  const Histogram histogram = count(bins, coarse, communicator);
  const std::vector<double> changed = moved(bins, fine, coarse, communicator);
  double total = 0, noise = 0;
  std::vector<double> difference(result.masses.size());
  for (std::size_t b = 0; b < difference.size(); ++b) {
    difference[b] = histogram.weight[b] * result.inverse_size - result.masses[b];
    const double scale = std::max(result.masses[b], result.inverse_size);
    total += difference[b] * difference[b] / scale;
    noise += changed[b] * result.inverse_size * result.inverse_size / scale;
  }
  result.bias_noise = noise;
  const double signal = total > noise ? std::sqrt(1 - noise / total) : 0;
  double sum = 0;
  for (std::size_t b = 0; b < difference.size(); ++b) {
    result.bias[b] += difference[b];
    sum += signal * std::abs(difference[b]);
  }
  result.budget["particle_step"] = sum;
}

SideMasses of_law(const Side& side, const Bins& bins, const CheckSettings& settings,
                  const parallel::Communicator& communicator) {
  SideMasses result;
  if (side.law->capabilities().cell_masses) {
    result.masses = bins.masses(*side.law);
    result.bias.assign(result.masses.size(), 0.0);
    return result;
  }
  // No cell masses: as many samples as the other side has particles.
  const Side& other = &side == &settings.first ? settings.second : settings.first;
  ensembles::Snapshot sample;
  sample.total = other.ensemble->snapshots.front().total;
  const parallel::Range own = communicator.share(sample.total);
  sample.first = own.begin;
  sample.positions = PointArray(own.size(), side.law->dimension());
  const parallel::Stream stream(settings.seed, parallel::Purpose::law_sample, side.name + settings.name);
  for (Index begin = 0; begin < own.size(); begin += block_size) {
    const Index size = std::min<Index>(block_size, own.size() - begin);
    side.law->sample(stream, own.begin + begin, sample.positions.view().slice(begin, size));
  }
  set_counts(result, count(bins, sample, communicator));
  result.note = side.name + " was sampled, as it has no cell masses; ";
  return result;
}

}  // namespace

SideMasses side_masses(const Side& side, double time, const Bins& bins, const CheckSettings& settings,
                       const parallel::Communicator& communicator) {
  if (side.density) return of_density(*side.density, time, bins, communicator);
  if (side.law) return of_law(side, bins, settings, communicator);
  SideMasses result;
  set_counts(result, count(bins, snapshot_at(*side.ensemble, time), communicator));
  if (side.coarser) add_step_bias(result, side, time, bins, communicator);
  result.inverse_size *= side.ensemble->stationary_correlation;
  return result;
}

}  // namespace fortet::comparisons
