#include "fluxes.hpp"

#include "edge_generator.hpp"
#include "flux_coefficients.hpp"
#include "line_operator.hpp"

namespace fortet::densities {

std::array<Index, 3> cell_index(const Grid& grid, std::int64_t cell) {
  std::array<Index, 3> index{};
  for (int k = 0; k < grid.dimension(); ++k) {
    index[k] = static_cast<Index>(cell % grid.cells(k));
    cell /= grid.cells(k);
  }
  return index;
}

bool contains(const Box& box, const std::array<Index, 3>& cell, int but_axis) {
  for (int k = 0; k < static_cast<int>(box.first.size()); ++k) {
    if (k != but_axis && !box.contains(k, cell[k])) return false;
  }
  return true;
}

namespace {

Sides total(const Grid& grid, std::vector<parallel::ExactSum>& sums) {
  const std::vector<double> totals = grid.communicator().sum(sums);
  Sides sides(grid.dimension());
  for (std::size_t i = 0; i < totals.size(); ++i) sides[i / 2][i % 2] = totals[i];
  return sides;
}

/// b_k p at the centres of an axis without diffusion, where the rates are upwind and of first order only.
void transport_current(const processes::Process& process, const Grid& grid, double t, int axis,
                       std::span<const double> masses, const std::vector<double>& volumes, double* current) {
  PointArray x(block_size, grid.dimension());
  std::vector<double> drift(block_size), diffusion(block_size);
  for (Index begin = 0; begin < grid.local_count(); begin += block_size) {
    const Index count = std::min(block_size, grid.local_count() - begin);
    grid.local_centres(begin, x.view().slice(0, count));
    axis_coefficients(process, t, ConstPoints(x.view().slice(0, count)), axis, drift.data(), diffusion.data());
    for (Index i = 0; i < count; ++i) current[begin + i] = drift[i] * masses[begin + i] / volumes[begin + i];
  }
}

}  // namespace

Fluxes fluxes(const processes::Process& process, const Grid& grid, double t, std::span<const double> masses,
              const std::vector<Box>& boxes) {
  const int d = grid.dimension();
  const Index n = grid.local_count();
  const std::int64_t first_cell = grid.slab().begin * grid.layer_size();
  Fluxes result{PointArray(n, d), Sides(d), {}};
  std::vector<parallel::ExactSum> box_sums(boxes.size());
  const std::vector<double> volumes = grid.local_volumes();
  std::vector<parallel::ExactSum> sums(2 * d);
  const DiffusionShape shape = diffusion_shape(process, grid);
  if (shape.cross > 0) {
    EdgeGenerator generator(process, grid);
    generator.build(t);
    std::vector<double> p(generator.halo().extended_size());
    std::copy(masses.begin(), masses.end(), p.begin() + generator.halo().offset());
    generator.halo().exchange(p.data());
    for (Index i = 0; i < n; ++i) {
      const std::array<Index, 3> here = cell_index(grid, first_cell + i);
      for (Index e = generator.first()[i]; e < generator.first()[i + 1]; ++e) {
        const Edge& edge = generator.edges()[e];
        const double flux = edge.out * masses[i] - edge.in * p[edge.neighbour];
        for (std::size_t b = 0; b < boxes.size(); ++b) {
          if (!contains(boxes[b], here)) continue;
          if (!contains(boxes[b], cell_index(grid, generator.halo().global(edge.neighbour)))) box_sums[b].add(flux);
        }
        for (int k = 0; k < d; ++k) result.current(i, k) += 0.5 * flux * edge.step[k] / volumes[i];
      }
    }
    for (const Exit& exit : generator.exits()) {
      const double flux = exit.rate * masses[exit.cell];
      sums[2 * exit.axis + exit.side].add(flux);
      for (std::size_t b = 0; b < boxes.size(); ++b) {
        if (contains(boxes[b], cell_index(grid, first_cell + exit.cell))) box_sums[b].add(flux);
      }
      const double width = grid.width(exit.axis, 0);  // cross terms live on uniform grids
      result.current(exit.cell, exit.axis) += (exit.side == 0 ? -0.5 : 0.5) * flux * width / volumes[exit.cell];
    }
    result.exits = total(grid, sums);
    result.boxes = grid.communicator().sum(box_sums);
    return result;
  }

  const Halo halo(grid, 1);
  std::vector<double> p(halo.extended_size());
  std::copy(masses.begin(), masses.end(), p.begin() + halo.offset());
  halo.exchange(p.data());
  for (int axis = 0; axis < d; ++axis) {
    const LineSet lines = slab_lines(grid, axis);
    LineRates rates({&process, &grid, lines, process.is_axis_separable()});
    parallel::together(grid.communicator(), [&] { rates.build(t); });
    const Index cells = grid.cells(axis);
    const bool is_last = axis == d - 1, is_transport = shape.axis[axis] == 0;
    double* current = result.current.view().coordinate(axis);
    for (Index line = 0; line < lines.count; ++line) {
      const int lane = rates.shared() ? 0 : static_cast<int>(line % lane_count);
      const Lanes *up = rates.up(line / lane_count), *down = rates.down(line / lane_count);
      const double* mass = p.data() + halo.offset() + lines.start(line);
      for (Index face = 0; face <= lines.length; ++face) {
        const Index left = face - 1, right = face;  // within the line
        const bool is_lower = lines.begin + left < 0, is_upper = lines.begin + right >= cells;
        // Neighbours beyond the line: through the halo on the last axis, at the other end on a periodic one; row 0 and
        // the last row of an open side have no rate of coming back.
        const auto value = [&](Index j) {
          if (is_last && (j < 0 || j >= lines.length)) return mass[j * lines.inner];
          return mass[(j + lines.length) % lines.length * lines.inner];
        };
        const double flux = up[face].v[lane] * (is_lower && !grid.is_periodic(axis) ? 0.0 : value(left)) -
                            down[face + 1].v[lane] * (is_upper && !grid.is_periodic(axis) ? 0.0 : value(right));
        if (!grid.is_periodic(axis) && (is_lower || is_upper))
          sums[2 * axis + (is_upper ? 1 : 0)].add(is_lower ? -flux : flux);
        for (std::size_t b = 0; b < boxes.size(); ++b) {
          // Each face of a box is counted by the owner of the cell inside.
          const Index number = lines.begin + face;
          const bool enters = number == boxes[b].first[axis] && right < lines.length;
          const bool leaves = number == boxes[b].last[axis] && left >= 0;
          if (!enters && !leaves) continue;
          if (grid.is_periodic(axis) && boxes[b].last[axis] - boxes[b].first[axis] == cells) continue;
          const Index inside = lines.start(line) + (enters ? right : left) * lines.inner;
          if (contains(boxes[b], cell_index(grid, first_cell + inside), axis)) box_sums[b].add(enters ? -flux : flux);
        }
        for (Index j : {left, right}) {
          if (j < 0 || j >= lines.length) continue;
          const Index cell = lines.start(line) + j * lines.inner;
          current[cell] += 0.5 * flux * grid.width(axis, lines.begin + j) / volumes[cell];
        }
      }
    }
    if (is_transport) transport_current(process, grid, t, axis, masses, volumes, current);
  }
  result.exits = total(grid, sums);
  result.boxes = grid.communicator().sum(box_sums);
  return result;
}

double kinetic_energy(const Grid& grid, const Fluxes& fluxes, std::span<const double> masses) {
  const std::vector<double> volumes = grid.local_volumes();
  parallel::ExactSum sum;
  for (Index i = 0; i < grid.local_count(); ++i) {
    if (!(masses[i] > 1e-280)) continue;  // J^2 underflows there
    double square = 0;
    for (int k = 0; k < grid.dimension(); ++k) square += fluxes.current(i, k) * fluxes.current(i, k);
    sum.add(square * volumes[i] * volumes[i] / masses[i]);
  }
  return grid.communicator().sum(sum);
}

namespace {
std::vector<double> masses_of(const DensityPath& path, const Snapshot& snapshot) {
  std::vector<double> masses = path.grid->local_volumes();
  for (std::size_t i = 0; i < masses.size(); ++i) masses[i] *= snapshot.values[i];
  return masses;
}
}  // namespace

PointArray current(const DensityPath& path, const Snapshot& snapshot) {
  return fluxes(*path.process, *path.grid, snapshot.time, masses_of(path, snapshot)).current;
}

PointArray velocity(const DensityPath& path, const Snapshot& snapshot) {
  PointArray v = current(path, snapshot);
  for (int k = 0; k < v.dimension(); ++k) {
    for (Index i = 0; i < v.size(); ++i) v(i, k) = snapshot.values[i] > 1e-280 ? v(i, k) / snapshot.values[i] : 0.0;
  }
  return v;
}

}  // namespace fortet::densities
