#include "fortet/parallel/memory.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace fortet::parallel {

namespace {

/// The number in a file; infinite where there is none ("max", or no such file).
double limit_in(const std::filesystem::path& file) {
  std::ifstream stream(file);
  double bytes = 0;
  return stream >> bytes ? bytes : std::numeric_limits<double>::infinity();
}

/// The least limit of this process's control groups, of versions 1 and 2 and all that they lie in.
double control_group_limit() {
  double least = std::numeric_limits<double>::infinity();
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // number:controllers:path
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool unified = controllers.empty();
    if (!unified && controllers.find("memory") == std::string::npos) continue;
    const std::filesystem::path root = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
    const std::string file = unified ? "memory.max" : "memory.limit_in_bytes";
    for (std::filesystem::path group = line.substr(second + 1);; group = group.parent_path()) {
      least = std::min(least, limit_in(root / group.relative_path() / file));
      if (!group.has_relative_path()) break;
    }
  }
  return least;
}

/// What the shell allows (ulimit -v, -d).
double limit_of_process(decltype(RLIMIT_AS) resource) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return std::numeric_limits<double>::infinity();
  return static_cast<double>(limit.rlim_cur);
}

}  // namespace

HighWater memory_high_water(const Communicator& ranks) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double bytes = 1024 * static_cast<double>(usage.ru_maxrss);
  ExactSum sum;
  sum.add(bytes);
  return {ranks.min(bytes), ranks.sum(sum) / ranks.size(), ranks.max(bytes)};
}

double memory_of_this_node() {
  const double physical = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  return std::min({physical, control_group_limit(), limit_of_process(RLIMIT_AS), limit_of_process(RLIMIT_DATA)});
}

Machine machine_of(const Communicator& ranks) {
  MPI_Comm node = MPI_COMM_NULL;
  MPI_Comm_split_type(ranks.handle(), MPI_COMM_TYPE_SHARED, ranks.rank(), MPI_INFO_NULL, &node);
  int rank = 0;
  MPI_Comm_rank(node, &rank);
  MPI_Comm_free(&node);
  ExactSum memory;
  if (rank == 0) memory.add(memory_of_this_node());
  return {static_cast<int>(ranks.sum_count(rank == 0)), ranks.sum(memory)};
}

}  // namespace fortet::parallel
