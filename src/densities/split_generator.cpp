#include "split_generator.hpp"

#include "shares.hpp"

namespace fortet::densities {

SplitGenerator::SplitGenerator(const processes::Process& process, const Grid& grid, const DiffusionShape& shape,
                               const std::string& scheme)
    : grid_(&grid), absorbed_(grid.dimension()), exchange_(grid) {
  for (int axis = 0; axis < grid.dimension(); ++axis) {
    const LineProblem problem{&process, &grid, whole_lines(grid, axis), process.is_axis_separable()};
    const bool transport = shape.axis[axis] == 0 && scheme != "upwind";
    operators_.push_back(transport ? make_line_transport(problem, scheme == "weno5") : make_line_diffusion(problem));
    for (std::vector<double>& side : absorbed_[axis]) side.assign(problem.lines.count, 0.0);
  }
}

void SplitGenerator::build(double t) {
  for (const auto& line_operator : operators_) line_operator->build(t);
}

void SplitGenerator::sweep(int axis, double time, double* values, bool is_forward) {
  const auto apply = [&](double* lines) {
    if (is_forward)
      operators_[axis]->forward(time, lines, absorbed_[axis].data());
    else
      operators_[axis]->backward(time, lines);
  };
  if (axis + 1 < grid_->dimension() || !exchange_.is_needed()) {
    apply(values);
    return;
  }
  exchange_.to_lines(values, lines_);
  apply(lines_.data());
  exchange_.to_slab(lines_, values);
}

bool SplitGenerator::has_transpose() const {
  return std::all_of(operators_.begin(), operators_.end(), [](const auto& one) { return one->has_transpose(); });
}

double SplitGenerator::terms() const {
  double terms = 0;
  for (const auto& line_operator : operators_) terms += line_operator->terms();
  return terms;
}

void SplitGenerator::exchange(io::State& state) {
  for (std::size_t axis = 0; axis < absorbed_.size(); ++axis) {
    for (int side = 0; side < 2; ++side)
      exchange_share(state, fmt::format("absorbed {} {}", axis, side), grid_->communicator(), absorbed_[axis][side]);
  }
}

std::vector<double> SplitGenerator::counters() const {
  std::vector<double> all;
  for (const auto& axis : absorbed_) {
    for (const std::vector<double>& side : axis) all.insert(all.end(), side.begin(), side.end());
  }
  return all;
}

void SplitGenerator::set_counters(const std::vector<double>& counters) {
  auto from = counters.begin();
  for (auto& axis : absorbed_) {
    for (std::vector<double>& side : axis) {
      std::copy_n(from, side.size(), side.begin());
      from += static_cast<std::ptrdiff_t>(side.size());
    }
  }
}

Sides SplitGenerator::absorbed() const {
  std::vector<parallel::ExactSum> sums(2 * absorbed_.size());
  for (std::size_t axis = 0; axis < absorbed_.size(); ++axis) {
    for (int side = 0; side < 2; ++side) {
      for (double mass : absorbed_[axis][side]) {
        if (mass != 0) sums[2 * axis + side].add(mass);
      }
    }
  }
  const std::vector<double> totals = grid_->communicator().sum(sums);
  Sides sides(absorbed_.size());
  for (std::size_t i = 0; i < totals.size(); ++i) sides[i / 2][i % 2] = totals[i];
  return sides;
}

Clock::Clock(const processes::Process& process) : process_(&process), reference_(0.5 * process.horizon()) {
  if (process.has_clock()) rate_ = process.clock_rate(reference_);
}

double Clock::elapsed(double t0, double t1) const {
  return is_known() ? (process_->clock(t1) - process_->clock(t0)) / rate_ : t1 - t0;
}

}  // namespace fortet::densities
