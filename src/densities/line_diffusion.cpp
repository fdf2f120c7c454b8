// Axis with diffusion (or upwind transport): Markov rates and uniformization.
#include "flux_coefficients.hpp"
#include "fortet/parallel/threads.hpp"
#include "line_operator.hpp"
#include "uniformization.hpp"

namespace fortet::densities {

namespace {

class LineDiffusion final : public LineOperator {
 public:
  explicit LineDiffusion(const LineProblem& problem) : problem_(problem), rates_(problem) {}

  void build(double t) override {
    parallel::together(problem_.grid->communicator(), [&] { rates_.build(t); });
    // A little above the largest rate, so that the weight of staying put is never a difference of nearly equal numbers.
    events_per_time_ = 1.0625 * problem_.grid->communicator().max(rates_.largest());
    rates_.scale(events_per_time_);
  }
  void forward(double time, double* masses, std::vector<double>* absorbed) override {
    const PoissonSeries series = poisson_series(events_per_time_ * time);
    uniformize_forward(rates_, periodic(), series, masses, absorbed);
    count(series);
  }
  void backward(double time, double* values) override {
    const PoissonSeries series = poisson_series(events_per_time_ * time);
    uniformize_backward(rates_, periodic(), series, values);
    count(series);
  }

 private:
  bool periodic() const { return problem_.grid->is_periodic(problem_.lines.axis); }
  void count(const PoissonSeries& series) {
    terms_ += static_cast<double>(series.terms()) * static_cast<double>(problem_.lines.count * problem_.lines.length);
  }
  LineProblem problem_;
  LineRates rates_;
  double events_per_time_ = 0;
};

}  // namespace

std::unique_ptr<LineOperator> make_line_diffusion(const LineProblem& problem) {
  return std::make_unique<LineDiffusion>(problem);
}

DiffusionShape diffusion_shape(const processes::Process& process, const Grid& grid) {
  const int d = grid.dimension();
  DiffusionShape shape{std::vector<double>(d, 0.0), 0.0};
  if (process.noise_shape() == processes::NoiseShape::none) return shape;
  if (process.noise_shape() == processes::NoiseShape::uniform) {
    shape.axis.assign(d, 1.0);  // the level may vanish at single times; the axes are diffusive all the same
    return shape;
  }
  std::vector<double> largest(d * (d + 1) / 2, 0.0);
  for (double fraction : {0.0, 0.5, 1.0}) {
    PointArray x(block_size, d), a(block_size, d * (d + 1) / 2);
    for (Index begin = 0; begin < grid.local_count(); begin += block_size) {
      const Index count = std::min(block_size, grid.local_count() - begin);
      grid.local_centres(begin, x.view().slice(0, count));
      process.diffusion(fraction * process.horizon(), ConstPoints(x.view().slice(0, count)), a.view().slice(0, count));
      for (int k = 0; k < a.dimension(); ++k) {
        for (Index i = 0; i < count; ++i) largest[k] = std::max(largest[k], std::abs(a(i, k)));
      }
    }
    if (process.noise_is_additive() && process.has_clock()) break;
  }
  MPI_Allreduce(MPI_IN_PLACE, largest.data(), static_cast<int>(largest.size()), MPI_DOUBLE, MPI_MAX,
                grid.communicator().handle());
  int column = 0;
  for (int i = 0; i < d; ++i) {
    for (int j = i; j < d; ++j, ++column) {
      if (i == j)
        shape.axis[i] = 0.5 * largest[column];
      else
        shape.cross = std::max(shape.cross, 0.5 * largest[column]);
    }
  }
  return shape;
}

}  // namespace fortet::densities
