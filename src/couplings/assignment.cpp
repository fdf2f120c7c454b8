#include "fortet/couplings/assignment.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "assignment_solver.hpp"
#include "fortet/base/error.hpp"
#include "small_assignment.hpp"

namespace fortet::couplings {
namespace {

template <class Costs>
Assignment solve(ConstPoints rows, ConstPoints columns) {
  const std::vector<std::int32_t> row_order = spatial_order(rows), column_order = spatial_order(columns);
  const AssignmentSolver<Costs> solver(gather(rows, row_order), gather(columns, column_order));
  Assignment result;
  const std::size_t n = row_order.size();
  result.column.resize(n);
  result.row_potential.resize(n);
  result.column_potential.resize(n);
  std::vector<double> costs(n);
  for (std::size_t i = 0; i < n; ++i) {
    const Index j = solver.column(static_cast<Index>(i));
    result.column[row_order[i]] = column_order[j];
    costs[row_order[i]] = solver.cost(static_cast<Index>(i), j);
    result.row_potential[row_order[i]] = solver.row_potential(static_cast<Index>(i));
    result.column_potential[column_order[i]] = solver.column_potential(static_cast<Index>(i));
  }
  result.cost = std::accumulate(costs.begin(), costs.end(), 0.0);
  result.scans = solver.scans();
  return result;
}

void require_finite(ConstPoints points) {
  constexpr double largest = 1e150;  // squares and their sums stay finite
  for (int k = 0; k < points.dimension(); ++k) {
    for (Index i = 0; i < points.size(); ++i) {
      if (!(std::abs(points(i, k)) <= largest))
        throw UsageError(fmt::format("optimal assignment: coordinate {} of point {} is {}", k, i, points(i, k)));
    }
  }
}

void check(const PointSets& problem) {
  const auto& [rows, columns] = problem;
  if (rows.size() != columns.size() || rows.dimension() != columns.dimension()) {
    throw UsageError(fmt::format("optimal assignment: {} points in {} dimensions against {} in {}", rows.size(),
                                 rows.dimension(), columns.size(), columns.dimension()));
  }
  require_finite(rows);
  require_finite(columns);
}

bool is_small(ConstPoints rows) {
  return rows.size() >= fewest_small && rows.size() <= most_small && rows.dimension() <= most_small_dimensions;
}

Assignment solve_any(const PointSets& problem) {
  constexpr Index storable = 4096;  // points whose cost matrix takes 128 MiB
  const auto& [rows, columns] = problem;
  switch (rows.dimension()) {
    case 1:
      return solve<ComputedCosts<1>>(rows, columns);
    case 2:
      return solve<ComputedCosts<2>>(rows, columns);
    case 3:
      return solve<ComputedCosts<3>>(rows, columns);
    default:
      return rows.size() <= storable ? solve<StoredCosts>(rows, columns) : solve<ComputedCosts<0>>(rows, columns);
  }
}

}  // namespace

std::vector<Assignment> assign_all(std::span<const PointSets> problems) {
  for (const PointSets& problem : problems) check(problem);
  std::vector<Assignment> results(problems.size());
  for (std::size_t p = 0; p < problems.size();) {
    const ConstPoints rows = problems[p].rows;
    std::size_t count = 1;
    unsigned solved = rows.size() == 0 ? 1 : 0;
    if (is_small(rows)) {
      if (p + 1 < problems.size() && problems[p + 1].rows.size() == rows.size() &&
          problems[p + 1].rows.dimension() == rows.dimension())
        count = 2;
      solved = solve_small(problems.subspan(p, count), std::span(results).subspan(p, count));
    }
    for (std::size_t k = 0; k < count; ++k, ++p) {
      if ((solved >> k & 1u) == 0) results[p] = solve_any(problems[p]);
    }
  }
  return results;
}

Assignment assign(ConstPoints rows, ConstPoints columns) {
  const PointSets problem{rows, columns};
  return std::move(assign_all({&problem, 1}).front());
}

}  // namespace fortet::couplings
