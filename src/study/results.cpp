#include "fortet/study/results.hpp"

#include <omp.h>
#include <yaml-cpp/yaml.h>

#include <ctime>

#include "fortet/io/hdf5_file.hpp"
#include "fortet/parallel/memory.hpp"
#include "output_folder.hpp"
#include "xdmf.hpp"

namespace fortet::study {

namespace {

void emit(YAML::Emitter& out, const Json& value) {
  if (value.is_object()) {
    out << YAML::BeginMap;
    for (const auto& [key, entry] : value.items()) {
      out << YAML::Key << key << YAML::Value;
      emit(out, entry);
    }
    out << YAML::EndMap;
  } else if (value.is_array()) {
    const bool flat = std::none_of(value.begin(), value.end(), [](const Json& v) { return v.is_object(); });
    if (flat) out << YAML::Flow;
    out << YAML::BeginSeq;
    for (const Json& entry : value) emit(out, entry);
    out << YAML::EndSeq;
  } else if (value.is_string()) {
    out << YAML::DoubleQuoted << value.get<std::string>();
  } else if (value.is_boolean()) {
    out << value.get<bool>();
  } else if (value.is_number_integer()) {
    out << value.get<long>();
  } else if (value.is_number()) {
    out << fmt::format("{}", value.get<double>());
  } else {
    out << YAML::Null;
  }
}

std::string yaml_text(const Json& value) {
  YAML::Emitter out;
  emit(out, value);
  return std::string(out.c_str()) + "\n";
}

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json to_json(const comparisons::Result& result) {
  Json budget = Json::object();
  for (const auto& [source, error] : result.budget) budget[source] = error;
  return Json{{"name", result.check},
              {"first", result.first},
              {"second", result.second},
              {"statistic", result.statistic},
              {"time", result.time},
              {"value", result.value},
              {"expected", number_or_null(result.expected)},
              {"deviation", number_or_null(result.deviation)},
              {"p_value", result.p_value ? Json(*result.p_value) : Json(nullptr)},
              {"adjusted_p_value", result.adjusted_p ? Json(*result.adjusted_p) : Json(nullptr)},
              {"tolerance", result.tolerance ? Json(*result.tolerance) : Json(nullptr)},
              {"smallest_visible_defect", number_or_null(result.smallest_visible_defect)},
              {"defect_unit", result.defect_unit},
              {"budget", budget},
              {"dominating", result.dominating},
              {"note", result.note},
              {"verdict", result.agree ? "agree" : "disagree"}};
}

Json to_json(const comparisons::Measurement& one) {
  const auto optional_number = [](const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); };
  return Json{{"name", one.measure},
              {"quantity", one.quantity},
              {"time", one.time},
              {"value", number_or_null(one.value)},
              {"floor", optional_number(one.floor)},
              {"floor_deviation", optional_number(one.floor_deviation)},
              {"published", optional_number(one.published)},
              {"published_deviation", optional_number(one.published_deviation)},
              {"note", one.note}};
}

/// Dataset shape of cell values: slowest axis first.
std::vector<std::uint64_t> cell_shape(const densities::Grid& grid) {
  std::vector<std::uint64_t> shape;
  for (int k = grid.dimension() - 1; k >= 0; --k) shape.push_back(static_cast<std::uint64_t>(grid.cells(k)));
  return shape;
}

/// Vectors with three components each (ParaView's), slowest cell axis first.
std::vector<double> interleaved(const PointArray& values) {
  std::vector<double> result(static_cast<std::size_t>(values.size()) * 3, 0.0);
  for (Index i = 0; i < values.size(); ++i) {
    for (int k = 0; k < values.dimension(); ++k) result[3 * i + k] = values(i, k);
  }
  return result;
}

/// `section`: "densities" or "bridges"; `stored`: further fields to be written.
void write_density(io::Hdf5File& file, Xdmf& xdmf, const densities::DensityPath& path, const std::string& section,
                   const std::string& equation, const std::vector<std::string>& stored) {
  const densities::Grid& grid = *path.grid;
  const std::string base = "/" + section + "/" + path.name;
  for (int k = 0; k < grid.dimension(); ++k) {
    file.write(fmt::format("{}/grid/edges_{}", base, k), {grid.edges(k).size()}, grid.edges(k));
  }
  const std::vector<std::uint64_t> shape = cell_shape(grid);
  std::vector<std::uint64_t> vector_shape = shape;
  vector_shape.push_back(3);
  const std::uint64_t begin = static_cast<std::uint64_t>(grid.slab().begin),
                      rows = static_cast<std::uint64_t>(grid.slab().size());
  const auto stores = [&](const char* what) {
    return path.is_law && std::find(stored.begin(), stored.end(), what) != stored.end();
  };
  for (std::size_t i = 0; i < path.snapshots.size(); ++i) {
    const densities::Snapshot& snapshot = path.snapshots[i];
    const std::string group = fmt::format("{}/{:04d}", base, i);
    file.write_rows(group + "/density", shape, begin, rows, snapshot.values);
    std::vector<std::string> vectors;
    for (const char* field : {"velocity", "current"}) {
      if (!stores(field)) continue;
      const PointArray values = vectors.emplace_back(field) == "velocity" ? densities::velocity(path, snapshot)
                                                                          : densities::current(path, snapshot);
      file.write_rows(group + "/" + field, vector_shape, begin, rows, interleaved(values));
    }
    file.attribute(group, "time", snapshot.time);
    xdmf.add_cells(path.name, snapshot.time, grid, base, group, vectors);
  }
  file.attribute(base, "equation", equation);
  for (const auto& [name, value] : path.quantities) file.attribute(base, name, value);
  for (const densities::BoxBalance& balance : path.boxes) {
    const std::string group = base + "/boxes/" + balance.box.name;
    std::vector<double> lower, upper;
    for (int k = 0; k < grid.dimension(); ++k) {
      lower.push_back(grid.edges(k)[balance.box.first[k]]);
      upper.push_back(grid.edges(k)[balance.box.last[k]]);
    }
    file.write(group + "/lower", {lower.size()}, lower);
    file.write(group + "/upper", {upper.size()}, upper);
    file.write(group + "/mass", {balance.mass.size()}, balance.mass);
    file.write(group + "/outflow", {balance.outflow.size()}, balance.outflow);
    file.write(group + "/outflow_error", {balance.outflow_error.size()}, balance.outflow_error);
  }
  const auto series = [&](const std::string& name, const std::function<double(const densities::Diagnostics&)>& get) {
    std::vector<double> values;
    for (const densities::Diagnostics& d : path.diagnostics) values.push_back(get(d));
    file.write(base + "/diagnostics/" + name, {values.size()}, values);
  };
  if (path.diagnostics.empty()) return;
  series("time", [](const auto& d) { return d.time; });
  series("mass", [](const auto& d) { return d.mass; });
  series("entropy", [](const auto& d) { return d.entropy; });
  series("kinetic_energy", [](const auto& d) { return d.kinetic_energy; });
  series("action", [](const auto& d) { return d.action; });
  series("boundary_mass", [](const auto& d) { return d.boundary_mass; });
  series("smallest", [](const auto& d) { return d.smallest; });
  series("reference_kl", [](const auto& d) { return d.reference_kl; });
  for (int k = 0; k < grid.dimension(); ++k) {
    for (int side = 0; side < 2; ++side) {
      if (grid.boundary(k, side) != densities::Boundary::absorbing &&
          grid.boundary(k, side) != densities::Boundary::outflow)
        continue;
      const std::string suffix = fmt::format("_{}_{}", k, side == 0 ? "lower" : "upper");
      series("absorbed" + suffix, [&](const auto& d) { return d.absorbed.empty() ? 0.0 : d.absorbed[k][side]; });
      if (!path.diagnostics.front().absorbed_error.empty())
        series("absorbed_error" + suffix, [&](const auto& d) { return d.absorbed_error[k][side]; });
      series("flux" + suffix, [&](const auto& d) { return d.flux.empty() ? 0.0 : d.flux[k][side]; });
    }
  }
}

void write_ensemble(io::Hdf5File& file, Xdmf& xdmf, const ensembles::EnsemblePath& path, std::int64_t store,
                    const parallel::Communicator& communicator) {
  const std::string base = "/ensembles/" + path.name;
  for (std::size_t s = 0; s < path.exits.sides.size(); ++s) {
    const auto [axis, side] = path.exits.sides[s];
    if (s == 0) file.write(base + "/exits/edges", {path.exits.edges.size()}, path.exits.edges);
    const std::vector<double>& masses = path.exits.masses[s];
    file.write(base + fmt::format("/exits/{}_{}", axis, side == 0 ? "lower" : "upper"), {masses.size()}, masses);
  }
  for (std::size_t i = 0; i < path.snapshots.size(); ++i) {
    const ensembles::Snapshot& snapshot = path.snapshots[i];
    const std::string group = fmt::format("{}/{:04d}", base, i);
    const std::int64_t total = std::min(store, snapshot.total), d = snapshot.positions.dimension();
    const std::int64_t begin = std::min(snapshot.first, total),
                       end = std::min<std::int64_t>(snapshot.first + snapshot.positions.size(), total);
    std::vector<double> rows(static_cast<std::size_t>((end - begin) * d));
    for (std::int64_t p = begin; p < end; ++p) {
      for (std::int64_t k = 0; k < d; ++k)
        rows[(p - begin) * d + k] = snapshot.positions(p - snapshot.first, static_cast<int>(k));
    }
    const auto size = static_cast<std::uint64_t>(total), first = static_cast<std::uint64_t>(begin),
               count = static_cast<std::uint64_t>(end - begin);
    file.write_rows(group + "/positions", {size, static_cast<std::uint64_t>(d)}, first, count, rows);
    const auto scalars = [&](const std::string& name, const std::vector<double>& values, bool present) {
      if (present) file.write_rows(group + "/" + name, {size}, first, count, std::span(values).first(count));
    };
    scalars("weights", snapshot.weights, communicator.any(!snapshot.weights.empty()));
    scalars("log_density", snapshot.log_density, communicator.any(!snapshot.log_density.empty()));
    file.attribute(group, "time", snapshot.time);
    file.attribute(group, "particles", static_cast<double>(snapshot.total));
    xdmf.add_points(path.name, snapshot.time, total, d, group);
  }
  const ensembles::Trajectories& trajectories = path.trajectories;
  if (trajectories.count > 0) {
    const std::uint64_t steps = trajectories.times.size(), count = static_cast<std::uint64_t>(trajectories.count);
    file.write(base + "/trajectories/times", {steps}, trajectories.times);
    file.write(base + "/trajectories/positions", {steps, count, static_cast<std::uint64_t>(trajectories.dimension)},
               trajectories.values);
  }
}

/// Potentials and joint law of a bridge, where they were asked for.
void write_coupling(io::Hdf5File& file, const bridges::BridgePath& path) {
  const densities::Grid& grid = *path.law.grid;
  const std::string base = "/bridges/" + path.law.name;
  const auto begin = static_cast<std::uint64_t>(grid.slab().begin),
             rows = static_cast<std::uint64_t>(grid.slab().size());
  const std::vector<std::uint64_t> shape = cell_shape(grid);
  for (std::size_t i = 0; i < path.log_phi.size(); ++i) {
    const std::string group = fmt::format("{}/{:04d}", base, i);
    file.write_rows(group + "/log_phi", shape, begin, rows, path.log_phi[i].values);
    file.write_rows(group + "/log_hat", shape, begin, rows, path.log_hat[i].values);
  }
  for (std::size_t b = 0; b < path.coupling.masses.size(); ++b) {
    file.write_rows(fmt::format("{}/coupling/{:06d}", base, b), shape, begin, rows, path.coupling.masses[b]);
  }
  if (!path.coupling.boxes.empty()) {
    const std::vector<std::int64_t> boxes(path.coupling.boxes.begin(), path.coupling.boxes.end());
    file.integers_attribute(base + "/coupling", "boxes", boxes);
  }
}

void write_pictures(io::Hdf5File& file, const std::vector<comparisons::Result>& results) {
  for (std::size_t i = 0; i < results.size(); ++i) {
    const comparisons::Result& result = results[i];
    if (!result.picture) continue;
    const std::string group = fmt::format("/checks/{:04d}", i);
    for (std::size_t k = 0; k < result.picture->edges.size(); ++k) {
      file.write(fmt::format("{}/edges_{}", group, k), {result.picture->edges[k].size()}, result.picture->edges[k]);
    }
    file.write(group + "/expected", {result.picture->expected.size()}, result.picture->expected);
    file.write(group + "/observed", {result.picture->observed.size()}, result.picture->observed);
    const std::vector<double>& ratio = result.picture->variance_ratio;
    if (!ratio.empty()) file.write(group + "/variance_ratio", {ratio.size()}, ratio);
    file.attribute(group, "statistic", result.statistic);
    file.attribute(group, "first", result.first);
    file.attribute(group, "second", result.second);
    file.attribute(group, "time", result.time);
    file.attribute(group, "count", result.picture->count);
  }
}

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  return text;
}

}  // namespace

