#include "space_time.hpp"

namespace fortet::bridges {

SpaceTime::SpaceTime(densities::GridPtr space, Index intervals_of_time, double length_unit)
    : grid(std::move(space)),
      intervals(intervals_of_time),
      layer(grid->layer_size()),
      planes(grid->slab().size()),
      time_step(1.0 / static_cast<double>(intervals)) {
  const int d = dimension();
  for (int axis = 0; axis < d; ++axis) widths.push_back(grid->width(axis, 0) / length_unit);
  for (int axis = 0; axis + 1 < d; ++axis) {
    std::vector<double>& inverse = faces_.emplace_back(stride(axis), 0.0);
    for (Index i = 0; i < plane(); ++i) {
      inverse.push_back(i / stride(axis) % grid->cells(axis) + 1 < grid->cells(axis) ? 1 / widths[axis] : 0);
    }
  }
  inner_.assign(plane(), 1 / widths.back());
  boundary_.assign(plane(), 0.0);
}

const double* SpaceTime::inverse_widths(int axis, Index j) const {
  if (axis + 1 < dimension()) return faces_[axis].data() + stride(axis);
  const bool at_boundary = (is_first() && j < 0) || (is_last() && j + 1 == planes);
  return at_boundary ? boundary_.data() : inner_.data();
}

Index SpaceTime::stride(int axis) const {
  if (axis + 1 == dimension()) return plane();
  Index product = 1;
  for (int k = 0; k < axis; ++k) product *= grid->cells(k);
  return product;
}

namespace {
void pass_on(const SpaceTime& domain, const double* sent, double* received, Index size, int direction) {
  const parallel::Communicator& ranks = domain.grid->communicator();
  const auto neighbour = [&](int rank) { return rank < 0 || rank >= ranks.size() ? MPI_PROC_NULL : rank; };
  MPI_Sendrecv(sent, static_cast<int>(size), MPI_DOUBLE, neighbour(ranks.rank() + direction), 0, received,
               static_cast<int>(size), MPI_DOUBLE, neighbour(ranks.rank() - direction), 0, ranks.handle(),
               MPI_STATUS_IGNORE);
}
}  // namespace

void PlaneArray::receive_lower(const SpaceTime& domain) {
  pass_on(domain, plane(domain.planes - 1), plane(-1), plane_, 1);
}
void PlaneArray::receive_upper(const SpaceTime& domain) { pass_on(domain, plane(0), plane(domain.planes), plane_, -1); }

}  // namespace fortet::bridges
