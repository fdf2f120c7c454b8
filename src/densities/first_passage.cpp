// Times and places of leaving: L^T tau = -1, L^T h_s = -r_s for the probability of side s, L^T g_s = -h_s for the time
// of those that leave there.
#include "first_passage.hpp"

#include "assumptions.hpp"
#include "edge_generator.hpp"
#include "linear_solvers.hpp"

namespace fortet::densities {

namespace {

constexpr double rounding = 1e-9;

/// Solves -L^T u = right on the assembled generator.
class Backward {
 public:
  Backward(const EdgeGenerator& generator, const Grid& grid)
      : grid_(grid),
        matrix_(assemble(grid, generator, MatrixForm::transposed)),
        right_(make_vector(grid)),
        left_(make_vector(grid)) {
    FORTET_PETSC(MatScale(matrix_, -1));
    solver_ = direct_solver(matrix_, grid);
  }
  std::vector<double> operator()(std::span<const double> right, const char* what) {
    copy_to(right, right_);
    densities::solve(solver_, right_, left_, what);
    std::vector<double> values(grid_.local_count());
    copy_from(left_, values);
    double least = 0, most = 0;
    bool finite = true;
    for (const double value : values) {
      finite = finite && std::isfinite(value);
      least = std::min(least, value);
      most = std::max(most, value);
    }
    least = grid_.communicator().min(least);
    most = grid_.communicator().max(most);
    if (grid_.communicator().any(!finite) || least < -rounding * most) {
      throw DivergedError(fmt::format(
          "{}: the solution is negative or not finite ({:.3g} to {:.3g}); from a part of the grid no open side is "
          "reached, or only after times beyond double precision",
          what, least, most));
    }
    return values;
  }

 private:
  const Grid& grid_;
  MatOwner matrix_;
  VecOwner right_, left_;
  KspOwner solver_;
};

}  // namespace

FirstPassage first_passage(const processes::Process& process, const Grid& grid, double t, bool by_side) {
  EdgeGenerator generator(process, grid);
  generator.build(t);
  if (!grid.communicator().any(!generator.exits().empty()))
    throw UsageError("a mean first passage time needs an absorbing or outflow side");
  Backward solve(generator, grid);
  FirstPassage result;
  result.time = solve(std::vector<double>(grid.local_count(), 1.0), "mean first passage");
  for (int axis = 0; by_side && axis < grid.dimension(); ++axis) {
    for (int side = 0; side < 2; ++side) {
      if (!is_open(grid, axis, side)) continue;
      std::vector<double> rates(grid.local_count(), 0.0);
      for (const Exit& exit : generator.exits()) {
        if (exit.axis == axis && exit.side == side) rates[exit.cell] += exit.rate;
      }
      FirstPassage::Side leaving{axis, side, solve(rates, "exit probability"), {}};
      leaving.time = solve(leaving.probability, "conditional exit time");
      result.sides.push_back(std::move(leaving));
    }
  }
  return result;
}

Snapshot mean_first_passage(const processes::Process& process, const GridPtr& grid, double t) {
  return {t, first_passage(process, *grid, t, false).time};
}

}  // namespace fortet::densities
