#include "edge_generator.hpp"

#include <map>

#include "assumptions.hpp"
#include "bernoulli.hpp"
#include "flux_coefficients.hpp"
#include "fortet/base/linear_algebra.hpp"
#include "fortet/processes/not_finite.hpp"
#include "line_operator.hpp"

namespace fortet::densities {

Halo::Halo(const Grid& grid, Index width) : grid_(&grid), width_(width) {
  const int last = grid.dimension() - 1;
  const parallel::Communicator& ranks = grid.communicator();
  const Index layers = grid.cells(last);
  const auto wanted = [&](Index layer) -> Index {
    if (layer >= 0 && layer < layers) return layer;
    return grid.is_periodic(last) ? ((layer % layers) + layers) % layers : -1;
  };
  // Every rank knows the slabs of all, so that senders need no request.
  for (int rank = 0; rank < ranks.size(); ++rank) {
    const parallel::Range slab = ranks.share(layers, rank);
    for (Index h = 0; h < 2 * width; ++h) {
      const Index extended = h < width ? h : slab.size() + h;
      const Index layer = wanted(slab.begin - width + extended);
      if (layer < 0) continue;
      int owner = 0;
      while (ranks.share(layers, owner).end <= layer) ++owner;
      if (owner == ranks.rank()) sends_.push_back({rank, static_cast<int>(h), layer - grid.slab().begin + width});
      if (rank == ranks.rank()) receives_.push_back({owner, static_cast<int>(h), extended});
    }
  }
}

std::int64_t Halo::global(Index extended) const {
  const Index layers = grid_->cells(grid_->dimension() - 1), layer_size = grid_->layer_size();
  const Index layer = grid_->slab().begin - width_ + extended / layer_size;
  return ((layer % layers) + layers) % layers * layer_size + extended % layer_size;
}

void Halo::exchange(double* extended) const {
  const MPI_Comm handle = grid_->communicator().handle();
  const Index size = grid_->layer_size();
  std::vector<MPI_Request> requests;
  requests.reserve(sends_.size() + receives_.size());
  for (const Message& m : receives_) {
    MPI_Irecv(extended + m.layer * size, static_cast<int>(size), MPI_DOUBLE, m.rank, m.tag, handle,
              &requests.emplace_back());
  }
  for (const Message& m : sends_) {
    MPI_Isend(extended + m.layer * size, static_cast<int>(size), MPI_DOUBLE, m.rank, m.tag, handle,
              &requests.emplace_back());
  }
  MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE);
}

EdgeGenerator::EdgeGenerator(const processes::Process& process, const Grid& grid) : process_(&process), grid_(&grid) {
  has_cross_terms_ = diffusion_shape(process, grid).cross > 0;
}

void EdgeGenerator::build(double t) {
  exits_.clear();
  time_ = t;
  has_cross_terms_ ? build_selling(t) : build_axes(t);
}

void EdgeGenerator::finish() {
  leaving_.assign(grid_->local_count(), 0.0);
  for (Index i = 0; i < grid_->local_count(); ++i) {
    for (Index e = first_[i]; e < first_[i + 1]; ++e) leaving_[i] += edges_[e].out;
  }
  for (const Exit& exit : exits_) leaving_[exit.cell] += exit.rate;
  double largest = 0;
  bool finite = true;
  for (double rate : leaving_) {
    finite = finite && std::isfinite(rate);
    largest = std::max(largest, rate);
  }
  if (grid_->communicator().any(!finite))
    throw DivergedError(fmt::format("the rates of the process overflow on the grid at t = {:.6g}", time_));
  largest_ = grid_->communicator().max(largest);
}

