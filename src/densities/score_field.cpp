// Gradients of logarithms on a grid: the gradient of a piecewise cubic interpolant with continuous first derivatives.
#include "fortet/densities/density.hpp"
#include "fortet/densities/sliced_gradient.hpp"
#include "fortet/parallel/node_shared.hpp"

namespace fortet::densities {

namespace {

/// Four numbers that one vector operation serves: those that belong to the four nodes around a point.
typedef double Four __attribute__((vector_size(4 * sizeof(double))));

/// The nodes of an axis and those beyond its sides: there the parabola through the outer three goes on (its derivative
/// at the outer node is then the central one), periodic axes repeat.
class Padding {
 public:
  Padding(const Grid& grid, int axis)
      : centres_(grid.centres(axis)), n_(grid.cells(axis)), periodic_(grid.is_periodic(axis) && n_ > 2) {}
  Index size() const { return std::max<Index>(4, n_ + (periodic_ ? 3 : 2)); }
  /// `rows`: size() rows of `inner` numbers, those of the nodes from row 1 on.
  void fill(double* rows, Index inner) const {
    for (Index i = 0; i < inner; ++i) {
      const auto node = [&](Index j) { return rows[(j + 1) * inner + i]; };
      double &below = rows[i], &above = rows[(n_ + 1) * inner + i];
      if (periodic_) {
        below = node(n_ - 1);
        above = node(0);
        rows[(n_ + 2) * inner + i] = node(1);
      } else if (n_ < 3) {  // a straight line, or a constant
        below = 2 * node(0) - node(n_ - 1);
        above = 2 * node(n_ - 1) - node(0);
      } else {
        below = beyond(centres_[1] - centres_[0], centres_[2] - centres_[1], node(0), node(1), node(2));
        above = beyond(centres_[n_ - 1] - centres_[n_ - 2], centres_[n_ - 2] - centres_[n_ - 3], node(n_ - 1),
                       node(n_ - 2), node(n_ - 3));
      }
    }
  }

 private:
  /// The parabola with values a, b, c at 0, h, h + k, taken at -h.
  static double beyond(double h, double k, double a, double b, double c) {
    return a * (2 * (2 * h + k)) / (h + k) - b * (2 * h + k) / k + c * 2 * h * h / (k * (h + k));
  }
  const std::vector<double>& centres_;
  Index n_;
  bool periodic_;
};

/// Functions at the nodes of a grid and beyond each of its sides, one copy per node of the machine.
class PaddedNodes {
 public:
  PaddedNodes(const Grid& grid, std::size_t functions, const std::string& folder)
      : grid_(grid), last_(grid.dimension() - 1), functions_(static_cast<Index>(functions)) {
    for (int k = 0; k <= last_; ++k) size_[k] = Padding(grid, k).size();
    shared_ = parallel::NodeShared(grid.communicator(), functions_ * volume(), folder);
  }
  void write(std::size_t function, std::vector<double> slab) {
    for (int k = 0; k < last_; ++k) slab = padded(k, slab);
    shared_.write(first_own(function), slab);
  }
  /// This rank's slab as it was written.
  std::vector<double> read(std::size_t function) const {
    std::vector<double> slab;
    slab.reserve(grid_.local_count());
    const Index rows = last_ > 0 ? grid_.cells(0) : 1, columns = last_ > 1 ? grid_.cells(1) : 1;
    for (Index i = 0; i < grid_.slab().size(); ++i) {
      const double* layer = shared_.values().data() + first_own(function) + i * inner();
      for (Index j = 0; j < columns; ++j) {
        const double* row = layer + (last_ > 1 ? j + 1 : 0) * size_[0] + (last_ > 0 ? 1 : 0);
        slab.insert(slab.end(), row, row + rows);
      }
    }
    return slab;
  }
  void complete() {
    shared_.complete();
    if (shared_.is_leader()) {
      for (Index f = 0; f < functions_; ++f) Padding(grid_, last_).fill(shared_.change() + f * volume(), inner());
    }
    shared_.complete();
  }
  const double* values(std::size_t function) const {
    return shared_.values().data() + static_cast<Index>(function) * volume();
  }
  Index row() const { return size_[0]; }
  Index layer() const { return size_[0] * size_[1]; }

