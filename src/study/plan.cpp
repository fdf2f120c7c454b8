// What a study will do, for `fortet validate`.
#include "fortet/base/progress.hpp"
#include "fortet/study/study.hpp"

namespace fortet::study {

std::string Study::plan() const {
  std::string text = deck_.title + "\n";
  const int ranks = communicator_.size(), nodes = 1;
  std::map<std::string, std::string> needed;
  double disk = 0;
  for (const Memory& one : memory()) {
    std::string& amount = needed[one.object];
    amount = bytes_text(one.kept.total(ranks, nodes) + one.working.total(ranks, nodes));
    if (one.disk_per_node > 0) amount += fmt::format(" and {} of disk", bytes_text(one.disk_per_node));
    disk += one.disk_per_node;
  }
  for (const std::string& object : order_) {
    const auto [section, name] = Target(object);
    const Parameters& parameters = *deck_.find(section, name);
    std::string what = parameters.kind();
    if (section == "grids") {
      const densities::Grid& grid = *grids_.at(name);
      std::vector<Index> cells;
      for (int k = 0; k < grid.dimension(); ++k) cells.push_back(grid.cells(k));
      what = fmt::format("{} cells", fmt::join(cells, " x "));
    } else if (section == "densities") {
      const densities::DensityPlan& plan = density_plans_.at(name);
      what =
          fmt::format("{:g} unknowns, {} {}", plan.cells, plan.propagator,
                      plan.steps > 0 ? fmt::format("{:g} steps", plan.steps) : std::string("steps chosen on the way"));
    } else if (section == "ensembles") {
      const ensembles::EnsembleSettings& settings = ensembles_.at(name);
      const double count = static_cast<double>(settings.particles);
      const double steps = parameters.has("steps") ? static_cast<double>(parameters.integer("steps")) : 0;
      what = fmt::format(
          "{:g} particles, {}, {}", count, parameters.child("stepper").kind(),
          steps > 0 ? fmt::format("{:g} particle steps", steps * count) : std::string("steps chosen on the way"));
    }
    if (needed.contains(object)) what += ", " + needed.at(object);
    const std::vector<std::string> targets = deck_.targets_of(object);
    text += fmt::format("  {:<28} {}{}\n", object, what,
                        targets.empty() ? "" : fmt::format("  <- {}", fmt::join(targets, ", ")));
  }
  for (const auto& [name, model] : models_) {
    for (const std::string& note : model->notes()) text += fmt::format("  models.{}: note: {}\n", name, note);
  }
  for (const auto& [name, settings] : ensembles_) {
    for (const std::string& note : ensemble_notes(name)) text += fmt::format("  ensembles.{}: note: {}\n", name, note);
  }
  text += fmt::format("  memory: about {} in all on {} rank{}\n", bytes_text(most_memory(ranks, nodes)), ranks,
                      ranks == 1 ? "" : "s");
  if (disk > 0) text += fmt::format("  disk: about {} on every node, as long as the study runs\n", bytes_text(disk));
  for (const auto& [name, plan] : density_plans_) {
    for (const std::string& remark : plan.remarks) text += fmt::format("  remark on densities.{}: {}\n", name, remark);
  }
  for (const PendingCheck& check : checks_) {
    std::vector<std::string> statistics;
    for (const Parameters& statistic : check.settings.parameters.children("by")) statistics.push_back(statistic.kind());
    text += fmt::format("  check {} ~ {} by {} at t = {:g}\n", check.first, check.second, fmt::join(statistics, ", "),
                        fmt::join(check.settings.times, ", "));
  }
  return text;
}

std::vector<std::string> Study::ensemble_notes(const std::string& name) const {
  std::vector<std::string> notes;
  const ensembles::EnsembleSettings& settings = ensembles_.at(name);
  if (!settings.parameters.boolean("log_density")) return notes;
  std::set<std::string> seen;
  const std::function<void(const std::string&)> visit = [&](const std::string& object) {
    if (!seen.insert(object).second) return;
    const Target parts(object);
    if (parts.section == "models") {
      // What a model was trained from moves no particle of this ensemble.
      if (std::string note = models_.at(parts.name)->log_density_note(); !note.empty())
        notes.push_back(std::move(note));
      return;
    }
    for (const std::string& target : deck_.targets_of(object)) visit(target);
  };
  visit("processes." + settings.parameters.text("process"));
  return notes;
}

}  // namespace fortet::study