void EdgeGenerator::build_axes(double t) {
  const int d = grid_->dimension();
  halo_ = std::make_unique<Halo>(*grid_, 1);
  // Each axis fills the next places of every cell; then the unused ones are squeezed out.
  const Index n_cells = grid_->local_count(), most = 2 * d;
  edges_.assign(n_cells * most, Edge{});
  std::vector<unsigned char> count(n_cells, 0);
  for (int axis = 0; axis < d; ++axis) {
    const bool periodic = grid_->is_periodic(axis);
    LineProblem problem{process_, grid_, slab_lines(*grid_, axis), process_->is_axis_separable()};
    LineRates rates(problem);
    parallel::together(grid_->communicator(), [&] { rates.build(t); });
    const LineSet& lines = problem.lines;
    const Index n = lines.length, cells = grid_->cells(axis);
    const auto centre = [&](Index cell) {  // continued periodically
      const double length = grid_->edges(axis).back() - grid_->edges(axis).front();
      return cell < 0        ? grid_->centres(axis)[cell + cells] - length
             : cell >= cells ? grid_->centres(axis)[cell - cells] + length
                             : grid_->centres(axis)[cell];
    };
    for (Index line = 0; line < lines.count; ++line) {
      const int lane = static_cast<int>(line % lane_count);
      const Lanes *up = rates.up(line / lane_count), *down = rates.down(line / lane_count);
      for (Index j = 0; j < n; ++j) {
        const Index cell = lines.start(line) + j * lines.inner, global = lines.begin + j;
        for (int side = 0; side < 2; ++side) {
          const Index other = side == 0 ? global - 1 : global + 1, row = side == 0 ? j : j + 2;
          const double out = side == 0 ? down[j + 1].v[lane] : up[j + 1].v[lane];
          const double in = side == 0 ? up[row].v[lane] : down[row].v[lane];
          const bool outside = other < 0 || other >= cells;
          if (outside && !periodic) {
            if (out > 0) exits_.push_back({cell, axis, side, out});
            continue;
          }
          Edge edge{};
          const bool wraps_here = outside && !(axis == d - 1);  // the last axis wraps through the halo
          const Index shift = side == 0 ? (wraps_here ? cells - 1 : -1) : (wraps_here ? 1 - cells : 1);
          edge.neighbour = halo_->offset() + cell + shift * lines.inner;
          edge.out = out;
          // Row 0 and n + 1 carry the rates of the neighbour on a periodic or cut line.
          edge.in = in;
          edge.step[axis] = static_cast<float>(centre(other) - centre(global));
          edges_[cell * most + count[cell]++] = edge;
        }
      }
    }
  }
  first_.assign(1, 0);
  for (Index cell = 0; cell < n_cells; ++cell) {
    std::move(edges_.begin() + cell * most, edges_.begin() + cell * most + count[cell], edges_.begin() + first_.back());
    first_.push_back(first_.back() + count[cell]);
  }
  edges_.resize(first_.back());
  finish();
}