 private:
  Index volume() const { return size_[0] * size_[1] * size_[2]; }
  /// Numbers of one cell of the last axis.
  Index inner() const { return volume() / size_[last_]; }
  Index first_own(std::size_t function) const {
    return static_cast<Index>(function) * volume() + (grid_.slab().begin + 1) * inner();
  }
  /// The slab with the rows beyond the sides of an axis, the lower axes having theirs.
  std::vector<double> padded(int axis, const std::vector<double>& slab) const {
    const Padding padding(grid_, axis);
    const Index n = grid_.cells(axis), inner = axis > 0 ? size_[0] : 1,
                outer = static_cast<Index>(slab.size()) / (n * inner);
    std::vector<double> wider(inner * padding.size() * outer);
    for (Index o = 0; o < outer; ++o) {
      double* to = wider.data() + o * padding.size() * inner;
      std::copy_n(slab.data() + o * n * inner, n * inner, to + inner);
      padding.fill(to, inner);
    }
    return wider;
  }
  const Grid& grid_;
  int last_;
  Index functions_;
  std::array<Index, 3> size_{1, 1, 1};
  parallel::NodeShared shared_;
};

/// The interval between two nodes: the weights of the four nodes around it as cubics in the part of it that is passed.
struct Interval {
  std::array<Four, 4> power;
  double left, inverse_width;
};

class Axis {
 public:
  Axis(const Grid& grid, int axis) : periodic_(grid.is_periodic(axis) && grid.cells(axis) > 2) {
    const Index n = grid.cells(axis);
    const std::vector<double>& centres = grid.centres(axis);
    const double length = grid.edges(axis).back() - grid.edges(axis).front();
    if (n == 1) {  // nothing varies
      intervals_.push_back({{Four{0, 1, 0, 0}, Four{}, Four{}, Four{}}, centres[0], 0});
      nodes_ = {centres[0], centres[0]};
      return;
    }
    nodes_ = centres;
    if (periodic_) nodes_.push_back(centres.front() + length);
    length_ = nodes_.back() - nodes_.front();
    is_uniform_ = grid.is_uniform(axis);
    per_width_ = static_cast<double>(nodes_.size() - 1) / length_;
    const auto width = [&](std::size_t i) { return nodes_[i + 1] - nodes_[i]; };
    const std::size_t count = nodes_.size() - 1;
    for (std::size_t i = 0; i < count; ++i) {
      const double h = width(i),
                   below = i > 0       ? width(i - 1)
                           : periodic_ ? width(count - 1)
                                       : h,
                   above = i + 1 < count ? width(i + 1)
                           : periodic_   ? width(0)
                                         : h;
      const double a = h / below, b = h / above;
      // h times the derivative at the left and at the right node, by the parabolas through their neighbours.
      const Four left{-a * a / (1 + a), a - 1, 1 / (1 + a), 0}, right{0, -1 / (1 + b), 1 - b, b * b / (1 + b)};
      const Four here{0, 1, 0, 0}, next{0, 0, 1, 0};
      intervals_.push_back(
          {{here, left, 3 * (next - here) - 2 * left - right, 2 * (here - next) + left + right}, nodes_[i], 1 / h});
    }
  }

  /// Weights for the interpolant and for its derivative; returns the first of the four padded nodes.
  Index weigh(double x, Four& value, Four& slope) const {
    const double first = nodes_.front(), last = nodes_.back();
    if (periodic_)
      x -= length_ * std::floor((x - first) / length_);
    else
      x = x > first ? (x < last ? x : last) : first;  // also for a value that is no number
    const Index count = static_cast<Index>(intervals_.size());
    Index i = is_uniform_ ? static_cast<Index>((x - first) * per_width_)
                          : std::upper_bound(nodes_.begin(), nodes_.end(), x) - nodes_.begin() - 1;
    i = i < 0 ? 0 : i >= count ? count - 1 : i;
    const Interval& at = intervals_[i];
    const double s = (x - at.left) * at.inverse_width;
    value = at.power[0] + s * (at.power[1] + s * (at.power[2] + s * at.power[3]));
    slope = at.inverse_width * (at.power[1] + s * (2 * at.power[2] + (3 * s) * at.power[3]));
    return i;
  }

