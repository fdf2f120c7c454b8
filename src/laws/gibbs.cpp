/// Kind gibbs: density exp(-U/T) / Z on a box.
#include "fortet/base/expression.hpp"
#include "fortet/laws/law.hpp"
#include "quadrature.hpp"

namespace fortet::laws {

namespace {
class Gibbs : public Law {
 public:
  Gibbs(const Expression& potential, double temperature, std::vector<double> lower, std::vector<double> upper)
      : Law(static_cast<int>(lower.size())),
        potential_(potential),
        temperature_(temperature),
        lower_(std::move(lower)),
        upper_(std::move(upper)) {
    for (int k = 0; k < dimension(); ++k) gradient_.push_back(potential.derivative(k));
    build_envelope();
    double total = 0;
    for (std::size_t cell = 0; cell < bounds_.size(); ++cell) {
      const auto [low, high] = cell_box(cell);
      total += integrate_density(*this, low, high);
    }
    if (!(total > 0) || !std::isfinite(total))
      throw ParameterError("potential", "exp(-potential/temperature) cannot be normalised on the box");
    log_total_ = std::log(total);
    integrate_moments();
  }

  void sample(const parallel::Stream& stream, std::int64_t first, Points out) const override {
    const int d = dimension();
    std::vector<double> point(d);
    for (Index i = 0; i < out.size(); ++i) {
      for (std::uint32_t attempt = 0;; ++attempt) {
        const double u = stream.uniform(first + i, attempt, 0) * cumulative_.back();
        const std::size_t chosen = std::upper_bound(cumulative_.begin(), cumulative_.end(), u) - cumulative_.begin();
        const std::size_t cell = std::min(chosen, bounds_.size() - 1);
        const auto [low, high] = cell_box(cell);
        for (int k = 0; k < d; ++k) point[k] = low[k] + stream.uniform(first + i, attempt, 2 + k) * (high[k] - low[k]);
        const double ratio = std::exp(lowest_ - potential_(0, point) / temperature_) / bounds_[cell];
        if (ratio > 1)
          throw DivergedError(fmt::format(
              "the density of a gibbs law exceeds the bound of its sampler by a factor {}: the potential is too rough",
              ratio));
        if (stream.uniform(first + i, attempt, 1) < ratio) break;
      }
      for (int k = 0; k < d; ++k) out(i, k) = point[k];
    }
  }

  void log_density(ConstPoints x, double* out) const override {
    potential_.evaluate(0, x, out);
    for (Index i = 0; i < x.size(); ++i) {
      bool inside = true;
      for (int k = 0; k < dimension(); ++k) inside = inside && lower_[k] <= x(i, k) && x(i, k) <= upper_[k];
      out[i] = inside ? lowest_ - out[i] / temperature_ - log_total_ : -std::numeric_limits<double>::infinity();
    }
  }
  void score(ConstPoints x, Points out) const override {
    for (int k = 0; k < dimension(); ++k) {
      gradient_[k].evaluate(0, x, out.coordinate(k));
      for (Index i = 0; i < x.size(); ++i) out(i, k) /= -temperature_;
    }
  }
  void cell_masses(const std::vector<std::vector<double>>& edges, std::span<double> out) const override {
    check_edges(edges, dimension(), out.size());
    for_cells(edges, out.size(), [&](std::size_t cell, std::vector<double> low, std::vector<double> high) {
      bool is_empty = false;
      for (int k = 0; k < dimension(); ++k) {
        low[k] = std::max(low[k], lower_[k]), high[k] = std::min(high[k], upper_[k]);
        is_empty = is_empty || !(low[k] < high[k]);
      }
      out[cell] = is_empty ? 0 : integrate_density(*this, low, high);
    });
  }
  Moments moments() const override { return moments_; }

 private:
  std::pair<std::vector<double>, std::vector<double>> cell_box(std::size_t cell) const {
    std::vector<double> low(dimension()), high(dimension());
    for (int k = 0; k < dimension(); ++k, cell /= cells_) {
      const double width = (upper_[k] - lower_[k]) / static_cast<double>(cells_);
      low[k] = lower_[k] + width * static_cast<double>(cell % cells_);
      high[k] = low[k] + width;
    }
    return {low, high};
  }

  /// Points of a lattice of n^d points on a cell, corners included.
  void lattice(const std::vector<double>& low, const std::vector<double>& high, int n, Points out) const {
    for (Index i = 0; i < out.size(); ++i) {
      Index rest = i;
      for (int k = 0; k < dimension(); ++k, rest /= n)
        out(i, k) = low[k] + (high[k] - low[k]) * static_cast<double>(rest % n) / (n - 1);
    }
  }