void EdgeGenerator::build_selling(double t) {
  const Grid& grid = *grid_;
  const int d = grid.dimension(), last = d - 1;
  std::array<double, 3> width{1, 1, 1};
  for (int k = 0; k < d; ++k) {
    if (!grid.is_uniform(k)) {
      throw UsageError("a diffusion tensor with cross terms needs a uniform grid; axis " + std::to_string(k) +
                       " is stretched");
    }
    width[k] = grid.width(k, 0);
  }
  // What an edge needs from each of its ends: the decomposition there, D^-1 (b - div D), and the potential.
  struct Site {
    std::vector<SellingTerm> terms;
    std::array<double, 3> force{}, drift{}, diagonal{};  // of D: D_kk / width^2
    double potential = 0;
  };
  const bool has_potential = has_equilibrium(*process_, grid);
  // Where D jumps, has kinks or vanishes at a side it is differenced itself: weights of each end, J = b p - div(D p).
  const processes::Regularity known = process_->regularity();
  std::array<std::array<bool, 2>, 3> degenerate{};
  bool by_ends = known.noise != Smoothness::smooth;
  for (int k = 0; k < d; ++k) {
    for (int side = 0; side < 2; ++side) {
      degenerate[k][side] = grid.boundary(k, side) == Boundary::no_flux && is_degenerate(*process_, grid, k, side);
      by_ends = by_ends || degenerate[k][side];
    }
  }
  if (known.noise == Smoothness::jumping && known.reading != 0) {
    throw UsageError(
        "noise that jumps, with cross terms, is discretised in the sense of Ito only; write convention: ito");
  }
  const auto site_at = [&](ConstPoints x) {
    PointArray drift(x.size(), d), diffusion(x.size(), d * (d + 1) / 2);
    flux_coefficients(*process_, t, x, drift, diffusion);
    if (by_ends) process_->drift(t, x, drift);
    std::vector<double> potential(x.size());
    if (has_potential) process_->potential(x, potential.data());
    std::vector<Site> sites(x.size());
    for (Index i = 0; i < x.size(); ++i) {
      Eigen::MatrixXd tensor(d, d);
      Eigen::VectorXd b(d);
      double scaled[6];
      for (int p = 0, column = 0; p < d; ++p) {
        b(p) = drift(i, p);
        for (int q = p; q < d; ++q, ++column) {
          tensor(p, q) = tensor(q, p) = diffusion(i, column);
          scaled[column] = diffusion(i, column) / (width[p] * width[q]);
        }
      }
      sites[i].terms = selling_decomposition(d, scaled);
      if (sites[i].terms.empty()) {
        if (const auto found = processes::first_not_finite(*process_, t, x.slice(i, 1)))
          throw DivergedError(found->text());
        throw UsageError(
            "the diffusion tensor of a process with cross terms must be positive definite on the whole grid");
      }
      const Eigen::VectorXd force = solve_symmetric(tensor, b);
      for (int k = 0; k < d; ++k) {
        sites[i].force[k] = force(k);
        sites[i].drift[k] = b(k);
        sites[i].diagonal[k] = tensor(k, k) / (width[k] * width[k]);
      }
      sites[i].potential = potential[i];
    }
    return sites;
  };

  std::vector<Site> own;
  double reach = 1;
  parallel::together(grid.communicator(), [&] {
    for (Index begin = 0; begin < grid.local_count(); begin += block_size) {
      PointArray x(std::min(block_size, grid.local_count() - begin), d);
      grid.local_centres(begin, x);
      for (Site& site : site_at(x)) {
        for (const SellingTerm& term : site.terms)
          reach = std::max(reach, static_cast<double>(std::abs(term.offset[last])));
        own.push_back(std::move(site));
      }
    }
  });
  halo_ = std::make_unique<Halo>(grid, static_cast<Index>(grid.communicator().max(reach)));
  const Index layer = grid.layer_size(), cells_last = grid.cells(last);
  std::vector<Site> sites(halo_->extended_size());
  parallel::together(grid.communicator(), [&] {
    for (Index i = 0; i < halo_->extended_size(); i += layer) {
      const Index slab_layer = i / layer - halo_->width(), global = grid.slab().begin + slab_layer;
      const bool mine = slab_layer >= 0 && slab_layer < grid.slab().size();
      if (!mine && (global < 0 || global >= cells_last) && !grid.is_periodic(last)) continue;
      if (mine) {
        std::move(own.begin() + slab_layer * layer, own.begin() + (slab_layer + 1) * layer, sites.begin() + i);
        continue;
      }
      for (Index begin = 0; begin < layer; begin += block_size) {
        PointArray x(std::min(block_size, layer - begin), d);
        for (Index k = 0; k < x.size(); ++k) {
          std::int64_t rest = halo_->global(i + begin + k);
          for (int m = 0; m < d; ++m) {
            x(k, m) = grid.centres(m)[rest % grid.cells(m)];
            rest /= grid.cells(m);
          }
        }
        std::vector<Site> block = site_at(x);
        std::move(block.begin(), block.end(), sites.begin() + i + begin);
      }
    }
  });
  own.clear();

  // Both ends of an edge bring half of its weight.
  first_.assign(1, 0);
  edges_.clear();
  edges_.reserve(grid.local_count() * (d == 2 ? 6 : 12));
  const auto weight_of = [](const Site& site, const std::array<int, 3>& offset) {
    for (const SellingTerm& term : site.terms) {
      if (term.offset == offset) return 0.5 * term.weight;
    }
    return 0.0;
  };
  const auto drop_between = [&](const Site& from, const Site& to, const std::array<int, 3>& e) {
    if (has_potential) return from.potential - to.potential;
    double z = 0;
    for (int k = 0; k < d; ++k) z += 0.5 * (from.force[k] + to.force[k]) * e[k] * width[k];
    return z;
  };
  /// Whether a step leaves the domain through a side at which D vanishes.
  const auto meets_degenerate = [&](const std::array<Index, 3>& index, const std::array<int, 3>& e) {
    for (int k = 0; k < d; ++k) {
      const Index target = index[k] + e[k];
      if (!grid.is_periodic(k) && ((target < 0 && degenerate[k][0]) || (target >= grid.cells(k) && degenerate[k][1])))
        return true;
    }
    return false;
  };
  /// Rate of leaving a cell along e with the weights of that cell, so that its mean moves by b. Where an edge of the
  /// cell is cut by a side at which D vanishes, mass moves along the axes instead, and away from that side by the drift
  /// alone.
  const auto rate_by_end = [&](const Site& site, const std::array<Index, 3>& index, const std::array<int, 3>& offset,
                               const std::array<int, 3>& e) {
    const bool is_cut = std::any_of(site.terms.begin(), site.terms.end(), [&](const SellingTerm& term) {
      const std::array<int, 3>& o = term.offset;
      return meets_degenerate(index, o) || meets_degenerate(index, {-o[0], -o[1], -o[2]});
    });
    if (is_cut) {
      int axis = -1, steps = 0;
      for (int k = 0; k < d; ++k) {
        steps += std::abs(e[k]);
        if (e[k] != 0) axis = k;
      }
      if (steps != 1) return 0.0;
      const double along = e[axis] * site.drift[axis] / width[axis];
      if (meets_degenerate(index, {-e[0], -e[1], -e[2]})) return std::max(along, 0.0);
      return fitted_rates(along, site.diagonal[axis], 1.0).up;
    }
    double z = 0;
    for (int k = 0; k < d; ++k) z += site.force[k] * e[k] * width[k];
    return fitted_rates(2 * weight_of(site, offset), z).up;
  };
  std::map<std::array<int, 3>, double> offsets;
  for (const Site& site : sites) {
    for (const SellingTerm& term : site.terms) offsets[term.offset] = 0;
  }
  for (int k = 0; by_ends && k < d; ++k) {
    std::array<int, 3> unit{};
    unit[k] = 1;
    offsets[unit] = 0;
  }
  for (Index cell = 0; cell < grid.local_count(); ++cell) {
    std::array<Index, 3> index{};
    Index rest = cell;
    for (int k = 0; k < last; ++k) {
      index[k] = rest % grid.cells(k);
      rest /= grid.cells(k);
    }
    index[last] = grid.slab().begin + rest;
    const Site& here = sites[halo_->offset() + cell];
    for (const auto& [offset, unused] : offsets) {
      for (int sign : {1, -1}) {
        // Where along the edge it leaves the domain first, if it does.
        double fraction = 2;
        int exit_axis = 0, exit_side = 0;
        Index neighbour = halo_->offset() + cell, stride = 1;
        for (int k = 0; k < d; ++k) {
          const Index step = sign * offset[k], target = index[k] + step, count = grid.cells(k);
          Index shift = step;
          if (target < 0 || target >= count) {
            if (grid.is_periodic(k)) {
              if (k < last) shift = ((target % count) + count) % count - index[k];
            } else {
              const double room =
                  step > 0 ? static_cast<double>(count - 1 - index[k]) + 0.5 : static_cast<double>(index[k]) + 0.5;
              const double at = room / static_cast<double>(std::abs(step));
              if (at < fraction) {
                fraction = at;
                exit_axis = k;
                exit_side = step > 0 ? 1 : 0;
              }
            }
          }
          neighbour += shift * stride;
          stride *= count;
        }
        const std::array<int, 3> e{sign * offset[0], sign * offset[1], sign * offset[2]};
        if (fraction > 1) {
          const Site& there = sites[neighbour];
          const double weight = weight_of(here, offset) + weight_of(there, offset);
          if (weight == 0 && !by_ends) continue;
          FaceRates rates{};
          if (by_ends) {
            std::array<Index, 3> target{};
            for (int k = 0; k < d; ++k) target[k] = (index[k] + e[k] + grid.cells(k)) % grid.cells(k);
            rates = {rate_by_end(here, index, offset, e), rate_by_end(there, target, offset, {-e[0], -e[1], -e[2]})};
            if (rates.up == 0 && rates.down == 0) continue;
          } else {
            rates = fitted_rates(weight, drop_between(here, there, e));
          }
          Edge edge{neighbour, rates.up, rates.down, {}};
          for (int k = 0; k < d; ++k) edge.step[k] = static_cast<float>(e[k] * width[k]);
          edges_.push_back(edge);
          continue;
        }
        const Boundary boundary = grid.boundary(exit_axis, exit_side);
        if (boundary == Boundary::no_flux) continue;
        const double weight = 2 * weight_of(here, offset);
        if (weight == 0) continue;
        double z = 0;
        for (int k = 0; k < d; ++k) z += here.force[k] * e[k] * width[k];
        // p = 0 at the side, a part of the edge away; an open side lets only the drift through.
        const double rate = boundary == Boundary::absorbing ? fitted_rates(weight / fraction, z * fraction).up
                                                            : weight * std::max(z, 0.0);
        if (rate > 0) exits_.push_back({cell, exit_axis, exit_side, rate});
      }
    }
    first_.push_back(static_cast<Index>(edges_.size()));
  }
  finish();
}

}  // namespace fortet::densities
