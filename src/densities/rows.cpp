#include "rows.hpp"

namespace fortet::densities {

namespace {
parallel::Range overlap(parallel::Range a, parallel::Range b) {
  const std::int64_t begin = std::max(a.begin, b.begin);
  return {begin, std::max(begin, std::min(a.end, b.end))};
}
}  // namespace

std::vector<double> rows_of(const Grid& grid, std::span<const double> slab, parallel::Range wanted) {
  const parallel::Communicator& ranks = grid.communicator();
  const Index layer = grid.layer_size(), layers = grid.cells(grid.dimension() - 1);
  std::vector<double> result(wanted.size() * layer);
  const std::int64_t own[2] = {wanted.begin, wanted.end};
  std::vector<std::int64_t> all(2 * ranks.size());
  MPI_Allgather(own, 2, MPI_INT64_T, all.data(), 2, MPI_INT64_T, ranks.handle());
  MPI_Datatype row = MPI_DATATYPE_NULL;  // counts of rows fit an int where those of cells may not
  MPI_Type_contiguous(static_cast<int>(layer), MPI_DOUBLE, &row);
  MPI_Type_commit(&row);
  std::vector<MPI_Request> requests;
  for (int rank = 0; rank < ranks.size(); ++rank) {
    const parallel::Range from = overlap(wanted, ranks.share(layers, rank)),
                          to = overlap({all[2 * rank], all[2 * rank + 1]}, grid.slab());
    if (from.size() > 0) {
      MPI_Irecv(result.data() + (from.begin - wanted.begin) * layer, static_cast<int>(from.size()), row, rank, 0,
                ranks.handle(), &requests.emplace_back());
    }
    if (to.size() > 0) {
      MPI_Isend(slab.data() + (to.begin - grid.slab().begin) * layer, static_cast<int>(to.size()), row, rank, 0,
                ranks.handle(), &requests.emplace_back());
    }
  }
  MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE);
  MPI_Type_free(&row);
  return result;
}

}  // namespace fortet::densities
