// Score of a computed density: the gradient of a piecewise cubic interpolant of log p with continuous first
// derivatives.
#include "fortet/densities/density.hpp"

namespace fortet::densities {

namespace {

/// Weights of the four nodes around a point, for the interpolant and its derivative along one axis.
struct Weights {
  std::array<Index, 4> node;
  std::array<double, 4> value{}, slope{};
};

class ScoreField final : public processes::Field {
 public:
  explicit ScoreField(const DensityPath& path) : grid_(path.grid) {
    if (path.snapshots.empty()) throw UsageError("density '" + path.name + "' has no snapshots to take a score from");
    for (const Snapshot& snapshot : path.snapshots) {
      std::vector<double> logarithms(snapshot.values.size());
      // exp(-690) = 1e-300: cells below the range of double have a flat logarithm, hence no score.
      for (std::size_t i = 0; i < logarithms.size(); ++i)
        logarithms[i] = std::log(std::max(snapshot.values[i], 1e-300));
      times_.push_back(snapshot.time);
      logarithms_.push_back(grid_->communicator().gather_all(logarithms));
    }
  }
  int input_dimension() const override { return grid_->dimension(); }
  int output_dimension() const override { return grid_->dimension(); }

  void evaluate(double t, ConstPoints x, Points out) const override {
    const std::size_t after = std::upper_bound(times_.begin(), times_.end(), t) - times_.begin();
    const std::size_t upper = std::min(after, times_.size() - 1), lower = after == 0 ? 0 : after - 1;
    const double part = upper > lower ? (t - times_[lower]) / (times_[upper] - times_[lower]) : 0.0;
    const int d = grid_->dimension();
    std::array<Weights, 3> w;
    for (Index i = 0; i < x.size(); ++i) {
      for (int k = 0; k < d; ++k) w[k] = weights(k, x(i, k));
      std::array<double, 3> before = gradient(logarithms_[lower], w);
      if (part > 0) {
        const std::array<double, 3> later = gradient(logarithms_[upper], w);
        for (int k = 0; k < d; ++k) before[k] += part * (later[k] - before[k]);
      }
      for (int k = 0; k < d; ++k) out(i, k) = before[k];
    }
  }

 private:
  /// Derivative at node b of the parabola through nodes a < b < c (or at a or c): weights of a, b, c.
  static std::array<double, 3> parabola(double a, double b, double c, double at) {
    return {(2 * at - b - c) / ((a - b) * (a - c)), (2 * at - a - c) / ((b - a) * (b - c)),
            (2 * at - a - b) / ((c - a) * (c - b))};
  }

  Weights weights(int axis, double x) const {
    const std::vector<double>& centres = grid_->centres(axis);
    const Index n = static_cast<Index>(centres.size());
    const bool periodic = grid_->is_periodic(axis) && n > 2;
    const double length = grid_->edges(axis).back() - grid_->edges(axis).front();
    Weights w;
    w.node.fill(0);
    if (n == 1) {
      w.value[1] = 1;
      return w;
    }
    if (periodic) {
      x -= length * std::floor((x - centres.front()) / length);
    } else {
      x = std::clamp(x, centres.front(), centres.back());
    }
    Index i = std::upper_bound(centres.begin(), centres.end(), x) - centres.begin() - 1;
    i = periodic ? std::clamp<Index>(i, 0, n - 1) : std::clamp<Index>(i, 0, n - 2);
    const auto node = [&](Index j) { return periodic ? ((j % n) + n) % n : std::clamp<Index>(j, 0, n - 1); };
    const auto place = [&](Index j) {
      return periodic ? centres[node(j)] + length * static_cast<double>(j >= n ? 1 : j < 0 ? -1 : 0) : centres[node(j)];
    };
    for (int k = 0; k < 4; ++k) w.node[k] = node(i - 1 + k);
    const double left = place(i), right = place(i + 1), h = right - left, s = (x - left) / h;
    const double h00 = (1 + 2 * s) * (1 - s) * (1 - s), h10 = s * (1 - s) * (1 - s), h01 = s * s * (3 - 2 * s),
                 h11 = s * s * (s - 1);
    const double d00 = 6 * s * (s - 1) / h, d10 = (1 - s) * (1 - 3 * s), d01 = -d00, d11 = s * (3 * s - 2);
    w.value[1] = h00;
    w.value[2] = h01;
    w.slope[1] = d00;
    w.slope[2] = d01;
    if (n == 2) {  // a straight line
      w.value[1] = 1 - s;
      w.value[2] = s;
      w.slope[1] = -1 / h;
      w.slope[2] = 1 / h;
      return w;
    }
    const auto add = [&](int first, const std::array<double, 3>& derivative, double value, double slope) {
      for (int k = 0; k < 3; ++k) {
        w.value[first + k] += value * h * derivative[k];
        w.slope[first + k] += slope * derivative[k];
      }
    };
    const bool has_before = periodic || i > 0, has_after = periodic || i + 2 < n;
    if (has_before)
      add(0, parabola(place(i - 1), left, right, left), h10, d10);
    else
      add(1, parabola(left, right, place(i + 2), left), h10, d10);
    if (has_after)
      add(1, parabola(left, right, place(i + 2), right), h11, d11);
    else
      add(0, parabola(place(i - 1), left, right, right), h11, d11);
    return w;
  }

  std::array<double, 3> gradient(const std::vector<double>& values, const std::array<Weights, 3>& w) const {
    const int d = grid_->dimension();
    const Index row = grid_->cells(0), layer = d > 1 ? row * grid_->cells(1) : 0;
    std::array<double, 3> sum{};
    for (int c = 0; c < (d > 2 ? 4 : 1); ++c) {
      std::array<double, 3> plane{};
      for (int b = 0; b < (d > 1 ? 4 : 1); ++b) {
        double value = 0, slope = 0;
        const double* line = values.data() + (d > 1 ? w[1].node[b] * row : 0) + (d > 2 ? w[2].node[c] * layer : 0);
        for (int a = 0; a < 4; ++a) {
          value += w[0].value[a] * line[w[0].node[a]];
          slope += w[0].slope[a] * line[w[0].node[a]];
        }
        if (d == 1) return {slope, 0, 0};
        plane[0] += w[1].value[b] * slope;
        plane[1] += w[1].slope[b] * value;
        plane[2] += w[1].value[b] * value;
      }
      if (d == 2) return plane;
      sum[0] += w[2].value[c] * plane[0];
      sum[1] += w[2].value[c] * plane[1];
      sum[2] += w[2].slope[c] * plane[2];
    }
    return sum;
  }

  GridPtr grid_;
  std::vector<double> times_;
  std::vector<std::vector<double>> logarithms_;
};

}  // namespace

processes::FieldPtr score_field(const DensityPath& path) { return std::make_shared<ScoreField>(path); }

}  // namespace fortet::densities
