/// Kind gibbs: density exp(-U/T) / Z on a box.
#include "density_boxes.hpp"
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
    boxes_ = DensityBoxes(potential_, temperature_, lower_, upper_).boxes();
    normalise();
    integrate_moments();
    prepare_sampling();
  }

  /// Rejection under the bounds of the boxes, of all points of a block at a time.
  void sample(const parallel::Stream& stream, std::int64_t first, Points out) const override {
    for (Index begin = 0; begin < out.size(); begin += block_size) {
      sample_block(stream, first + begin, out.slice(begin, std::min(block_size, out.size() - begin)));
    }
  }

  void log_density(ConstPoints x, double* out) const override {
    potential_.evaluate(0, x, out);
    for (Index i = 0; i < x.size(); ++i) {
      bool inside = true;
      for (int k = 0; k < dimension(); ++k) inside = inside && lower_[k] <= x(i, k) && x(i, k) <= upper_[k];
      out[i] = inside ? -out[i] / temperature_ - log_total_ : -std::numeric_limits<double>::infinity();
    }
  }
  void score(ConstPoints x, Points out) const override {
    for (int k = 0; k < dimension(); ++k) {
      gradient_[k].evaluate(0, x, out.coordinate(k));
      for (Index i = 0; i < x.size(); ++i) out(i, k) /= -temperature_;
    }
  }

  /// Each box gives its mass to the cells that it meets: a peak narrower than a cell is seen by the boxes.
  void cell_masses(const std::vector<std::vector<double>>& edges, std::span<double> out) const override {
    check_edges(edges, dimension(), out.size());
    std::fill(out.begin(), out.end(), 0.0);
    for (std::size_t b = 0; b < boxes_.size(); ++b) share_out(b, edges, out);
  }
  Moments moments() const override { return moments_; }
  double bytes() const override {
    return static_cast<double>(boxes_.size() * (sizeof(DensityBox) + 2 * sizeof(double)));
  }

 private:
  struct Corners {
    std::vector<double> lower, upper;
  };
  Corners corners(const DensityBox& box) const {
    return {{box.lower.begin(), box.lower.begin() + dimension()}, {box.upper.begin(), box.upper.begin() + dimension()}};
  }

  void normalise() {
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (const DensityBox& box : boxes_) largest = std::max(largest, box.log_mass);
    for (const DensityBox& box : boxes_) sum += std::exp(box.log_mass - largest);
    log_total_ = largest + std::log(sum);  // near enough for the quadrature to know what is small
    double total = 0;
    for (const DensityBox& box : boxes_) {
      // Of the mass, and of a pole that no rule can integrate: what its box has is negligible.
      const bool counts = box.log_mass > log_total_ - 37 && !box.is_singular;
      const Corners at = corners(box);
      masses_.push_back(counts ? integrate_density(*this, at.lower, at.upper) : std::exp(box.log_mass - log_total_));
      total += masses_.back();
    }
    for (double& mass : masses_) mass /= total;
    log_total_ += std::log(total);
  }

  void integrate_moments() {
    const int d = dimension(), n = 8;
    const QuadratureRule rule = gauss_legendre(n);
    Index points = 1;
    for (int k = 0; k < d; ++k) points *= n;
    PointArray x(points, d);
    std::vector<double> logs(points);
    double total = 0;
    Eigen::VectorXd first = Eigen::VectorXd::Zero(d), point(d);
    Eigen::MatrixXd second = Eigen::MatrixXd::Zero(d, d);
    for (const DensityBox& box : boxes_) {
      if (box.is_singular) continue;
      for (Index i = 0; i < points; ++i) {
        Index rest = i;
        for (int k = 0; k < d; ++k, rest /= n)
          x(i, k) = box.lower[k] + (box.upper[k] - box.lower[k]) * rule.nodes[rest % n];
      }
      log_density(x, logs.data());
      for (Index i = 0; i < points; ++i) {
        double weight = std::exp(logs[i]);
        Index rest = i;
        for (int k = 0; k < d; ++k, rest /= n)
          weight *= rule.weights[rest % n] * (box.upper[k] - box.lower[k]), point[k] = x(i, k);
        total += weight;
        first += weight * point;
        second += weight * point * point.transpose();
      }
    }
    moments_.mean = first / total;
    moments_.covariance = second / total - moments_.mean * moments_.mean.transpose();
  }

  void prepare_sampling() {
    double sum = 0;
    for (const DensityBox& box : boxes_) {
      double bound = box.is_singular ? 0 : std::exp(box.log_bound - log_total_);
      for (int k = 0; k < dimension(); ++k) bound *= box.upper[k] - box.lower[k];
      cumulative_.push_back(sum += box.is_singular ? masses_[&box - boxes_.data()] : bound);
    }
  }

  void sample_block(const parallel::Stream& stream, std::int64_t first, Points out) const {
    const int d = dimension();
    std::vector<Index> waiting(out.size());
    std::iota(waiting.begin(), waiting.end(), Index{0});
    PointArray x(out.size(), d);
    std::vector<double> potential(out.size());
    std::vector<const DensityBox*> chosen(out.size());
    for (std::uint32_t attempt = 0; !waiting.empty(); ++attempt) {
      const Index count = static_cast<Index>(waiting.size());
      const Points block = x.view().slice(0, count);
      for (Index i = 0; i < count; ++i) {
        const std::int64_t id = first + waiting[i];
        const double u = stream.uniform(id, attempt, 0) * cumulative_.back();
        const std::size_t found = std::upper_bound(cumulative_.begin(), cumulative_.end(), u) - cumulative_.begin();
        const DensityBox& box = boxes_[std::min(found, boxes_.size() - 1)];
        chosen[i] = &box;
        for (int k = 0; k < d; ++k)
          block(i, k) = box.lower[k] + stream.uniform(id, attempt, 2 + k) * (box.upper[k] - box.lower[k]);
      }
      potential_.evaluate(0, block, potential.data());
      std::vector<Index> rejected;
      for (Index i = 0; i < count; ++i) {
        const double ratio = std::exp(-potential[i] / temperature_ - chosen[i]->log_bound);
        if (ratio > 1 && !chosen[i]->is_singular) {
          throw DivergedError(
              fmt::format("the density of a gibbs law exceeds the bound of its sampler by a factor {}: the "
                          "potential varies on a scale below that of its boxes",
                          ratio));
        }
        if (!chosen[i]->is_singular && !(stream.uniform(first + waiting[i], attempt, 1) < ratio)) {
          rejected.push_back(waiting[i]);
          continue;
        }
        for (int k = 0; k < d; ++k) out(waiting[i], k) = block(i, k);
      }
      waiting = std::move(rejected);
    }
  }

  void share_out(std::size_t b, const std::vector<std::vector<double>>& edges, std::span<double> out) const {
    const int d = dimension();
    const DensityBox& box = boxes_[b];
    std::array<std::size_t, 3> first{}, last{};  // cells that the box meets
    for (int k = 0; k < d; ++k) {
      const std::vector<double>& e = edges[k];
      const auto begin = e.begin();
      const std::size_t after = std::upper_bound(begin, e.end(), box.lower[k]) - begin,
                        above = std::lower_bound(begin, e.end(), box.upper[k]) - begin;
      first[k] = after == 0 ? 0 : after - 1;
      last[k] = std::min(above, e.size() - 1);
      if (first[k] >= last[k]) return;
    }
    std::array<std::size_t, 3> cell = first;
    Corners part{std::vector<double>(d), std::vector<double>(d)};
    for (bool more = true; more;) {
      std::size_t index = 0, stride = 1;
      bool is_whole = true;
      for (int k = 0; k < d; ++k) {
        part.lower[k] = std::max(box.lower[k], edges[k][cell[k]]);
        part.upper[k] = std::min(box.upper[k], edges[k][cell[k] + 1]);
        is_whole = is_whole && part.lower[k] == box.lower[k] && part.upper[k] == box.upper[k];
        index += stride * cell[k];
        stride *= edges[k].size() - 1;
      }
      out[index] += is_whole ? masses_[b] : integrate_density(*this, part.lower, part.upper);
      more = false;
      for (int k = 0; k < d && !more; ++k) {
        more = ++cell[k] < last[k];
        if (!more) cell[k] = first[k];
      }
    }
  }

  Expression potential_;
  double temperature_;
  std::vector<double> lower_, upper_;
  std::vector<Expression> gradient_;
  std::vector<DensityBox> boxes_;
  std::vector<double> masses_;      ///< of the boxes
  std::vector<double> cumulative_;  ///< of the integrals of the bounds
  double log_total_ = 0;            ///< log p = -U/T - log_total
  Moments moments_;
};

const Registered<LawFactory> gibbs{
    {"laws",
     "gibbs",
     "Density exp(-U(x)/temperature)/Z on a box, normalised by adaptive quadrature",
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