  /// Piecewise constant upper bound of exp(lowest - U/T): the largest value on a lattice, raised by what the steepest
  /// slope seen on the lattice allows over half its spacing, with a margin of one half for the slope between its
  /// points. Sampling checks it at every draw.
  void build_envelope() {
    const int d = dimension(), n = 5;
    cells_ = d == 1 ? 256 : d == 2 ? 48 : 14;
    std::size_t count = 1;
    Index points = 1;
    for (int k = 0; k < d; ++k) count *= cells_, points *= n;
    PointArray x(points, d);
    std::vector<double> values(points), logs(count);
    for (std::size_t cell = 0; cell < count; ++cell) {
      const auto [low, high] = cell_box(cell);
      lattice(low, high, n, x);
      potential_.evaluate(0, x, values.data());
      double least = std::numeric_limits<double>::infinity();
      for (double value : values) {
        if (std::isnan(value) || value == -std::numeric_limits<double>::infinity()) {
          throw ParameterError("potential", "the potential is not a number or minus infinity somewhere on the box");
        }
        least = std::min(least, value);
      }
      double margin = 0;
      for (int k = 0; k < d; ++k) {
        gradient_[k].evaluate(0, x, values.data());
        double steepest = 0;
        for (double value : values) steepest = std::max(steepest, std::abs(value));
        margin += 1.5 * steepest * (high[k] - low[k]) / (2 * (n - 1));
      }
      logs[cell] = -(least - margin) / temperature_;
    }
    lowest_ = -*std::max_element(logs.begin(), logs.end());
    double sum = 0;
    for (double log : logs) {
      bounds_.push_back(std::exp(lowest_ + log));
      cumulative_.push_back(sum += bounds_.back());
    }
  }

  void integrate_moments() {
    const int d = dimension();
    const QuadratureRule rule = gauss_legendre(8);
    const int n = 8;
    Index points = 1;
    for (int k = 0; k < d; ++k) points *= n;
    PointArray x(points, d);
    std::vector<double> logs(points);
    double total = 0;
    Eigen::VectorXd first = Eigen::VectorXd::Zero(d), point(d);
    Eigen::MatrixXd second = Eigen::MatrixXd::Zero(d, d);
    for (std::size_t cell = 0; cell < bounds_.size(); ++cell) {
      const auto [low, high] = cell_box(cell);
      for (Index i = 0; i < points; ++i) {
        Index rest = i;
        for (int k = 0; k < d; ++k, rest /= n) x(i, k) = low[k] + (high[k] - low[k]) * rule.nodes[rest % n];
      }
      log_density(x, logs.data());
      for (Index i = 0; i < points; ++i) {
        double weight = std::exp(logs[i]);
        Index rest = i;
        for (int k = 0; k < d; ++k, rest /= n)
          weight *= rule.weights[rest % n] * (high[k] - low[k]), point[k] = x(i, k);
        total += weight;
        first += weight * point;
        second += weight * point * point.transpose();
      }
    }
    moments_.mean = first / total;
    moments_.covariance = second / total - moments_.mean * moments_.mean.transpose();
  }

  Expression potential_;
  double temperature_;
  std::vector<double> lower_, upper_;
  std::vector<Expression> gradient_;
  std::size_t cells_ = 0;
  std::vector<double> bounds_, cumulative_;
  double lowest_ = 0,
         log_total_ = 0;  ///< log p = lowest - U/T - log_total; lowest keeps the exponentials from overflowing
  Moments moments_;
};

const Registered<LawFactory> gibbs{
    {"laws",
     "gibbs",
     "Density exp(-U(x)/temperature)/Z on a box, normalised by quadrature",
     "",
     {required("potential", {Type::expression}, "U(x, y, z)").unit("energy"),
      defaulted("temperature", {Type::real}, 1.0, "temperature").positive().unit("energy"),
      required("lower", {Type::reals}, "lower corner of the box"),
      required("upper", {Type::reals}, "upper corner of the box"),
      optional("parameters", {Type::numbers_by_name}, "named numbers that the formula may use")}},
    [](const Parameters& p, const LawContext&) -> LawPtr {
      const auto lower = p.reals("lower"), upper = p.reals("upper");
      const int d = static_cast<int>(lower.size());
      if (lower.size() != upper.size() || d < 1 || d > 3)
        throw ParameterError("upper", "expected corners with 1 to 3 coordinates, as many as in `lower`");
      for (int k = 0; k < d; ++k) {
        if (!(lower[k] < upper[k]) || !std::isfinite(upper[k] - lower[k])) {
          throw ParameterError("upper", fmt::format("expected more than lower = {}, found {}", lower[k], upper[k]));
        }
      }
      Expression potential;
      try {
        potential =
            Expression::parse(p.text("potential"), Expression::default_coordinates(d), p.numbers_by_name("parameters"));
      } catch (const ExpressionError& error) {
        throw ParameterError("potential",
                             fmt::format("{} (column {} of \"{}\")", error.what(), error.column, p.text("potential")));
      }
      if (potential.depends_on_time()) throw ParameterError("potential", "the potential of a law may not depend on t");
      return std::make_shared<Gibbs>(potential, p.real("temperature"), lower, upper);
    }};
}  // namespace

}  // namespace fortet::laws
