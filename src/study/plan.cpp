// What a study will do, for `fortet validate`.
#include "fortet/study/study.hpp"

namespace fortet::study {

namespace {
std::string bytes_text(double bytes) {
  const char* units[] = {"B", "kB", "MB", "GB", "TB"};
  int unit = 0;
  for (; bytes >= 1000 && unit < 4; ++unit) bytes /= 1000;
  return fmt::format("{:.3g} {}", bytes, units[unit]);
}
}  // namespace

std::string Study::plan() const {
  std::string text = deck_.title + "\n";
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
          fmt::format("{:g} unknowns, {} {}, {}", plan.cells, plan.propagator,
                      plan.steps > 0 ? fmt::format("{:g} steps", plan.steps) : std::string("steps chosen on the way"),
                      bytes_text(plan.bytes));
    } else if (section == "ensembles") {
      const ensembles::EnsembleSettings& settings = ensembles_.at(name);
      const double count = static_cast<double>(settings.particles), snapshots = static_cast<double>(settings.at.size());
      const double steps = parameters.has("steps") ? static_cast<double>(parameters.integer("steps")) : 0;
      what = fmt::format(
          "{:g} particles, {}, {}, {}", count, parameters.child("stepper").kind(),
          steps > 0 ? fmt::format("{:g} particle steps", steps * count) : std::string("steps chosen on the way"),
          bytes_text(count * settings.process->dimension() * 8 * snapshots));
    }
    const std::vector<std::string> targets = deck_.targets_of(object);
    text += fmt::format("  {:<28} {}{}\n", object, what,
                        targets.empty() ? "" : fmt::format("  <- {}", fmt::join(targets, ", ")));
  }
  for (const PendingCheck& check : checks_) {
    std::vector<std::string> statistics;
    for (const Parameters& statistic : check.settings.parameters.children("by")) statistics.push_back(statistic.kind());
    text += fmt::format("  check {} ~ {} by {} at t = {:g}\n", check.first, check.second, fmt::join(statistics, ", "),
                        fmt::join(check.settings.times, ", "));
  }
  return text;
}

}  // namespace fortet::study
