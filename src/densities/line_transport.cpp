// Axis without diffusion: d/dt p + d/dx (b p) = 0 along lines, conservative and positive.
// WENO5-Z: Borges, Carmona, Costa, Don 2008. MUSCL: van Leer 1979. SSP-RK3: Shu, Osher 1988. Limiter: Zhang, Shu 2010.
#include "flux_coefficients.hpp"
#include "fortet/parallel/threads.hpp"
#include "grid_coefficients.hpp"
#include "line_operator.hpp"

namespace fortet::densities {

namespace {

using Vector = Lanes::Vector;
constexpr Index ghosts = 3;

Vector min(Vector a, Vector b) { return a < b ? a : b; }
Vector max(Vector a, Vector b) { return a > b ? a : b; }
Vector size_of(Vector a) { return a < 0.0 ? -a : a; }
Vector constant(double value) { return Vector{} + value; }

/// Value at the face towards `e` of the middle cell c from five cell averages a b c d e.
Vector weno5_z(Vector a, Vector b, Vector c, Vector d, Vector e) {
  const Vector s0 = a - 2.0 * b + c, r0 = a - 4.0 * b + 3.0 * c;
  const Vector s1 = b - 2.0 * c + d, r1 = b - d;
  const Vector s2 = c - 2.0 * d + e, r2 = 3.0 * c - 4.0 * d + e;
  const Vector b0 = (13.0 / 12) * s0 * s0 + 0.25 * r0 * r0, b1 = (13.0 / 12) * s1 * s1 + 0.25 * r1 * r1,
               b2 = (13.0 / 12) * s2 * s2 + 0.25 * r2 * r2;
  // The floor is relative to the data, so that the scheme is the same for a density of any scale; 1e-300 only guards
  // 0/0.
  const Vector floor = 1e-26 * (a * a + b * b + c * c + d * d + e * e) + 1e-300, tau = size_of(b0 - b2);
  const Vector q0 = tau / (b0 + floor), q1 = tau / (b1 + floor), q2 = tau / (b2 + floor);
  const Vector w0 = 0.1 * (1.0 + q0 * q0), w1 = 0.6 * (1.0 + q1 * q1), w2 = 0.3 * (1.0 + q2 * q2);
  const Vector f0 = 2.0 * a - 7.0 * b + 11.0 * c, f1 = -b + 5.0 * c + 2.0 * d, f2 = 2.0 * c + 5.0 * d - e;
  return (w0 * f0 + w1 * f1 + w2 * f2) / (6.0 * (w0 + w1 + w2));
}

class LineTransport final : public LineOperator {
 public:
  LineTransport(const LineProblem& problem, bool weno)
      : problem_(problem), weno_(weno && problem.grid->is_uniform(problem.lines.axis)) {
    const Index tiles = problem_.shared ? 1 : problem_.lines.tiles();
    velocity_.resize(tiles * (length() + 1));
  }

  void build(double t) override;
  void forward(double time, double* masses, std::vector<double>* absorbed) override;
  void backward(double, double*) override {
    throw UsageError(
        "the backward equation of an axis without diffusion needs 'transport: upwind' (the other schemes are nonlinear "
        "and "
        "have no transpose)");
  }
  bool has_transpose() const override { return false; }
  bool is_exact() const override { return false; }

 private:
  struct Workspace {
    std::vector<Lanes> p, start, lower, upper, widths;
  };
  Index length() const { return problem_.lines.length; }
  bool periodic() const { return problem_.grid->is_periodic(problem_.lines.axis); }
  void build_tile(double t, Index tile);
  void fill_ghosts(Lanes* p) const;
  void reconstruct(const Lanes* p, Workspace& work) const;
  void advance(const Lanes* velocity, double step, long count, Workspace& work, Vector* out) const;

