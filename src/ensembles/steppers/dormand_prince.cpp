#include <cmath>

#include "../flow_stepper.hpp"

namespace fortet::ensembles {
namespace {

constexpr int stages = 7;
constexpr double nodes[stages] = {0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1};
constexpr double factors[stages][stages - 1] = {
    {},
    {1.0 / 5},
    {3.0 / 40, 9.0 / 40},
    {44.0 / 45, -56.0 / 15, 32.0 / 9},
    {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
    {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
    {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84}};  // also the weights of order 5
constexpr double error_weights[stages] = {71.0 / 57600,      0,          -71.0 / 16695, 71.0 / 1920,
                                          -17253.0 / 339200, 22.0 / 525, -1.0 / 40};
constexpr double dense_weights[stages] = {-12715105075.0 / 11282082432,  0,
                                          87487479700.0 / 32700410799,   -10690763975.0 / 1880347072,
                                          701980252875.0 / 199316789632, -1453857185.0 / 822651844,
                                          69997945.0 / 29380423};

/// Front of one group: y and slope[0] at time, the last step [time - last_size, time] for dense output.
struct Front : ChunkState {
  Front(Index n, int columns) : y(n, columns), previous(n, columns), trial(n, columns) {
    for (PointArray& k : slope) k = PointArray(n, columns);
  }
  double time = 0, size = 0, last_size = 0, last_error = 1e-4;
  PointArray y, previous, trial;
  std::array<PointArray, stages> slope;
};

/// Dormand and Prince's pair 5(4) with a PI step-size controller and dense output of order 4.
///
/// Steps are chosen for groups of particles with consecutive ids that begin at multiples of the group size, which
/// depends on the number of particles of the whole ensemble only; the error of a group is the largest of its particles.
/// So the steps do not depend on the partition into ranks and threads, and a field that is costly to prepare per time
/// is prepared once per group.
class DormandPrince : public FlowStepper {
 public:
  DormandPrince(const Parameters& parameters, const StepperContext& context)
      : FlowStepper(parameters, context), particles_(context.particles), end_(context.end) {
    const double base = context.tolerance > 0 ? context.tolerance : parameters.real("relative");
    const double scale = std::pow(context.coarsening, 5);  // the step grows like tolerance^{1/5}
    relative_ = base * scale;
    absolute_ = (parameters.has("absolute") ? parameters.real("absolute") : base) * scale;
    const Index needed =
        (static_cast<Index>(std::min<std::int64_t>(particles_, largest_group)) + granule - 1) / granule * granule;
    group_ = std::max(granule, needed);
  }
  bool is_adaptive() const override { return true; }
  Index alignment() const override { return group_; }

  void apply(const Step& step, const Prepared*, const Block& block, Workspace& workspace) const override {
    if (!workspace.state) workspace.state = start(step.begin, block, workspace);
    Front& front = static_cast<Front&>(*workspace.state);
    while (front.time < step.end) advance(front, block.first, workspace);
    output(front, step.end, block, workspace);
  }

 private:
  static constexpr Index largest_group = 1024;

  /// Largest scaled component of `error` over the group's particles, and where it is.
  struct Size {
    double value;
    std::int64_t particle;
  };
  Size scaled_size(ConstPoints error, ConstPoints a, ConstPoints b, std::int64_t first) const {
    const Index valid = std::min<std::int64_t>(error.size(), particles_ - first);
    Size size{0, first};
    for (int k = 0; k < error.dimension(); ++k) {
      for (Index i = 0; i < valid; ++i) {
        const double scaled =
            std::abs(error(i, k)) / (absolute_ + relative_ * std::max(std::abs(a(i, k)), std::abs(b(i, k))));
        if (!(scaled <= size.value)) size = {scaled, first + i};
        if (std::isnan(scaled)) return size;
      }
    }
    return size;
  }

  /// First step size after Hairer, Norsett and Wanner 1993, section II.4.
  std::unique_ptr<Front> start(double t, const Block& block, Workspace& workspace) const {
    auto front = std::make_unique<Front>(block.x.size(), columns());
    load(block, front->y);
    front->time = t;
    velocity(t, block.first, front->y, front->slope[0], workspace);
    const double d0 = scaled_size(front->y, front->y, front->y, block.first).value;
    const double d1 = scaled_size(front->slope[0], front->y, front->y, block.first).value;
    double h = d0 < 1e-5 || d1 < 1e-5 ? 1e-6 * end_ : 0.01 * d0 / d1;
    h = std::min(h, end_ - t);
    combine(front->y, h, front->slope[0], front->trial);
    velocity(t + h, block.first, front->trial, front->slope[1], workspace);
    combine(front->slope[1], -1.0, front->slope[0], front->trial);
    const double d2 = scaled_size(front->trial, front->y, front->y, block.first).value / h;
    const double steepest = std::max(d1, d2);
    const double guess = steepest <= 1e-15 ? std::max(1e-6 * end_, h * 1e-3) : std::pow(0.01 / steepest, 0.2);
    front->size = std::min(100 * h, guess);
    return front;
  }

  /// One accepted step.
  void advance(Front& front, std::int64_t first, Workspace& workspace) const {
    double growth = 10;
    if (front.last_size > 0)
      std::swap(front.slope[0], front.slope[stages - 1]);  // the last slope is the next first one
    for (;;) {
      const bool last = front.time + 1.0000001 * front.size >= end_;
      const double h = last ? end_ - front.time : front.size;
      for (int i = 1; i < stages; ++i) {
        copy(front.y, front.trial);
        for (int j = 0; j < i; ++j) {
          if (factors[i][j] != 0) add(front.trial, h * factors[i][j], front.slope[j]);
        }
        velocity(front.time + nodes[i] * h, first, front.trial, front.slope[i], workspace);
      }
      fill(front.previous, 0);
      for (int i = 0; i < stages; ++i) {
        if (error_weights[i] != 0) add(front.previous, h * error_weights[i], front.slope[i]);
      }
      const Size error = scaled_size(front.previous, front.y, front.trial, first);
      if (error.value <= 1) {
        copy(front.y, front.previous);
        copy(front.trial, front.y);
        front.time = last ? end_ : front.time + h;
        front.last_size = h;
        // PI controller with exponents 0.17 and 0.04 (Hairer, Norsett, Wanner 1993, section IV.2).
        const double factor = 0.9 * std::pow(front.last_error, 0.04) / std::pow(std::max(error.value, 1e-10), 0.17);
        front.size = h * std::clamp(factor, 0.2, growth);
        front.last_error = std::max(error.value, 1e-4);
        return;
      }
      ++workspace.rejected;
      growth = 1;
      front.size = h * (std::isfinite(error.value) ? std::clamp(0.9 * std::pow(error.value, -0.17), 0.2, 0.9) : 0.2);
      if (front.size < 1e-14 * end_) {
        throw DivergedError("dormand_prince: the step size fell below rounding at time " + std::to_string(front.time) +
                            " for particle " + std::to_string(error.particle) +
                            ": the flow is singular there or not finite");
      }
    }
  }

  /// Interpolates the last step. The slopes move on when the next step begins.
  void output(Front& front, double t, const Block& block, Workspace& workspace) const {
    const Index n = block.x.size();
    if (front.last_size == 0 || t == front.time) {
      store(front.y, block);
      return;
    }
    const double h = front.last_size, theta = (t - (front.time - h)) / h, rest = 1 - theta;
    const Points value = workspace.points(n, columns());
    fill(value, 0);
    for (int i = 0; i < stages; ++i) {
      if (dense_weights[i] != 0) add(value, h * dense_weights[i], front.slope[i]);
    }
    for (int k = 0; k < columns(); ++k) {
      const double *const y0 = front.previous.view().coordinate(k), *const y1 = front.y.view().coordinate(k);
      const double *const k0 = front.slope[0].view().coordinate(k), *const k6 =
                                                                        front.slope[stages - 1].view().coordinate(k);
      double* const out = value.coordinate(k);
#pragma omp simd
      for (Index i = 0; i < n; ++i) {
        const double change = y1[i] - y0[i], bend = h * k0[i] - change;
        out[i] = y0[i] + theta * (change + rest * (bend + theta * (change - h * k6[i] - bend + rest * out[i])));
      }
    }
    store(value, block);
  }

  double relative_ = 0, absolute_ = 0;
  std::int64_t particles_;
  double end_;
  Index group_ = granule;
};

const Registered<StepperFactory> registered_dormand_prince{
    {"steppers",
     "dormand_prince",
     "Adaptive Runge-Kutta pair 5(4) for flows with PI control and dense output; steps are shared by groups of "
     "particles",
     "Dormand and Prince 1980",
     {defaulted("relative", {Type::real}, 1e-6, "Relative tolerance of a step").positive(),
      optional("absolute", {Type::real}, "Absolute tolerance of a step; default: the relative one").positive()}},
    [](const Parameters& parameters, const StepperContext& context) -> StepperPtr {
      return std::make_unique<DormandPrince>(parameters, context);
    }};

}  // namespace
}  // namespace fortet::ensembles
