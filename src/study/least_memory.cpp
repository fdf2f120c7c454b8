// Sizes that a deck asks for, before any of them is allocated.
#include "least_memory.hpp"

#include <sys/resource.h>

#include "fortet/parallel/memory.hpp"

namespace fortet::study {

namespace {

constexpr double bytes_each = sizeof(double);
constexpr double bytes_per_step = 112;  // of an ensemble's time grid: a step with the list of its parts

double count_of(const Parameters& p, const char* key) { return p.has(key) ? static_cast<double>(p.integer(key)) : 0; }
double list_size(const Parameters& p, const char* key) {
  return p.has(key) ? static_cast<double>(p.reals(key).size()) : 1;
}

std::vector<double> cells_of(const Parameters& grid) {
  std::vector<double> cells;
  for (const long n : grid.integers("cells")) cells.push_back(static_cast<double>(n));
  return cells;
}

double cell_count(const Deck& deck, const Parameters& object) {
  const Parameters* const grid = deck.find("grids", object.text("grid"));
  double product = grid ? 1 : 0;
  if (grid) {
    for (const double n : cells_of(*grid)) product *= n;
  }
  return product;
}

/// Numbers of the layers between these widths.
double weights_of(const Parameters& network) {
  double weights = 0, before = 1;
  if (network.has("hidden")) {
    for (const long width : network.integers("hidden")) {
      weights += before * static_cast<double>(width);
      before = static_cast<double>(width);
    }
  }
  return weights + count_of(network, "blocks") * count_of(network, "width") * count_of(network, "width");
}

LeastMemory of_model(const Parameters& p) {
  LeastMemory least;
  if (p.has("network")) least = {0, 6 * sizeof(float) * weights_of(p.child("network")), "network"};
  const double points = count_of(p, "training_points") + count_of(p, "validation_points");
  const double pairs = 2 * count_of(p, "pairs") * (p.kind().starts_with("dsb_") ? count_of(p, "pair_steps") + 1 : 1);
  const auto larger = [&](double bytes, const char* key) {
    if (bytes > least.per_rank) least = {0, bytes, key};
  };
  larger(bytes_each * points, "training_points");
  larger(bytes_each * pairs, "pairs");
  larger(sizeof(float) * count_of(p, "batch") / std::max(1.0, count_of(p, "shards")), "batch");
  return least;
}

/// Of the steps: particles are allocated by the run only, and the plan counts them.
LeastMemory of_ensemble(const Parameters& p) {
  double steps = bytes_per_step * count_of(p, "steps");
  if (p.has("trajectories")) {
    const Parameters kept = p.child("trajectories");
    steps += bytes_each * count_of(p, "steps") / count_of(kept, "every") * count_of(kept, "particles");
  }
  return {0, steps, "steps"};
}

LeastMemory of_measure(const Parameters& p) {
  double numbers = std::max(1.0, count_of(p, "points")) * std::max(1.0, count_of(p, "samples"));
  for (const char* record : {"loop", "line", "circles", "lines"}) {
    if (p.has(record) && p.is_object(record)) {
      const Parameters part = p.child(record);
      numbers =
          std::max(numbers, std::max(1.0, count_of(part, "loops") + count_of(part, "paths")) * count_of(part, "nodes"));
    }
  }
  numbers = std::max(numbers, (count_of(p, "loops") + count_of(p, "paths")) * std::max(1.0, count_of(p, "nodes")));
  return {0, bytes_each * numbers, p.has("points") ? "points" : p.has("nodes") ? "nodes" : ""};
}

}  // namespace

LeastMemory least_memory(const Deck& deck, const std::string& section, const Parameters& p) {
  const double dimension = count_of(p, "dimension");
  if (section == "laws" || section == "processes") {
    const double points = bytes_each * count_of(p, "points"), matrix = bytes_each * dimension * dimension;
    return {0, std::max(points, matrix), points > matrix ? "points" : "dimension"};
  }
  if (section == "grids") {
    double all = 0;
    for (const double n : cells_of(p)) all += n;
    return {0, 3 * bytes_each * all, "cells"};  // edges, centres and one more while they are made
  }
  if (section == "densities") {
    return {bytes_each * cell_count(deck, p) * (list_size(p, "at") + 4), bytes_each * count_of(p, "steps"),
            count_of(p, "steps") > cell_count(deck, p) ? "steps" : "grid"};
  }
  if (section == "bridges") {
    const double slices = p.has("intervals") ? 10 * (count_of(p, "intervals") + 1) : count_of(p, "slices");
    return {bytes_each * cell_count(deck, p) * (list_size(p, "at") + 4 + slices), 0,
            p.has("intervals") ? "intervals" : "grid"};
  }
  if (section == "ensembles") return of_ensemble(p);
  if (section == "models") return of_model(p);
  if (section == "measures") return of_measure(p);
  return {};
}

MemoryLimit::MemoryLimit(const parallel::Communicator& ranks) {
  const parallel::Machine machine = parallel::machine_of(ranks);
  machine_ = machine.memory;
  rlimit limit{};
  getrlimit(RLIMIT_DATA, &limit);
  before_ = limit.rlim_cur;
  const double share = machine.memory / ranks.size();
  if (share < static_cast<double>(limit.rlim_cur)) limit.rlim_cur = static_cast<rlim_t>(share);
  setrlimit(RLIMIT_DATA, &limit);
}

MemoryLimit::~MemoryLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_DATA, &limit);
  limit.rlim_cur = before_;
  setrlimit(RLIMIT_DATA, &limit);
}

}  // namespace fortet::study
