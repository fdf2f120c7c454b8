#include "carrier.hpp"

#include "fortet/base/vector_math.hpp"
#include "fortet/parallel/threads.hpp"

namespace fortet::bridges {

namespace {
class LinearCarrier final : public Carrier {
 public:
  LinearCarrier(densities::GridPtr grid, std::unique_ptr<densities::Propagator> propagator, double horizon, long steps)
      : grid_(std::move(grid)), propagator_(std::move(propagator)), horizon_(horizon), steps_(steps) {}
  void forward(double t0, double t1, std::vector<double>& logarithms) override {
    scaled(logarithms, [&] { propagator_->forward(t0, t1, steps(t0, t1), values_); });
  }
  void backward(double t0, double t1, std::vector<double>& logarithms) override {
    scaled(logarithms, [&] { propagator_->backward(t0, t1, steps(t0, t1), values_); });
  }
  double least() const override { return least_; }

 private:
  long steps(double t0, double t1) const {
    if (propagator_->is_exact_in_time()) return 1;
    return std::max(1L, std::lround(static_cast<double>(steps_) * (t1 - t0) / horizon_));
  }
  template <class Body>
  void scaled(std::vector<double>& logarithms, Body body) {
    const double shift = grid_->communicator().max(*std::max_element(logarithms.begin(), logarithms.end()));
    values_.resize(logarithms.size());
    exponentiate(logarithms, shift, values_);
    body();
    take_logarithms(values_, shift, logarithms);
    least_ = shift + std::log(1e-285);  // sums of terms below the range of double lie far below this
  }

  densities::GridPtr grid_;
  std::unique_ptr<densities::Propagator> propagator_;
  double horizon_;
  long steps_;
  std::vector<double> values_;
  double least_ = 0;
};

class LogCarrier final : public Carrier {
 public:
  explicit LogCarrier(std::unique_ptr<densities::LogPropagator> propagator) : propagator_(std::move(propagator)) {}
  void forward(double t0, double t1, std::vector<double>& logarithms) override {
    propagator_->forward(t0, t1, logarithms);
  }
  void backward(double t0, double t1, std::vector<double>& logarithms) override {
    propagator_->backward(t0, t1, logarithms);
  }
  double least() const override { return std::numeric_limits<double>::lowest(); }

 private:
  std::unique_ptr<densities::LogPropagator> propagator_;
};
}  // namespace

std::unique_ptr<Carrier> linear_carrier(densities::GridPtr grid, std::unique_ptr<densities::Propagator> propagator,
                                        double horizon, long steps) {
  return std::make_unique<LinearCarrier>(std::move(grid), std::move(propagator), horizon, steps);
}

std::unique_ptr<Carrier> log_carrier(std::unique_ptr<densities::LogPropagator> propagator) {
  return std::make_unique<LogCarrier>(std::move(propagator));
}

namespace {
/// out[i] = function(in[i]), always in lanes of a fixed length, so that a value does not depend on where a slab starts.
template <class Function>
void map(const std::vector<double>& in, std::vector<double>& out, Function function) {
  constexpr Index tile = 64, block = 128 * tile;
  parallel::for_blocks(static_cast<Index>(in.size()), block, [&](Index begin, Index end) {
    alignas(64) double values[tile] = {};
    for (Index first = begin; first < end; first += tile) {
      const Index count = std::min(tile, end - first);
      std::copy_n(in.data() + first, count, values);
#pragma omp simd
      for (Index i = 0; i < tile; ++i) values[i] = function(values[i]);
      std::copy_n(values, count, out.data() + first);
    }
  });
}
}  // namespace

void exponentiate(const std::vector<double>& logarithms, double shift, std::vector<double>& values) {
  map(logarithms, values, [shift](double x) { return vectorised::exp(x - shift); });
}

void take_logarithms(const std::vector<double>& values, double shift, std::vector<double>& logarithms) {
  map(values, logarithms, [shift](double x) { return vectorised::log(x) + shift; });
}

}  // namespace fortet::bridges
