// Axis with diffusion (or upwind transport): Markov rates and uniformization.
#include <map>
#include <set>

#include "flux_coefficients.hpp"
#include "fortet/parallel/threads.hpp"
#include "line_operator.hpp"
#include "uniformization.hpp"

namespace fortet::densities {

namespace {

class LineDiffusion final : public LineOperator {
 public:
  LineDiffusion(const LineProblem& problem, double memory) : problem_(problem) {
    built_ = std::make_shared<Built>(problem);
    const double bytes = problem.grid->communicator().max(static_cast<double>(built_->rates.bytes()));
    most_kept_ = static_cast<std::size_t>(memory / std::max(1.0, bytes));
  }

  void build(double t) override {
    if (const auto found = kept_.find(t); found != kept_.end()) {
      built_ = found->second;
      return;
    }
    if (built_.use_count() > 1) built_ = std::make_shared<Built>(problem_);
    LineRates& rates = built_->rates;
    parallel::together(problem_.grid->communicator(), [&] { rates.build(t); });
    // A little above the largest rate, so that the weight of staying put is never a difference of nearly equal numbers.
    built_->events_per_time = 1.0625 * problem_.grid->communicator().max(rates.largest());
    rates.scale(built_->events_per_time);
    // A time that comes a second time belongs to steps that are repeated.
    if (seen_.contains(t))
      kept_.emplace(t, built_);
    else if (seen_.size() < most_kept_)
      seen_.insert(t);
  }
  void forward(double time, double* masses, std::vector<double>* absorbed) override {
    const PoissonSeries series = poisson_series(built_->events_per_time * time);
    uniformize_forward(built_->rates, periodic(), series, masses, absorbed);
    count(series);
  }
  void backward(double time, double* values) override {
    const PoissonSeries series = poisson_series(built_->events_per_time * time);
    uniformize_backward(built_->rates, periodic(), series, values);
    count(series);
  }

 private:
  struct Built {
    explicit Built(const LineProblem& problem) : rates(problem) {}
    LineRates rates;
    double events_per_time = 0;
  };
  bool periodic() const { return problem_.grid->is_periodic(problem_.lines.axis); }
  void count(const PoissonSeries& series) {
    terms_ += static_cast<double>(series.terms()) * static_cast<double>(problem_.lines.count * problem_.lines.length);
  }
  LineProblem problem_;
  std::shared_ptr<Built> built_;
  std::size_t most_kept_;  ///< the same on all ranks, as the decisions that follow from it
  std::set<double> seen_;
  std::map<double, std::shared_ptr<Built>> kept_;
};

}  // namespace

std::unique_ptr<LineOperator> make_line_diffusion(const LineProblem& problem, double memory) {
  return std::make_unique<LineDiffusion>(problem, memory);
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
