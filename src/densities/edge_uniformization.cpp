#include "edge_uniformization.hpp"

#include "fortet/parallel/threads.hpp"
#include "shares.hpp"

namespace fortet::densities {

namespace {
/// Below this a term of the series takes less time than the barrier at its end, above all on a machine that others use
/// too.
constexpr Index cells_per_thread = 32768;
}  // namespace

EdgeUniformization::EdgeUniformization(const processes::Process& process, const Grid& grid)
    : grid_(&grid), generator_(process, grid) {}

void EdgeUniformization::build(double t) {
  generator_.build(t);
  counters_.resize(generator_.exits().size(), 0.0);  // exits are found in the same order at all times
  work_.resize(generator_.halo().extended_size());
  next_.resize(grid_->local_count());
}

template <bool is_forward>
void EdgeUniformization::apply(double time, double* values) {
  const double largest = 1.0625 * generator_.largest();
  const PoissonSeries series = poisson_series(largest * time);
  if (series.pieces == 0) return;
  const Index n = grid_->local_count(), offset = generator_.halo().offset();
  const double scale = 1 / largest;
  const std::vector<Edge>& edges = generator_.edges();
  const std::vector<Index>& first = generator_.first();
  const std::vector<Exit>& exits = generator_.exits();
  std::vector<double> leaving(n, 0.0), counted(exits.size());  // rate through the sides of each cell
  for (const Exit& exit : exits) leaving[exit.cell] += exit.rate;
  for (long piece = 0; piece < series.pieces; ++piece) {
    double* r = work_.data() + offset;
    const Index count = static_cast<Index>(series.weights.size());
    for (Index i = 0; i < n; ++i) r[i] = series.weights[count - 1] * values[i];
    std::fill(counted.begin(), counted.end(), 0.0);
    for (Index k = count - 2; k >= 0; --k) {
      generator_.halo().exchange(work_.data());
      const double weight = series.weights[k];
      if (is_forward) {
        for (std::size_t x = 0; x < exits.size(); ++x) counted[x] += scale * exits[x].rate * r[exits[x].cell];
      }
      parallel::for_blocks(n, cells_per_thread, [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) {
          const double here = r[i];
          double change = 0;
          for (Index e = first[i]; e < first[i + 1]; ++e) {
            const double there = work_[edges[e].neighbour];
            change += is_forward ? edges[e].in * there - edges[e].out * here : edges[e].out * (there - here);
          }
          change -= leaving[i] * here;
          next_[i] = weight * values[i] + (here + scale * change);
        }
      });
      std::copy_n(next_.data(), n, r);
    }
    std::copy_n(r, n, values);
    if (is_forward) {
      for (std::size_t x = 0; x < exits.size(); ++x) counters_[x] += counted[x];
    }
  }
  terms_ += static_cast<double>(series.terms()) * static_cast<double>(n);
}

void EdgeUniformization::forward(double time, double* masses) { apply<true>(time, masses); }
void EdgeUniformization::backward(double time, double* values) { apply<false>(time, values); }

void EdgeUniformization::exchange(io::State& state) {
  exchange_share(state, "absorbed", grid_->communicator(), counters_);
}

Sides EdgeUniformization::absorbed() const {
  std::vector<parallel::ExactSum> sums(2 * grid_->dimension());
  for (std::size_t x = 0; x < counters_.size(); ++x) {
    sums[2 * generator_.exits()[x].axis + generator_.exits()[x].side].add(counters_[x]);
  }
  const std::vector<double> totals = grid_->communicator().sum(sums);
  Sides sides(grid_->dimension());
  for (std::size_t i = 0; i < totals.size(); ++i) sides[i / 2][i % 2] = totals[i];
  return sides;
}

}  // namespace fortet::densities