void write_deck(const Deck& deck, OutputFolder& folder) {
  folder.write("deck.yaml", deck.document.text);
  folder.write("resolved.yaml", yaml_text(deck.resolved));
}

namespace {
std::string verdict_of(const Study::Outcome& outcome) {
  if (!outcome.failures.empty()) return "failed";
  return outcome.checks.empty() ? "no checks" : outcome.agrees() ? "agree" : "disagree";
}
}  // namespace

void write_results(const Study& study, const Study::Outcome& outcome, OutputFolder& folder,
                   const Provenance& provenance, const parallel::Communicator& communicator) {
  Xdmf xdmf("study.h5");
  io::Hdf5File file(communicator, (folder.path() / "study.h5").string(), io::Hdf5File::Mode::create);
  file.attribute("/", "file_type", "fortet study");
  file.attribute("/", "format_major", format_major);
  file.attribute("/", "format_minor", format_minor);
  file.attribute("/", "title", study.deck().title);
  file.attribute("/", "seed", static_cast<double>(study.deck().seed));
  for (const auto& [name, path] : outcome.densities)
    write_density(file, xdmf, path, "densities", study.deck().find("densities", name)->text("equation"),
                  study.deck().find("densities", name)->texts("store"));
  for (const auto& [name, path] : outcome.bridges) {
    write_density(file, xdmf, path.law, "bridges", "forward", {});
    write_coupling(file, path);
  }
  for (const auto& [name, path] : outcome.ensembles) {
    write_ensemble(file, xdmf, path, study.deck().find("ensembles", name)->integer("store"), communicator);
  }
  write_pictures(file, outcome.checks);
  file.close();
  folder.write("study.xdmf", xdmf.text());

  Json results{{"format", fmt::format("{}.{}", format_major, format_minor)},
               {"study", study.deck().title},
               {"false_alarm_rate", study.deck().resolved.at("false_alarm_rate")},
               {"verdict", verdict_of(outcome)},
               {"failed", Json::array()},
               {"quantities", Json::object()},
               {"quantity_errors", Json::object()},
               {"notes", Json::object()},
               {"measures", Json::array()},
               {"checks", Json::array()}};
  for (const auto& [name, path] : outcome.densities) {
    if (!path.quantities.empty()) results["quantities"]["densities." + name] = path.quantities;
    if (!path.quantity_errors.empty()) results["quantity_errors"]["densities." + name] = path.quantity_errors;
    if (!path.notes.empty()) results["notes"]["densities." + name] = path.notes;
  }
  for (const auto& [object, notes] : outcome.notes) results["notes"][object] = notes;
  for (const auto& [name, path] : outcome.bridges) results["quantities"]["bridges." + name] = path.quantities;
  for (const comparisons::Measurement& one : outcome.measurements) results["measures"].push_back(to_json(one));
  for (const comparisons::Result& result : outcome.checks) results["checks"].push_back(to_json(result));
  for (const Study::Failure& failure : outcome.failures) {
    results["failed"].push_back(
        Json{{"object", failure.object}, {"message", failure.message}, {"exit_code", static_cast<int>(failure.code)}});
  }
  if (!provenance.petsc_options.empty()) results["petsc_options"] = provenance.petsc_options;
  if (!provenance.unused_petsc_options.empty()) {
    results["notes"]["petsc_options"] =
        Json{fmt::format("nothing has read {}", fmt::join(provenance.unused_petsc_options, ", "))};
  }
  folder.write("results.json", results.dump(1) + "\n");

  const parallel::HighWater memory = parallel::memory_high_water(communicator);
  const parallel::Machine machine = parallel::machine_of(communicator);
  Json work = Json::object();
  for (const auto& [name, path] : outcome.densities) work["densities." + name] = path.work;
  for (const auto& [name, path] : outcome.ensembles) work["ensembles." + name] = path.work;
  Json seconds_of = Json::object();
  for (const Study::Timing& timing : outcome.timings) {
    seconds_of[timing.object] = Json{{"min", timing.least}, {"mean", timing.mean}, {"max", timing.most}};
  }
  const Json run{{"versions", versions()},
                 {"date", now_text()},
                 {"command_line", provenance.command_line},
                 {"petsc_options", provenance.petsc_options},
                 {"ranks", communicator.size()},
                 {"threads", omp_get_max_threads()},
                 {"seconds", provenance.seconds},
                 {"seconds_of", seconds_of},
                 {"work_of", work},
                 {"memory_per_rank_bytes", {{"min", memory.least}, {"mean", memory.mean}, {"max", memory.most}}},
                 {"memory_planned_bytes", study.most_memory(communicator.size(), machine.nodes)}};
  folder.write("run.json", run.dump(1) + "\n");
}

}  // namespace fortet::study
