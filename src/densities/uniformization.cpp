#include "uniformization.hpp"

#include "fortet/parallel/threads.hpp"

namespace fortet::densities {

using Vector = Lanes::Vector;

PoissonSeries poisson_series(double events) {
  PoissonSeries series;
  if (!(events > 0)) return series;
  constexpr double longest = 64;  // keeps e^{-events} far from underflow; longer pieces save little
  series.pieces = static_cast<long>(std::ceil(events / longest));
  const double mean = events / static_cast<double>(series.pieces);
  double weight = std::exp(-mean), total = 0;
  for (int k = 1; k <= mean || weight > 1e-25; ++k) {
    series.weights.push_back(weight);
    weight *= mean / k;
  }
  for (auto w = series.weights.rbegin(); w != series.weights.rend(); ++w) total += *w;
  for (double& w : series.weights) w /= total;
  return series;
}

namespace {

/// r <- weight v + (I + L) r for rows 0 .. n + 1, in flux form: what leaves a cell enters its neighbour to the last
/// bit.
template <bool periodic>
void forward_term(double weight, const Lanes* v, Lanes* r, const Lanes* up, const Lanes* down, Index n) {
  Vector left = (periodic ? up[n].v * r[n].v : Vector{}) - down[1].v * r[1].v;
  const Vector wrap = left;
  if (!periodic) r[0].v = weight * v[0].v + (r[0].v - left);
  Vector here = r[1].v;
  for (Index j = 1; j < n; ++j) {
    const Vector next = r[j + 1].v, right = up[j].v * here - down[j + 1].v * next;
    r[j].v = weight * v[j].v + (here + (left - right));
    left = right;
    here = next;
  }
  const Vector right = periodic ? wrap : up[n].v * here;
  r[n].v = weight * v[n].v + (here + (left - right));
  if (!periodic) r[n + 1].v = weight * v[n + 1].v + (r[n + 1].v + right);
}

/// The transpose in difference form: constants are kept to the last bit.
template <bool periodic>
void backward_term(double weight, const Lanes* v, Lanes* r, const Lanes* up, const Lanes* down, Index n) {
  Vector below = periodic ? r[n].v : Vector{}, here = r[1].v;
  const Vector first = here;
  for (Index j = 1; j <= n; ++j) {
    const Vector above = j < n ? r[j + 1].v : periodic ? first : Vector{};
    r[j].v = weight * v[j].v + (here + (up[j].v * (above - here) - down[j].v * (here - below)));
    below = here;
    here = above;
  }
}

template <class Term>
void run_series(const PoissonSeries& series, Lanes* v, Lanes* r, Index rows, Term term) {
  for (long piece = 0; piece < series.pieces; ++piece) {
    const Index count = static_cast<Index>(series.weights.size());
    for (Index j = 0; j < rows; ++j) r[j].v = series.weights[count - 1] * v[j].v;
    for (Index k = count - 2; k >= 0; --k) term(series.weights[k], v, r);
    std::copy_n(r, rows, v);
  }
}

struct Scratch {
  std::vector<Lanes> v, r;
  void resize(Index rows) {
    if (static_cast<Index>(v.size()) < rows) {
      v.resize(rows);
      r.resize(rows);
    }
  }
};
thread_local Scratch scratch;

/// Tiles of one block of work: a region that is shared by threads ends in a barrier, which takes long on a machine that
/// others use too.
Index tiles_per_block(const PoissonSeries& series, Index rows) {
  constexpr double least = 1e5;  // terms of a block: some 0.1 ms
  return std::max<Index>(
      1, static_cast<Index>(least / (static_cast<double>(series.terms() * lane_count) * static_cast<double>(rows))));
}

/// Applies the series of the generator (forward) or of its transpose to every line; `absorbed` as in
/// uniformize_forward.
template <bool forward, bool periodic>
void sweep_lines(const LineRates& rates, const PoissonSeries& series, double* values, std::vector<double>* absorbed) {
  if (series.pieces == 0) return;
  const LineSet& lines = rates.lines();
  const Index n = lines.length, rows = rates.rows();
  const auto sweep = [&](Index tile) {
    scratch.resize(rows);
    Lanes *v = scratch.v.data(), *r = scratch.r.data();
    const Lanes *up = rates.up(tile), *down = rates.down(tile);
    v[0].v = v[n + 1].v = Vector{};
    load_tile(values, lines, tile, v + 1);
    run_series(series, v, r, rows, [&](double w, const Lanes* a, Lanes* b) {
      if constexpr (forward) {
        forward_term<periodic>(w, a, b, up, down, n);
      } else {
        backward_term<periodic>(w, a, b, up, down, n);
      }
    });
    store_tile(values, lines, tile, v + 1);
    if (!absorbed) return;
    for (Index lane = 0; lane < lane_count && tile * lane_count + lane < lines.count; ++lane) {
      absorbed[0][tile * lane_count + lane] += v[0].v[lane];
      absorbed[1][tile * lane_count + lane] += v[n + 1].v[lane];
    }
  };
  parallel::for_blocks(lines.tiles(), tiles_per_block(series, rows), [&](Index begin, Index end) {
    for (Index tile = begin; tile < end; ++tile) sweep(tile);
  });
}

}  // namespace

void uniformize_forward(const LineRates& rates, bool periodic, const PoissonSeries& series, double* values,
                        std::vector<double>* absorbed) {
  periodic ? sweep_lines<true, true>(rates, series, values, absorbed)
           : sweep_lines<true, false>(rates, series, values, absorbed);
}

void uniformize_backward(const LineRates& rates, bool periodic, const PoissonSeries& series, double* values) {
  periodic ? sweep_lines<false, true>(rates, series, values, nullptr)
           : sweep_lines<false, false>(rates, series, values, nullptr);
}

}  // namespace fortet::densities
