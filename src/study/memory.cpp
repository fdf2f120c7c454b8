// How much memory a study will need.
#include "fortet/parallel/memory.hpp"

#include "fortet/base/progress.hpp"
#include "fortet/networks/network.hpp"
#include "fortet/parallel/threads.hpp"
#include "fortet/study/study.hpp"

namespace fortet::study {

namespace {

constexpr double bytes_of_number = sizeof(double);
constexpr double program = 60e6;  // of a rank that computes nothing: MPI, PETSc, HDF5 and their code

double integer_of(const Parameters& parameters, const char* key) {
  return parameters.has(key) ? static_cast<double>(parameters.integer(key)) : 0;
}

/// Records of the followed particles: gathered on every rank, where there are two copies for a moment.
double trajectory_bytes(const Parameters& parameters, double dimension) {
  if (!parameters.has("trajectories")) return 0;
  const Parameters trajectories = parameters.child("trajectories");
  const double records = integer_of(parameters, "steps") / integer_of(trajectories, "every") + 1;
  return bytes_of_number * records * integer_of(trajectories, "particles") * dimension;
}

Study::Memory of_ensemble(const ensembles::EnsembleSettings& settings, bool has_budget) {
  const Parameters& p = settings.parameters;
  const double d = settings.process->dimension(), particles = static_cast<double>(settings.particles),
               times = static_cast<double>(settings.at.size());
  const auto sides = static_cast<double>(ensembles::absorbing_sides(settings.walls).size());
  const double carried = sides > 0 ? 1 + sides : 0;  // a weight, and what each side took
  Study::Memory memory;
  const bool twice = has_budget && ensembles::has_step_error(settings);
  memory.kept.shared_out =
      bytes_of_number * particles * times * (d + carried + p.boolean("log_density")) * (twice ? 2 : 1);
  const double time_grid = 112 * integer_of(p, "steps");  // a step with the list of its parts
  memory.kept.per_rank = trajectory_bytes(p, d);
  memory.working.per_rank = time_grid;
  memory.working.shared_out = bytes_of_number * particles * p.boolean("path_energy");
  memory.working.per_rank += memory.kept.per_rank;
  return memory;
}

/// `has_budget`: its companions are solved too; `has_field`: others read its score.
Study::Memory of_density(const densities::DensitySettings& settings, const densities::DensityPlan& plan,
                         bool has_budget, bool has_field) {
  const double times = static_cast<double>(settings.at.size()), snapshots = bytes_of_number * plan.cells * times;
  Study::Memory memory;
  memory.kept.shared_out = snapshots * (has_budget ? 2 : 1);  // with signed errors of all cells
  memory.working.shared_out = plan.bytes - snapshots;
  double fields = 0;
  for (const std::string& field : settings.parameters.texts("store")) fields += field != "density";
  // As measured: the current or velocity of a snapshot, with what they are computed from, and what the file still holds
  // of the one before.
  const double writing =
      fields > 0 ? bytes_of_number * plan.cells * (9 + 2 * settings.grid->dimension() + 4 * fields) : 0;
  memory.working.shared_out = std::max(memory.working.shared_out, writing - bytes_of_number * plan.cells);
  if (has_budget) {  // the companions' snapshots, and the one that is solved on a finer grid in one dimension
    const double companion = settings.grid->can_be_coarsened() && settings.grid->dimension() > 1 ? 0.25 : 2;
    memory.working.shared_out = std::max(1.0, companion) * memory.working.shared_out + snapshots * (1 + companion);
  }
  if (has_field) memory.kept.per_node = snapshots;
  memory.kept.per_rank = bytes_of_number * plan.steps;  // the times of the steps taken
  return memory;
}

Study::Memory of_bridge(const Parameters& p, const densities::Grid& grid, double times, bool has_flow) {
  const double bytes = bytes_of_number * static_cast<double>(grid.cell_count()), d = grid.dimension();
  Study::Memory memory;
  memory.kept.shared_out = bytes * (times + 4);
  if (p.has("intervals")) {  // of space and time: mass, flow along each axis, their duals and extrapolations
    const double slices = integer_of(p, "intervals") + 1;
    memory.working.shared_out = bytes * slices * (3 * d + 6);
    memory.kept.shared_out += bytes * slices * d;  // velocity of the faces, also as a field
    memory.kept.per_node = bytes * slices * d;
  } else {
    const double slices = integer_of(p, "slices") + times;
    memory.working.shared_out = bytes * (16 + 2 * d);
    (p.text("slices_on") == "disk" ? memory.disk_per_node : memory.kept.per_node) =
        bytes * slices * (has_flow ? 2 : 1);  // that fields read
  }
  return memory;
}

Study::Memory of_model(const Parameters& p, const training::Model& model) {
  Study::Memory memory;
  const double d = model.dimension();
  if (p.has("network")) {
    const networks::Architecture network =
        networks::make_architecture(p.child("network"), model.dimension(), model.dimension());
    const double real = network.precision == "double" ? sizeof(double) : sizeof(float);
    const double weights = real * static_cast<double>(model.parameter_count());
    double widths = 4 * d + network.time_count;
    for (const int width : network.hidden) widths += width;
    memory.kept.per_rank = 6 * weights;  // trained and published ones, moments, those of the start and the best
    memory.working.shared_out = weights * model.shards();
    const double shard = std::ceil(integer_of(p, "batch") / model.shards());
    memory.working.per_rank = weights + real * 8 * widths * shard * parallel::thread_count();
  }
  // Simulated pairs, or whole paths of two directions, are gathered on every rank that draws batches from them.
  const double points = p.kind().starts_with("dsb_") ? integer_of(p, "pair_steps") + 1 : 2;
  memory.working.per_rank += 2 * bytes_of_number * integer_of(p, "pairs") * points * d;
  return memory;
}

}  // namespace

std::vector<Study::Memory> Study::memory() const {
  std::vector<Memory> all;
  const auto has_budget = [&](const std::string& object, const Parameters& parameters) {
    return parameters.boolean("error_budget") && is_compared(object);
  };
  constexpr double worth_telling = 1e6;
  for (const std::string& object : order_) {
    const auto [section, name] = Target(object);
    const Parameters& parameters = *deck_.find(section, name);
    if (section == "laws") {
      const double bytes = laws_.at(name)->bytes();
      if (bytes < worth_telling) continue;
      all.emplace_back();
      all.back().kept.per_rank = bytes;  // more than the table of a file while it is read
    } else if (section == "grids") {
      double edges = 0;
      const densities::Grid& grid = *grids_.at(name);
      for (int k = 0; k < grid.dimension(); ++k) edges += static_cast<double>(grid.cells(k));
      if (2 * bytes_of_number * edges < worth_telling) continue;
      all.emplace_back();
      all.back().kept.per_rank = 2 * bytes_of_number * edges;  // edges and centres
      all.back().working.per_rank = bytes_of_number * edges;
    } else if (section == "densities") {
      const densities::DensitySettings& settings = densities_.at(name);
      const std::string equation = parameters.text("equation");
      const bool is_law = equation == "forward" || equation == "stationary";
      all.push_back(of_density(settings, density_plans_.at(name), is_law && has_budget(object, parameters),
                               deferred_.contains(name)));
    } else if (section == "ensembles") {
      all.push_back(of_ensemble(ensembles_.at(name), has_budget(object, parameters)));
    } else if (section == "bridges") {
      const bool has_flow = std::any_of(processes_.begin(), processes_.end(), [&, &bridge = name](const auto& process) {
        const Parameters& p = *deck_.find("processes", process.first);
        return p.kind() == "bridge" && p.text("of") == bridge && p.boolean("flow");
      });
      all.push_back(of_bridge(parameters, *grids_.at(parameters.text("grid")),
                              static_cast<double>(bridge_times_.at(name).size()), has_flow));
    } else if (section == "models") {
      all.push_back(of_model(parameters, *models_.at(name)));
    } else {
      continue;
    }
    all.back().object = object;
  }
  return all;
}

double Study::most_memory(int ranks, int nodes) const {
  double kept = ranks * program, most = 0;
  for (const Memory& one : memory()) {
    most = std::max(most, kept + one.kept.total(ranks, nodes) + one.working.total(ranks, nodes));
    kept += one.kept.total(ranks, nodes);
  }
  return std::max(most, kept);
}

void Study::require_memory() const {
  const parallel::Machine machine = parallel::machine_of(communicator_);
  const int ranks = communicator_.size(), nodes = machine.nodes;
  const double needed = most_memory(ranks, nodes);
  if (needed <= machine.memory) return;
  std::vector<std::pair<double, std::string>> objects;
  for (const Memory& one : memory())
    objects.emplace_back(one.kept.total(ranks, nodes) + one.working.total(ranks, nodes), one.object);
  std::sort(objects.rbegin(), objects.rend());
  std::vector<std::string> largest;
  for (std::size_t i = 0; i < std::min<std::size_t>(objects.size(), 3); ++i)
    largest.push_back(fmt::format("{} about {}", objects[i].second, bytes_text(objects[i].first)));
  throw UsageError(fmt::format(
      "this study needs about {} of memory, and the {} has {}: {}. Take more nodes, or fewer cells, particles or "
      "times\n"
      "nothing was computed\n",
      bytes_text(needed), nodes == 1 ? std::string("machine") : fmt::format("allocation of {} nodes", nodes),
      bytes_text(machine.memory), fmt::join(largest, ", ")));
}

}  // namespace fortet::study
