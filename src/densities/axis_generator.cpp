#include "axis_generator.hpp"

namespace fortet::densities {

bool is_separable(const processes::Process& process) { return process.has_clock() && process.is_axis_separable(); }

AxisGenerator::AxisGenerator(const processes::Process& process, const Grid& grid, int axis, double t)
    : rates_({&process, &grid, LineSet{axis, 0, grid.cells(axis), grid.cells(axis), grid.cells(axis), 0}, true}),
      is_periodic_(grid.is_periodic(axis)) {
  rates_.build(t);
  // A little above the largest rate, so that the weight of staying put is never a difference of nearly equal numbers.
  events_ = 1.0625 * rates_.largest();
  rates_.scale(events_);
  const auto closed = [&](int side) {
    const Boundary boundary = grid.boundary(axis, side);
    return boundary == Boundary::no_flux || boundary == Boundary::periodic;
  };
  is_closed_ = closed(0) && closed(1);
}

void AxisGenerator::advance(const PoissonSeries& series, std::vector<double>& matrix, std::vector<double>* left) const {
  uniformize_forward(rates_, is_periodic_, series, matrix.data(), left);
}

bool AxisGenerator::operator==(const AxisGenerator& other) const {
  if (cells() != other.cells() || events_ != other.events_ || is_periodic_ != other.is_periodic_) return false;
  const std::size_t bytes = rates_.rows() * sizeof(Lanes);
  return std::memcmp(rates_.up(0), other.rates_.up(0), bytes) == 0 &&
         std::memcmp(rates_.down(0), other.rates_.down(0), bytes) == 0;
}

}  // namespace fortet::densities
