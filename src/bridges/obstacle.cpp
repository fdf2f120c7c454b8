#include "obstacle.hpp"

namespace fortet::bridges {

double mass_in_closed_cells(const densities::Grid& grid, const std::vector<char>& open,
                            const std::vector<double>& masses) {
  parallel::ExactSum sum;
  for (std::size_t i = 0; i < masses.size(); ++i) {
    if (!open[i]) sum.add(masses[i]);
  }
  return grid.communicator().sum(sum);
}

double separated_mass(const densities::Grid& grid, const std::vector<char>& open, const std::vector<double>& source,
                      const std::vector<double>& target) {
  std::vector<double> difference(open.size()), is_open(open.begin(), open.end());
  for (std::size_t i = 0; i < open.size(); ++i) difference[i] = source[i] - target[i];
  difference = grid.communicator().gather_all(difference);
  is_open = grid.communicator().gather_all(is_open);
  double largest = 0;
  std::vector<Index> front;
  for (Index start = 0; start < grid.cell_count(); ++start) {
    if (is_open[start] == 0) continue;
    is_open[start] = 0;  // visited
    front.push_back(start);
    double sum = 0;
    while (!front.empty()) {
      const Index cell = front.back();
      front.pop_back();
      sum += difference[cell];
      Index stride = 1;
      for (int axis = 0; axis < grid.dimension(); ++axis) {
        const Index position = cell / stride % grid.cells(axis);
        for (const Index step : {Index{-1}, Index{1}}) {
          const Index there = cell + step * stride;
          if (position + step < 0 || position + step >= grid.cells(axis) || is_open[there] == 0) continue;
          is_open[there] = 0;
          front.push_back(there);
        }
        stride *= grid.cells(axis);
      }
    }
    largest = std::max(largest, std::abs(sum));
  }
  return largest;
}

}  // namespace fortet::bridges
