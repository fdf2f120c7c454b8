#include "log_kernel.hpp"

#include "fortet/base/vector_math.hpp"
#include "fortet/parallel/threads.hpp"

namespace fortet::densities {

namespace {
using Vector = Lanes::Vector;

constexpr Index group = 12;         // rows that share the loads of a line
constexpr Index in_block = 16;      // cells
constexpr double nothing = -1e300;  // stands for log 0 where infinities would make differences that are no numbers

template <class Scalar>
Scalar larger(Scalar a, Scalar b) {
  return a > b ? a : b;
}

void exponentials(double* values, Index count) {
#pragma omp simd
  for (Index i = 0; i < count; ++i) values[i] = vectorised::exp(values[i]);
}
}  // namespace

LogKernel::LogKernel(const std::vector<double>& logarithms, Index n, bool transposed)
    : n_(n), blocks_((n + in_block - 1) / in_block) {
  const Index groups = (n + group - 1) / group;
  scaled_.assign(groups * blocks_ * in_block * group, 0.0);
  largest_.assign(groups * blocks_ * group, nothing);
  least_.assign(groups * blocks_ * group, nothing);
  parallel::for_blocks(groups, 1, [&](Index g, Index) {
    for (Index block = 0; block < blocks_; ++block) {
      const Index first = block * in_block, last = std::min(n, first + in_block);
      double* scaled = scaled_.data() + (g * blocks_ + block) * in_block * group;
      for (Index r = 0; r < std::min(group, n - g * group); ++r) {
        const Index j = g * group + r;
        const auto entry = [&](Index k) { return transposed ? logarithms[k * n + j] : logarithms[j * n + k]; };
        double most = nothing, least = 0;
        for (Index k = first; k < last; ++k) {
          most = std::max(most, entry(k));
          least = std::min(least, entry(k));
        }
        largest_[(g * blocks_ + block) * group + r] = most;
        least_[(g * blocks_ + block) * group + r] = std::max(least, nothing);
        for (Index k = first; k < last; ++k) scaled[(k - first) * group + r] = std::exp(entry(k) - most);
      }
    }
  });
}

void LogKernel::apply(const LineSet& lines, const double* in, double* out) const {
  parallel::for_blocks(lines.tiles(), 1, [&](Index tile, Index) {
    thread_local std::vector<Lanes> from, to;
    from.resize(n_);
    to.resize(n_);
    load_tile(in, lines, tile, from.data());
    apply(from.data(), to.data());
    store_tile(out, lines, tile, to.data());
  });
}

void LogKernel::apply(const Lanes* in, Lanes* out) const {
  thread_local std::vector<Lanes> scaled, highest;
  scaled.resize(blocks_ * in_block);
  highest.resize(blocks_);
  for (Index block = 0; block < blocks_; ++block) {
    const Index first = block * in_block, last = std::min(n_, first + in_block);
    Vector most = Vector{} + nothing;
    for (Index k = first; k < last; ++k) most = larger(most, in[k].v);
    highest[block].v = most;
    for (Index k = first; k < last; ++k) scaled[k].v = in[k].v - most;
    for (Index k = last; k < first + in_block; ++k) scaled[k].v = Vector{} + nothing;
    exponentials(reinterpret_cast<double*>(scaled.data() + first), in_block * lane_count);
  }
  for (Index g = 0; g * group < n_; ++g) {
    const double *largest = largest_.data() + g * blocks_ * group, *least = least_.data() + g * blocks_ * group;
    Lanes shift[group], bound[group], total[group], weight[group], part[group];
    for (Index r = 0; r < group; ++r) shift[r].v = bound[r].v = Vector{} + 2 * nothing;
    for (Index block = 0; block < blocks_; ++block) {
      for (Index r = 0; r < group; ++r) {
        shift[r].v = larger(shift[r].v, largest[block * group + r] + highest[block].v);
        bound[r].v = larger(bound[r].v, least[block * group + r] + highest[block].v);
      }
    }
    for (Index r = 0; r < group; ++r) {
      bound[r].v = larger(bound[r].v - 48, shift[r].v - 700);
      total[r].v = Vector{};
    }
    for (Index block = 0; block < blocks_; ++block) {
      bool counts = false;
      for (Index r = 0; r < group; ++r) {
        const Vector top = largest[block * group + r] + highest[block].v;
        const auto matters = top >= bound[r].v;
        weight[r].v = matters ? top - shift[r].v : Vector{} + nothing;
        for (int lane = 0; lane < lane_count; ++lane) counts |= matters[lane] != 0;
      }
      if (!counts) continue;  // adds zeros only
      exponentials(reinterpret_cast<double*>(weight), group * lane_count);
      Vector sum[group];
      for (Vector& s : sum) s = Vector{};
      const double* row = scaled_.data() + (g * blocks_ + block) * in_block * group;
      for (Index k = 0; k < in_block; ++k) {
        const Vector v = scaled[block * in_block + k].v;
#pragma GCC unroll 12
        for (Index r = 0; r < group; ++r) sum[r] += row[k * group + r] * v;
      }
      for (Index r = 0; r < group; ++r) total[r].v += weight[r].v * sum[r];
    }
    double* logarithm = reinterpret_cast<double*>(part);
    std::copy_n(total, group, part);
#pragma omp simd
    for (Index i = 0; i < group * lane_count; ++i) logarithm[i] = vectorised::log(logarithm[i]);
    constexpr double infinity = std::numeric_limits<double>::infinity();
    for (Index r = 0; r < std::min(group, n_ - g * group); ++r) {
      out[g * group + r].v = shift[r].v > 0.1 * nothing ? shift[r].v + part[r].v : Vector{} - infinity;
    }
  }
}

}  // namespace fortet::densities