  LineProblem problem_;
  bool weno_;
  std::vector<Lanes> velocity_;  ///< at the faces of each tile
  double largest_rate_ = 0;      ///< max |b| / width
};

void LineTransport::build(double t) {
  parallel::together(problem_.grid->communicator(), [&] {
    const Index tiles = problem_.shared ? 1 : problem_.lines.tiles();
    parallel::for_blocks(tiles, 1, [&](Index tile, Index) { build_tile(t, tile); });
    const Index n = length();
    largest_rate_ = 0;
    for (Index i = 0; i < static_cast<Index>(velocity_.size()); ++i) {
      const Index face = i % (n + 1);
      const double width = std::min(problem_.grid->width(problem_.lines.axis, std::max<Index>(face - 1, 0)),
                                    problem_.grid->width(problem_.lines.axis, std::min(face, n - 1)));
      for (int lane = 0; lane < lane_count; ++lane) {
        const double rate = std::abs(velocity_[i].v[lane]) / width;
        if (!std::isfinite(rate)) {
          PointArray point(1, problem_.grid->dimension());
          lane_position(*problem_.grid, problem_.lines, problem_.shared, i / (n + 1), lane, point);
          point(0, problem_.lines.axis) = problem_.grid->edges(problem_.lines.axis)[problem_.lines.begin + face];
          throw_not_finite(*problem_.process, t, point, problem_.lines.axis);
        }
        largest_rate_ = std::max(largest_rate_, rate);
      }
    }
  });
  largest_rate_ = problem_.grid->communicator().max(largest_rate_);
}

void LineTransport::build_tile(double t, Index tile) {
  const Grid& grid = *problem_.grid;
  const int axis = problem_.lines.axis, d = grid.dimension();
  const Index n = length(), last = std::max<Index>(problem_.lines.count - 1, 0);
  PointArray faces((n + 1) * lane_count, d);
  LineSet origin = problem_.lines;
  origin.first = 0;
  std::vector<double> position(d), drift(faces.size()), diffusion(faces.size());
  for (int lane = 0; lane < lane_count; ++lane) {
    line_position(grid, problem_.shared ? origin : problem_.lines,
                  problem_.shared ? 0 : std::min(tile * lane_count + lane, last), position.data());
    for (Index face = 0; face <= n; ++face) {
      position[axis] = grid.edges(axis)[face];
      for (int k = 0; k < d; ++k) faces(face * lane_count + lane, k) = position[k];
    }
  }
  axis_coefficients(*problem_.process, t, faces, axis, drift.data(), diffusion.data());
  Lanes* velocity = velocity_.data() + tile * (n + 1);
  for (Index i = 0; i < faces.size(); ++i) velocity[i / lane_count].v[i % lane_count] = drift[i];
  if (grid.boundary(axis, 0) == Boundary::no_flux) velocity[0].v = Vector{};
  if (grid.boundary(axis, 1) == Boundary::no_flux) velocity[n].v = Vector{};
  if (periodic()) velocity[0].v = velocity[n].v = 0.5 * (velocity[0].v + velocity[n].v);
}

void LineTransport::fill_ghosts(Lanes* p) const {
  const Index n = length();
  const int axis = problem_.lines.axis;
  for (Index g = 1; g <= ghosts; ++g) {
    if (periodic()) {
      p[-g] = p[((n - g) % n + n) % n];
      p[n - 1 + g] = p[(g - 1) % n];
      continue;
    }
    // Mirror images at a wall, the last value beyond an open side.
    const Index mirrored = std::min(g - 1, n - 1);
    p[-g] = p[problem_.grid->boundary(axis, 0) == Boundary::no_flux ? mirrored : 0];
    p[n - 1 + g] = p[problem_.grid->boundary(axis, 1) == Boundary::no_flux ? n - 1 - mirrored : n - 1];
  }
}

void LineTransport::reconstruct(const Lanes* p, Workspace& work) const {
  const Index n = length();
  const Grid& grid = *problem_.grid;
  const int axis = problem_.lines.axis;
  const auto width = [&](Index cell) { return grid.width(axis, std::clamp<Index>(cell, 0, n - 1)); };
  for (Index j = -1; j <= n; ++j) {
    const Vector mean = p[j].v;
    Vector low, high;
    if (weno_) {
      low = weno5_z(p[j + 2].v, p[j + 1].v, mean, p[j - 1].v, p[j - 2].v);
      high = weno5_z(p[j - 2].v, p[j - 1].v, mean, p[j + 1].v, p[j + 2].v);
    } else {
      const double w = width(j), below = 0.5 * (w + width(j - 1)), above = 0.5 * (w + width(j + 1));
      const Vector down = (mean - p[j - 1].v) / below, up = (p[j + 1].v - mean) / above;
      const Vector central = (down * above + up * below) / (below + above);
      const Vector limit = 2.0 * min(size_of(down), size_of(up)), steep = min(size_of(central), limit);
      const Vector slope = down * up > 0.0 ? (central > 0.0 ? steep : -steep) : Vector{};
      low = mean - 0.5 * w * slope;
      high = mean + 0.5 * w * slope;
    }
    // Scale the deviations so that both face values and what they leave of the mean (Simpson weights 1/6, 2/3, 1/6)
    // stay >= 0.
    const Vector middle = 1.5 * mean - 0.25 * (low + high), least = min(min(low, high), middle);
    const Vector factor = least < 0.0 ? mean / (mean - least) : constant(1.0);
    // The maximum is without effect but for the last bit.
    work.lower[j + 1].v = max(mean + factor * (low - mean), Vector{});
    work.upper[j + 1].v = max(mean + factor * (high - mean), Vector{});
  }
}

void LineTransport::advance(const Lanes* velocity, double step, long count, Workspace& work, Vector* out) const {
  const Index n = length();
  const bool open = !periodic();
  Lanes* p = work.p.data() + ghosts;
  // u <- u0 + c ((u - u0) + step L u): the stages of SSP-RK3 in a form whose weights cannot lose mass.
  constexpr double blend[3] = {1.0, 0.25, 2.0 / 3}, counted[3] = {1.0 / 6, 1.0 / 6, 2.0 / 3};
  const auto flux = [&](Index face) {
    const Vector v = velocity[face].v, zero{};
    const Vector from_below = open && face == 0 ? zero : max(v, zero) * work.upper[face].v;
    const Vector from_above = open && face == n ? zero : min(v, zero) * work.lower[face + 1].v;
    return from_below + from_above;
  };
  for (long s = 0; s < count; ++s) {
    std::copy_n(p, n, work.start.data());
    for (int stage = 0; stage < 3; ++stage) {
      fill_ghosts(p);
      reconstruct(p, work);
      Vector left = flux(0);
      out[0] -= (counted[stage] * step) * left;
      for (Index j = 0; j < n; ++j) {
        const Vector right = flux(j + 1), initial = work.start[j].v;
        p[j].v = initial + blend[stage] * ((p[j].v - initial) + step * (left - right) / work.widths[j].v);
        left = right;
      }
      out[1] += (counted[stage] * step) * left;
    }
  }
}

void LineTransport::forward(double time, double* masses, std::vector<double>* absorbed) {
  const double courant = 0.16;  // below 1/6, the Simpson weight of the positivity limiter: rounding cannot empty a cell
  const long count = static_cast<long>(std::ceil(time * largest_rate_ / courant));
  if (count == 0) return;
  const Index n = length();
  const LineSet& lines = problem_.lines;
  parallel::for_blocks(lines.tiles(), 1, [&](Index tile, Index) {
    thread_local Workspace work;
    work.p.resize(n + 2 * ghosts);
    work.start.resize(n);
    work.lower.resize(n + 2);
    work.upper.resize(n + 2);
    work.widths.resize(n);
    Lanes* p = work.p.data() + ghosts;
    load_tile(masses, lines, tile, p);
    for (Index j = 0; j < n; ++j) {
      work.widths[j].v = constant(problem_.grid->width(lines.axis, j));
      p[j].v /= work.widths[j].v;
    }
    Vector out[2] = {Vector{}, Vector{}};
    advance(velocity_.data() + (problem_.shared ? 0 : tile * (n + 1)), time / static_cast<double>(count), count, work,
            out);
    for (Index j = 0; j < n; ++j) p[j].v *= work.widths[j].v;
    store_tile(masses, lines, tile, p);
    if (!absorbed) return;
    for (Index lane = 0; lane < lane_count && tile * lane_count + lane < lines.count; ++lane) {
      absorbed[0][tile * lane_count + lane] += out[0][lane];
      absorbed[1][tile * lane_count + lane] += out[1][lane];
    }
  });
  terms_ += 3.0 * static_cast<double>(count) * static_cast<double>(lines.count * n);
}

}  // namespace

std::unique_ptr<LineOperator> make_line_transport(const LineProblem& problem, bool weno) {
  return std::make_unique<LineTransport>(problem, weno);
}

}  // namespace fortet::densities