 private:
  bool periodic_, is_uniform_ = false;
  double length_ = 1, per_width_ = 0;
  std::vector<double> nodes_;
  std::vector<Interval> intervals_;
};

double sum(Four v) { return (v[0] + v[1]) + (v[2] + v[3]); }

class GradientField final : public SlicedGradient {
 public:
  GradientField(GridPtr grid, std::vector<double> times, const std::string& folder)
      : grid_(std::move(grid)), times_(std::move(times)), nodes_(*grid_, times_.size(), folder) {
    for (int k = 0; k < grid_->dimension(); ++k) axes_.emplace_back(*grid_, k);
  }
  int input_dimension() const override { return grid_->dimension(); }
  int output_dimension() const override { return grid_->dimension(); }
  void write(std::size_t slice, const std::vector<double>& values) override { nodes_.write(slice, values); }
  std::vector<double> read(std::size_t slice) const override { return nodes_.read(slice); }
  void complete() override { nodes_.complete(); }

  void evaluate(double t, ConstPoints x, Points out) const override {
    const std::size_t after = std::upper_bound(times_.begin(), times_.end(), t) - times_.begin();
    const std::size_t upper = std::min(after, times_.size() - 1), lower = after == 0 ? 0 : after - 1;
    const double part = upper > lower ? (t - times_[lower]) / (times_[upper] - times_[lower]) : 0.0;
    switch (grid_->dimension()) {
      case 1:
        return evaluate<1>(nodes_.values(lower), nodes_.values(upper), part, x, out);
      case 2:
        return evaluate<2>(nodes_.values(lower), nodes_.values(upper), part, x, out);
      default:
        return evaluate<3>(nodes_.values(lower), nodes_.values(upper), part, x, out);
    }
  }

 private:
  template <int d>
  void evaluate(const double* a, const double* b, double part, ConstPoints x, Points out) const {
    const Index row = nodes_.row(), layer = nodes_.layer();
    const auto four = [&](Index node) {
      Four early, late;
      std::memcpy(&early, a + node, sizeof early);
      std::memcpy(&late, b + node, sizeof late);
      return early + part * (late - early);
    };
    for (Index i = 0; i < x.size(); ++i) {
      std::array<Four, d> value, slope;
      Index node = axes_[0].weigh(x(i, 0), value[0], slope[0]);
      if constexpr (d > 1) node += row * axes_[1].weigh(x(i, 1), value[1], slope[1]);
      if constexpr (d > 2) node += layer * axes_[2].weigh(x(i, 2), value[2], slope[2]);
      if constexpr (d == 1) {
        out(i, 0) = sum(slope[0] * four(node));
      } else {
        // Sums over the nodes of all axes but the first: of the values, and of their derivatives along those axes.
        Four plain{}, along[2]{};
        for (int layers = 0; layers < (d > 2 ? 4 : 1); ++layers) {
          Four values{}, slopes{};
#pragma GCC unroll 4
          for (int rows = 0; rows < 4; ++rows) {
            const Four here = four(node + layers * layer + rows * row);
            values += value[1][rows] * here;
            slopes += slope[1][rows] * here;
          }
          if constexpr (d == 2) {
            plain = values;
            along[0] = slopes;
          } else {
            plain += value[2][layers] * values;
            along[0] += value[2][layers] * slopes;
            along[1] += slope[2][layers] * values;
          }
        }
        out(i, 0) = sum(slope[0] * plain);
        for (int k = 1; k < d; ++k) out(i, k) = sum(value[0] * along[k - 1]);
      }
    }
  }

  GridPtr grid_;
  std::vector<Axis> axes_;
  std::vector<double> times_;
  PaddedNodes nodes_;
};

}  // namespace

std::shared_ptr<SlicedGradient> sliced_gradient(GridPtr grid, std::vector<double> times, const std::string& folder) {
  if (times.empty()) throw UsageError("there is nothing to take a gradient of");
  return std::make_shared<GradientField>(std::move(grid), std::move(times), folder);
}

processes::FieldPtr score_field(const DensityPath& path) {
  if (path.snapshots.empty()) throw UsageError("density '" + path.name + "' has no snapshots to take a score from");
  std::vector<double> times;
  for (const Snapshot& snapshot : path.snapshots) times.push_back(snapshot.time);
  const auto score = sliced_gradient(path.grid, times);
  for (std::size_t k = 0; k < times.size(); ++k) {
    std::vector<double> logarithms = path.snapshots[k].values;
    // exp(-690) = 1e-300: cells below the range of double have a flat logarithm, hence no score.
    for (double& value : logarithms) value = std::log(std::max(value, 1e-300));
    score->write(k, logarithms);
  }
  score->complete();
  return score;
}

}  // namespace fortet::densities
