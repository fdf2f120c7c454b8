#include "space_time_poisson.hpp"

#include "fortet/parallel/threads.hpp"

namespace fortet::bridges {

using densities::Lanes;

namespace {

std::shared_ptr<const densities::Grid> modes_times_last_axis(const SpaceTime& domain) {
  const auto counting = [](Index cells) {
    std::vector<double> edges(cells + 1);
    std::iota(edges.begin(), edges.end(), 0.0);
    return edges;
  };
  return std::make_shared<const densities::Grid>(
      domain.grid->communicator(),
      std::vector<std::vector<double>>{counting(domain.plane()), counting(domain.grid->cells(domain.dimension() - 1))},
      std::vector<std::array<densities::Boundary, 2>>(2, {densities::Boundary::no_flux, densities::Boundary::no_flux}));
}

}  // namespace

SpaceTimePoisson::SpaceTimePoisson(const SpaceTime& domain)
    : domain_(domain),
      modes_(modes_times_last_axis(domain)),
      exchange_(*modes_),
      last_lines_(densities::whole_lines(*modes_, 1)) {
  const int last = domain.dimension() - 1;
  transforms_.emplace_back(domain.intervals);
  std::vector<std::vector<double>> values{CosineTransform::eigenvalues(domain.intervals, domain.time_step)};
  for (int axis = 0; axis < last; ++axis) {
    transforms_.emplace_back(domain.grid->cells(axis));
    values.push_back(CosineTransform::eigenvalues(domain.grid->cells(axis), domain.widths[axis]));
  }
  eigenvalues_.resize(last_lines_.count);
  const double square = domain.widths[last] * domain.widths[last];
  for (Index line = 0; line < last_lines_.count; ++line) {
    const std::int64_t mode = last_lines_.first + line;
    double sum = values[0][mode / domain.layer];
    for (int axis = 0; axis < last; ++axis) {
      sum += values[axis + 1][mode / domain.stride(axis) % domain.grid->cells(axis)];
    }
    eigenvalues_[line] = sum * square;
  }
}

/// Lines of a transform in consecutive planes.
densities::LineSet SpaceTimePoisson::lines_of(std::size_t transform, Index planes) const {
  densities::LineSet lines;
  const int axis = static_cast<int>(transform) - 1;
  lines.inner = transform == 0 ? domain_.layer : domain_.stride(axis);
  lines.length = transform == 0 ? domain_.intervals : domain_.grid->cells(axis);
  lines.count = planes * domain_.plane() / lines.length;
  return lines;
}

void SpaceTimePoisson::solve(PlaneArray& r, const std::function<void(Index plane)>& right_side) {
  parallel::for_blocks(domain_.planes, domain_.block(), [&](Index begin, Index end) {
    for (Index j = begin; j < end; ++j) right_side(j);
    for (std::size_t k = 0; k < transforms_.size(); ++k) {
      transforms_[k].forward(r.plane(begin), lines_of(k, end - begin));
    }
  });
  if (exchange_.is_needed()) {
    exchange_.to_lines(r.plane(0), buffer_);
    solve_lines(buffer_.data(), last_lines_);
    exchange_.to_slab(buffer_, r.plane(0));
  } else {
    solve_lines(r.plane(0), last_lines_);
  }
  parallel::for_blocks(domain_.planes, domain_.block(), [&](Index begin, Index end) {
    for (std::size_t k = transforms_.size(); k-- > 0;) {
      transforms_[k].inverse(r.plane(begin), lines_of(k, end - begin));
    }
  });
}

/// (eigenvalue + second difference with reflecting ends) phi = h^2 r by elimination: every pivot is at least 1 but the
/// last of eigenvalue 0, where phi is free and taken as 0.
void SpaceTimePoisson::solve_lines(double* data, const densities::LineSet& lines) const {
  const double square = domain_.widths.back() * domain_.widths.back();
  const Index n = lines.length;
  parallel::for_blocks(lines.tiles(), 8, [&](Index begin, Index end) {
    thread_local std::vector<Lanes> storage;
    if (static_cast<Index>(storage.size()) < 2 * n) storage.resize(2 * n);
    Lanes *x = storage.data(), *inverse = x + n;
    for (Index tile = begin; tile < end; ++tile) {
      Lanes::Vector eigenvalue = {}, one = {};
      for (Index lane = 0; lane < densities::lane_count; ++lane) {
        const Index line = tile * densities::lane_count + lane;
        eigenvalue[lane] = line < lines.count ? eigenvalues_[line] : 1;
        one[lane] = 1;
      }
      densities::load_tile(data, lines, tile, x);
      Lanes::Vector pivot = {}, carried = {};
      for (Index i = 0; i < n; ++i) {
        const double ends = (i > 0 ? 1 : 0) + (i + 1 < n ? 1 : 0);
        Lanes::Vector diagonal = eigenvalue + ends - pivot;
        if (i + 1 == n) {
          for (Index lane = 0; lane < densities::lane_count; ++lane) {
            if (eigenvalue[lane] == 0) diagonal[lane] = std::numeric_limits<double>::infinity();
          }
        }
        pivot = one / diagonal;
        carried = (square * x[i].v + carried) * pivot;
        inverse[i].v = pivot;
        x[i].v = carried;
      }
      for (Index i = n - 1; i-- > 0;) x[i].v += inverse[i].v * x[i + 1].v;
      densities::store_tile(data, lines, tile, x);
    }
  });
}

}  // namespace fortet::bridges
